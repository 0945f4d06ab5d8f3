"""The AsyncAPI document says what goes over the socket in both directions."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from server.edge import socket as door
from server.spec import asyncapi as module
from server.spec.asyncapi import asyncapi
from tests.harness.people import Person
from tests.server.conftest import Engine
from tests.server.spec.garden import manifest

SCHEMA = Path(__file__).parents[2] / "js/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi([manifest], "1.2.3")


def payload(document: dict[str, Any], channel: str, message: str) -> dict[str, Any]:
    found: dict[str, Any] = document["channels"][channel]["messages"][message]["payload"]
    return found


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_the_document_is_valid_asyncapi_30(document: dict[str, Any]) -> None:
    assert SCHEMA.exists(), "the packages of tests/js are not installed: run `make setup`"

    Draft7Validator(json.loads(SCHEMA.read_text())).validate(document)


def test_the_server_receives_every_command_that_has_an_event(document: dict[str, Any]) -> None:
    received = {
        name: document["channels"][name]["address"]
        for name, one in document["operations"].items()
        if one["action"] == "receive"
    }

    assert received == {
        "connection.connect": None,
        "connection.renew": "session:renew",
        "garden.plant": "plant:add",
        "garden.remove": "plant:remove",
        "garden.whisper": "plant:whisper",
    }


def test_the_server_sends_every_event_of_the_engine_and_of_the_slices(document: dict[str, Any]) -> None:
    sending = [name for name, one in document["operations"].items() if one["action"] == "send"]
    sent = {document["channels"][name]["address"] for name in sending}

    assert sent == {
        "connect_error",
        "plant:grown",
        "server:drain",
        "session:closed",
        "session:ready",
        "sync:behind",
    }
    assert document["operations"]["event.plant.grown"]["summary"] == "A plant has grown."
    assert payload(document, "event.plant.grown", "event") == {"$ref": "#/components/schemas/Plant"}


def test_over_the_socket_the_input_includes_what_http_has_in_its_path(document: dict[str, Any]) -> None:
    assert payload(document, "garden.plant", "request") == {"$ref": "#/components/schemas/Planting"}
    assert document["components"]["schemas"]["Planting"]["required"] == ["gardenId", "name", "spot"]


def test_an_answer_is_the_result_or_one_of_the_errors(document: dict[str, Any]) -> None:
    answer = payload(document, "acknowledgements", "garden.plant")
    fits = validator(document, answer).is_valid

    assert fits({"ok": True, "data": {"id": "1", "name": "Rose", "nickname": None, "parents": []}})
    assert fits({"ok": False, "error": {"code": "garden.spot_taken", "message": "Taken."}})
    assert not fits({"ok": False, "error": {"code": "garden.unheard_of", "message": "?"}})
    assert not fits({"ok": True, "error": {"code": "garden.spot_taken", "message": "Taken."}})


def test_a_command_that_answers_nothing_is_acknowledged_with_null(document: dict[str, Any]) -> None:
    fits = validator(document, payload(document, "acknowledgements", "garden.remove")).is_valid

    assert fits({"ok": True, "data": None})
    assert not fits({"ok": True, "data": {}})


def test_the_longest_device_id_is_the_one_that_the_door_takes() -> None:
    assert module.MAX_DEVICE_ID == door.MAX_DEVICE_ID


async def test_a_running_server_answers_as_the_document_says(engine: Engine) -> None:
    server = await engine()
    document = asyncapi(server.app.slices, "1")
    async with aiohttp.ClientSession() as session:
        ada = Person(server, session, "ada", {"user": {"id": "ada"}, "tokens": {"accessToken": "user:ada"}})
        socket = await ada.socket()

        for name, event, given in (
            ("notes.write", "note:write", {"text": "hello"}),
            ("notes.write", "note:write", {"text": "taken"}),
            ("notes.write", "note:write", {"text": "explode"}),
            ("notes.write", "note:write", {"text": ""}),
            ("notes.count", "note:count", {}),
            ("connection.renew", "session:renew", {"token": "user:ada"}),
            ("connection.renew", "session:renew", {"token": "user:bob"}),
            ("connection.renew", "session:renew", {}),
        ):
            answer = await socket.call(event, given)
            validator(document, payload(document, "acknowledgements", name)).validate(answer)
        for event, heard in socket.log:
            validator(document, payload(document, f"event.{event.replace(':', '.')}", "event")).validate(heard)

        await ada.close()
    assert {event for event, _ in socket.log} == {"session:ready", "note:new"}
