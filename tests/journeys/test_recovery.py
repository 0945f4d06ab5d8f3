"""Connection state recovery with the unmodified JavaScript client: it comes back and has missed nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.conftest import Cluster, People
from tests.handlers.chat.helpers import direct, say
from tests.harness.people import Person
from tests.harness.servers import Server
from tests.journeys.clients import JavaScriptClient


@pytest.fixture
async def client() -> AsyncIterator[JavaScriptClient]:
    """A stock client in a Node process."""
    one = await JavaScriptClient.start()
    yield one
    await one.close()


async def connected(client: JavaScriptClient, person: Person, *, recovery: bool = True) -> None:
    """Connect as this person, and see the session begin."""
    await client.connect(person.server.url, {"token": person.token, "recovery": recovery}, ["websocket"])
    assert (await client.next("session:ready"))["recovered"] is False
    await client.next("(connect)")


async def test_a_client_that_was_cut_off_gets_exactly_what_it_missed_and_knows_it(
    people: People, client: JavaScriptClient
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await connected(client, bob)
    await say(ada, conversation, "one")
    assert (await client.next("message:new"))["content"] == "one"

    await client.cut()
    await client.next("(disconnect)")
    for text in ("two", "three"):
        await say(ada, conversation, text)

    assert await client.next("(connect)") == {"recovered": True}
    assert (await client.next("session:ready"))["recovered"] is True
    assert [(await client.next("message:new"))["content"] for _ in range(2)] == ["two", "three"]
    await say(ada, conversation, "four")
    assert (await client.next("message:new"))["content"] == "four"
    await client.settle()
    assert [one["content"] for one in client.events("message:new")] == ["one", "two", "three", "four"]
    assert [one for one in client.offsets if one.startswith(conversation)] == [
        f"{conversation}:{one['seq']}" for one in client.events("message:new")
    ]


async def test_a_client_can_come_back_again_and_again(people: People, client: JavaScriptClient) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await connected(client, bob)
    await say(ada, conversation, "0")
    await client.next("message:new")

    for number in range(1, 4):
        await client.cut()
        await client.next("(disconnect)")
        await say(ada, conversation, str(number))
        assert await client.next("(connect)") == {"recovered": True}
        assert (await client.next("message:new"))["content"] == str(number)

    assert [one["content"] for one in client.events("message:new")] == ["0", "1", "2", "3"]


async def test_who_did_not_opt_in_never_gets_an_offset_and_is_told_to_sync(
    people: People, client: JavaScriptClient
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await connected(client, bob, recovery=False)
    await say(ada, conversation, "one")
    await client.next("message:new")

    await client.cut()
    await client.next("(disconnect)")

    assert await client.next("(connect)") == {"recovered": False}
    assert (await client.next("session:ready"))["recovered"] is False
    assert client.offsets == []


async def test_a_session_that_was_revoked_is_not_recovered(people: People, client: JavaScriptClient) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await connected(client, bob)
    await say(ada, conversation, "one")
    await client.next("message:new")

    await bob.ask("POST", "/api/auth/logout")

    assert (await client.next("session:closed"))["code"] == "session_revoked"
    assert len(ada.server.app.hub._recovering.sessions) == 0


async def test_a_client_that_comes_back_to_another_process_gets_exactly_what_it_missed(
    people: People, cluster: Cluster, client: JavaScriptClient
) -> None:
    ada, bob = await people("ada", "bob")
    first, second = bob.server, await cluster()
    async with switchboard(first) as board:
        conversation = await direct(ada, bob)
        await client.connect(board.url, {"token": bob.token, "recovery": True}, ["websocket"])
        await client.next("(connect)")
        await say(ada, conversation, "one")
        await client.next("message:new")

        board.to = second
        await client.cut()
        await client.next("(disconnect)")
        for text in ("two", "three"):
            await say(ada, conversation, text)

        assert await client.next("(connect)") == {"recovered": True}
        assert [(await client.next("message:new"))["content"] for _ in range(2)] == ["two", "three"]
        await say(ada.at(second), conversation, "four")
        assert (await client.next("message:new"))["content"] == "four"
        await client.settle()
        assert [one["content"] for one in client.events("message:new")] == ["one", "two", "three", "four"]
        assert (sessions(first), sessions(second)) == (0, 1)

        board.to = first
        await client.cut()
        await client.next("(disconnect)")
        await say(ada, conversation, "five")

        assert await client.next("(connect)") == {"recovered": True}
        assert (await client.next("message:new"))["content"] == "five"
        assert (sessions(first), sessions(second)) == (1, 0)


async def test_when_the_process_of_a_session_is_gone_its_client_begins_anew(
    people: People, cluster: Cluster, client: JavaScriptClient
) -> None:
    ada, bob = await people("ada", "bob")
    first, second = await cluster(), bob.server
    async with switchboard(first) as board:
        conversation = await direct(ada, bob)
        await client.connect(board.url, {"token": bob.token, "recovery": True}, ["websocket"])
        await client.next("(connect)")
        await say(ada, conversation, "one")
        await client.next("message:new")

        board.to = second
        await first.stop()

        assert await client.next("(connect)") == {"recovered": False}
        await client.next("session:ready")
        assert (await client.next("session:ready"))["recovered"] is False


def sessions(server: Server) -> int:
    """How many sessions a process keeps."""
    return len(server.app.hub._recovering.sessions)


class Switchboard:
    """One address behind which the server can change."""

    def __init__(self, to: Server) -> None:
        self.to = to
        self.url = ""

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bring the bytes of one connection to the server and back."""
        host, port = self.to.url.removeprefix("http://").split(":")
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def switchboard(to: Server) -> AsyncIterator[Switchboard]:
    """A proxy of one address."""
    board = Switchboard(to)
    server = await asyncio.start_server(board.connect, "127.0.0.1", 0)
    board.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield board
    server.close()
