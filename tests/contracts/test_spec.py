"""The public description is that of the code: committed files are fresh, valid, and the same on every machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import run
from server.app import release
from server.edge.dispatch import parse
from server.spec.catalogue import catalogue
from server.spec.examples import example
from server.spec.files import documents
from server.spec.page import render
from server.spec.schemas import Schemas

ROOT = Path(__file__).parents[2]
ASYNCAPI_SCHEMA = ROOT / "tests/js/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
OF = catalogue(run.slices(), release())
SCHEMAS = Schemas(OF)
TEXTS = documents(run.slices(), release())


@pytest.mark.parametrize("name", TEXTS)
def test_the_committed_document_is_that_of_the_code(name: str) -> None:
    committed = (ROOT / "docs" / "api" / name).read_text(encoding="utf-8")

    assert committed == TEXTS[name], "run `.venv/bin/python run.py spec` and commit what it writes"


def test_the_openapi_document_is_valid() -> None:
    OpenAPIV31SpecValidator(json.loads(TEXTS["openapi.json"])).validate()


def test_the_asyncapi_document_is_valid() -> None:
    assert ASYNCAPI_SCHEMA.exists(), "the packages of tests/js are not installed: run `make setup`"

    Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text())).validate(json.loads(TEXTS["asyncapi.json"]))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_documents_do_not_depend_on_the_process_that_writes_them(seed: str) -> None:
    code = (
        "import json, run; from server.app import release; from server.spec.files import documents; "
        "print(json.dumps(documents(run.slices(), release())))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert json.loads(printed) == TEXTS


@pytest.mark.parametrize("command", OF.commands, ids=lambda one: one.name)
def test_the_example_of_a_command_is_an_input_that_it_takes(command: Any) -> None:
    given = example(SCHEMAS.input_of(command), SCHEMAS)

    assert isinstance(parse(command.input, given), command.input)


def test_every_command_and_event_has_its_place_on_the_page() -> None:
    page = render(run.slices(), release())

    for command in OF.commands:
        assert f'<article id="{command.name}">' in page.html
    for event in OF.events:
        assert f'<article id="event-{event.name}">' in page.html
