"""Both doors of the engine: one command, one permission, one answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import socketio

from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server, until
from tests.server.conftest import Engine, notes_of

NO_SUCH = "01890a5d-ac96-774b-bcce-b302099a8057"
As = Callable[..., Awaitable[Person]]


@pytest.fixture
async def as_(engine: Engine) -> AsyncIterator[As]:
    """`await as_("user:ada")`: somebody with that token."""
    made: list[Person] = []
    async with aiohttp.ClientSession() as session:

        async def start(token: str, at: Server | None = None) -> Person:
            server = at or await engine()
            name = token.partition(":")[2]
            person = Person(server, session, name, {"user": {"id": name}, "tokens": {"accessToken": token}})
            made.append(person)
            return person

        yield start
        for one in made:
            await one.close()


async def test_a_command_gives_the_same_result_through_either_door(as_: As, door: Door) -> None:
    ada = await as_("user:ada")

    note = await door(ada, "notes.write", {"text": "hello"})

    assert note == {"id": note["id"], "author": "ada", "text": "hello"}
    assert await notes_of(ada.server).notes.count({"_id": note["id"]}) == 1


async def test_a_token_without_the_permission_is_refused_and_nothing_changes(as_: As, door: Door) -> None:
    guest = await as_("guest:eve")

    with pytest.raises(Refusal) as refused:
        await door(guest, "notes.write", {"text": "hello"})

    assert (refused.value.code, refused.value.status or 403) == ("forbidden", 403)
    assert await notes_of(guest.server).notes.count({}) == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": 5}, "text"),
        ({"text": "x", "z": 1}, "z"),
        ({"text": "x" * 21}, "text"),
    ],
)
async def test_bad_input_names_the_field_and_changes_nothing(
    as_: As, door: Door, given: dict[str, Any], field: str
) -> None:
    ada = await as_("user:ada")

    with pytest.raises(Refusal) as refused:
        await door(ada, "notes.write", given)

    assert refused.value.code == "bad_request"
    assert refused.value.fields == {field}
    assert await notes_of(ada.server).notes.count({}) == 0


async def test_a_failed_unit_leaves_nothing_and_tells_nobody(as_: As, door: Door) -> None:
    ada = await as_("user:ada")
    watching = await ada.socket()

    with pytest.raises(Refusal) as refused:
        await door(ada, "notes.write", {"text": "taken"})

    await watching.settle()
    assert refused.value.code == "notes.taken"
    assert await notes_of(ada.server).notes.count({}) == 0
    assert await ada.server.app.mongo.collection("outbox").count({}) == 0
    assert [note["text"] for note in watching.events("note:new")] == ["hello ada"]


async def test_a_bug_is_answered_without_a_word_of_it(as_: As, door: Door) -> None:
    ada = await as_("user:ada")

    with pytest.raises(Refusal) as refused:
        await door(ada, "notes.write", {"text": "explode"})

    assert refused.value.code == "internal"
    assert "secret" not in str(refused.value)


async def test_a_query_is_read_by_the_types_of_its_fields(as_: As, door: Door) -> None:
    ada = await as_("user:ada")

    found = await door(ada, "notes.find", {"limit": 5, "exact": True, "among": ["a", "b"]})

    assert found == {"limit": 5, "exact": True, "among": ["a", "b"], "notes": []}


async def test_a_command_that_returns_nothing_is_answered_all_the_same(as_: As) -> None:
    ada = await as_("user:ada")
    socket = await ada.socket()

    assert await ada.http("DELETE", f"/api/notes/{NO_SUCH}") == (204, None)
    assert await socket.call("note:remove", {"noteId": NO_SUCH}) == {"ok": True, "data": None}


async def test_a_limit_is_shared_by_both_doors_and_says_how_long_to_wait(as_: As, engine: Engine) -> None:
    ada = await as_("user:ada", at=await engine(limits="on"))
    socket = await ada.socket()

    first, _ = await ada.http("POST", "/api/notes/rare")
    second = await socket.call("note:rare")
    third = await socket.call("note:rare")
    fourth, body = await ada.http("POST", "/api/notes/rare")

    assert (first, second["ok"], third["ok"], fourth) == (200, True, False, 429)
    assert third["error"]["code"] == body["code"] == "rate_limited"
    assert 55_000 < body["retryAfterMs"] <= 60_000


class TestHttp:
    async def test_no_token_and_a_wrong_token_are_401_with_a_challenge(self, as_: As) -> None:
        nobody = await as_("nonsense")

        async with aiohttp.ClientSession() as session, session.post(f"{nobody.server.url}/api/notes") as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.content_type == "application/problem+json"
        status, body = await nobody.http("POST", "/api/notes", json={"text": "x"})

        assert (status, body["code"], body["message"]) == (401, "unauthenticated", "That is no token.")

    @pytest.mark.parametrize(
        ("body", "kind", "status", "code"),
        [
            (b"{", "application/json", 400, "bad_request"),
            (b"[]", "application/json", 400, "bad_request"),
            (b'{"text":"x"}', "text/plain", 415, "unsupported_media_type"),
            (b"x" * 70_000, "application/json", 413, "too_large"),
            (b'{"text": NaN}', "application/json", 400, "bad_request"),
        ],
    )
    async def test_a_body_that_cannot_be_read_says_why(
        self, as_: As, body: bytes, kind: str, status: int, code: str
    ) -> None:
        ada = await as_("user:ada")
        headers = {"Authorization": "Bearer user:ada", "Content-Type": kind}

        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{ada.server.url}/api/notes", data=body, headers=headers) as response,
        ):
            told = await response.json(content_type="application/problem+json")

        assert (response.status, told["code"], told["status"]) == (status, code, status)

    async def test_a_body_without_a_length_has_the_same_bound(self, as_: As) -> None:
        ada = await as_("user:ada")

        async def stream() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 10_000

        headers = {"Authorization": "Bearer user:ada", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{ada.server.url}/api/notes", data=stream(), headers=headers) as response,
        ):
            assert response.status == 413

    async def test_an_unknown_path_and_a_wrong_method_are_answered_in_our_words(self, as_: As) -> None:
        ada = await as_("user:ada")

        assert (await ada.http("GET", "/api/nothing"))[1]["code"] == "not_found"
        status, body = await ada.http("PATCH", "/api/notes")

        assert (status, body["code"]) == (405, "method_not_allowed")

    async def test_a_field_given_twice_and_differently_is_refused(self, as_: As) -> None:
        ada = await as_("user:ada")

        status, body = await ada.http("POST", "/api/notes", json={"text": "a"}, params={"text": "b"})

        assert (status, body["details"][0]["field"]) == (400, "text")

    async def test_every_answer_forbids_sniffing_framing_and_caching(self, as_: As) -> None:
        ada = await as_("user:ada")

        for path in ("/api/notes", "/api/nothing"):
            async with aiohttp.ClientSession() as session, session.get(ada.server.url + path) as response:
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Cache-Control"] == "no-store"
                assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


class TestSocket:
    async def test_session_ready_is_the_first_event(self, as_: As) -> None:
        ada = await as_("user:ada")

        socket = await ada.socket("phone")

        name, ready = socket.log[0]
        assert name == "session:ready"
        assert (ready["userId"], ready["deviceId"], ready["recovered"]) == ("ada", "phone", False)
        assert ready["limits"] == {"maxEventBytes": 65536, "maxInFlight": 64}

    async def test_a_slice_greets_the_new_connection_alone(self, as_: As) -> None:
        ada = await as_("user:ada")

        phone, desk = await ada.socket(), await ada.socket()
        await desk.settle()

        assert (await phone.next("note:new"))["text"] == "hello ada"
        assert len(phone.events("note:new")) == len(desk.events("note:new")) == 1

    @pytest.mark.parametrize(
        "packet",
        [
            "4",
            "49",
            "42",
            "42x",
            "42[",
            "42{}",
            "4299999999999999[]",
            "45",
            "451-[]",
            "451-",
            "4" + "[" * 5000,
            "4599-[1]",
        ],
    )
    async def test_what_is_no_packet_ends_the_connection_without_a_stack_trace(
        self, as_: As, packet: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        ada = await as_("user:ada")
        address = ada.server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"

        async with aiohttp.ClientSession() as session, session.ws_connect(address) as raw:
            await raw.receive_str(timeout=5)
            await raw.send_str('40{"token":"user:ada"}')
            assert (await raw.receive_str(timeout=5)).startswith("40")
            await raw.send_str(packet)
            async with asyncio.timeout(5):
                while (await raw.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass

        await until(lambda: len(ada.server.app.hub.connections) == 0)
        assert "Traceback" not in caplog.text

    @pytest.mark.parametrize(
        ("auth", "code"),
        [
            (None, "unauthenticated"),
            ({}, "unauthenticated"),
            ({"token": 5}, "unauthenticated"),
            ({"token": "nonsense"}, "unauthenticated"),
            ({"token": "user:ada", "deviceId": ""}, "bad_request"),
            ({"token": "user:ada", "deviceId": "x" * 65}, "bad_request"),
        ],
    )
    async def test_a_bad_sign_in_is_a_connect_error_that_carries_a_code(self, as_: As, auth: Any, code: str) -> None:
        ada = await as_("user:ada")
        client = socketio.AsyncClient(reconnection=False)
        refused: list[Any] = []
        client.on("connect_error", refused.append)

        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(ada.server.url, auth=auth, transports=["websocket"], wait_timeout=5)

        assert refused[0]["data"]["code"] == code
        assert notes_of(ada.server).seen == []
        assert len(ada.server.app.hub.connections) == 0

    async def test_every_event_is_answered_once_whatever_it_is(self, as_: As) -> None:
        ada = await as_("user:ada")
        socket = await ada.socket()

        answers = {
            "unknown": await socket.call("no-such-event", {}),
            "two arguments": await socket.call("note:write", {"text": "a"}, {"text": "b"}),
            "no object": await socket.call("note:write", "a"),
            "no argument": await socket.call("note:write"),
            "bytes": await socket.call("note:write", {"text": b"a"}),
            "a bug": await socket.call("note:write", {"text": "explode"}),
            "a fault later": await socket.call("note:slow", {"text": "bad"}),
        }

        assert {name: answer["error"]["code"] for name, answer in answers.items()} == {
            "unknown": "not_found",
            "two arguments": "bad_request",
            "no object": "bad_request",
            "no argument": "bad_request",
            "bytes": "bad_request",
            "a bug": "internal",
            "a fault later": "notes.taken",
        }

    async def test_events_of_one_client_start_in_the_order_they_were_sent(self, as_: As) -> None:
        ada = await as_("user:ada")
        socket = await ada.socket()

        texts = [f"n{number}" for number in range(150)]
        await asyncio.gather(*(socket.call("note:slow", {"text": text}) for text in texts))

        assert notes_of(ada.server).heard == texts

    async def test_the_slices_hear_of_a_connection_once_when_it_comes_and_once_when_it_goes(self, as_: As) -> None:
        ada = await as_("user:ada")

        socket = await ada.socket()
        await socket.close()

        await until(lambda: len(notes_of(ada.server).seen) == 2)
        assert notes_of(ada.server).seen == [("in", "ada"), ("out", "ada")]
        assert len(ada.server.app.hub.connections) == 0

    async def test_a_connection_ends_when_its_token_does_unless_it_is_renewed(self, as_: As) -> None:
        ada = await as_("user:ada")
        lazy, careful = await ada.socket(), await ada.socket()
        ada.server.app.clock.advance(minutes=50)  # type: ignore[attr-defined]  # the tests' clock

        renewed = await careful.ask("session:renew", {"token": "user:ada"})
        ada.server.app.clock.advance(minutes=20)  # type: ignore[attr-defined]  # the tests' clock
        closing = await lazy.next("session:closed")

        assert closing == {"code": "token_expired"}
        assert renewed["expiresAt"]
        assert (await careful.call("note:count", {}))["ok"]

    async def test_a_token_of_somebody_else_does_not_renew(self, as_: As) -> None:
        ada = await as_("user:ada")
        socket = await ada.socket()

        answer = await socket.call("session:renew", {"token": "user:bob"})

        assert answer["error"]["code"] == "bad_request"

    async def test_a_full_server_says_when_to_come_back(self, as_: As, engine: Engine) -> None:
        ada = await as_("user:ada", at=await engine(max_connections=1))
        await ada.socket()
        client = socketio.AsyncClient(reconnection=False)
        refused: list[Any] = []
        client.on("connect_error", refused.append)

        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(ada.server.url, auth={"token": "user:bob"}, transports=["websocket"])

        assert refused[0]["data"] == {
            "code": "unavailable",
            "message": "This server is full: connect again later.",
            "retryAfterMs": 5000,
        }

    async def test_an_event_larger_than_the_bound_ends_the_connection(self, as_: As) -> None:
        ada = await as_("user:ada")
        socket = await ada.socket()

        await socket.client.emit("note:write", {"text": "x" * 70_000})

        await asyncio.wait_for(socket.closed.wait(), 5)
        assert await notes_of(ada.server).notes.count({}) == 0
