"""How server processes take their port, start, share it, are started again, and end."""

import asyncio
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from server.serving import listening
from server.serving.listening import CannotListen
from storage.mongo import IndexModel, Mongo
from tests.harness.crowd import CROWDS, TRANSPORTS, expected
from tests.harness.processes import PYTHON, Program, environment
from tests.harness.servers import MONGODB, REDIS

Notes = Callable[..., Awaitable[Program]]


def settings(database: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a server process of the notes slice on the tests' storage."""
    given = {
        "MIXEE_PORT": "0",
        "MIXEE_DATA_DIR": str(folder),
        "MIXEE_MONGODB_URL": os.environ[MONGODB],
        "MIXEE_REDIS_URL": os.environ[REDIS],
        "MIXEE_MONGODB_DATABASE": database,
        "MIXEE_DRAIN_SECONDS": "0.2",
    }
    return environment(**given | more)


async def serve(env: dict[str, str]) -> Program:
    return await Program.start(PYTHON, "-m", "tests.server.notes_server", "serve", env=env)


@pytest.fixture
async def notes(database: str, tmp_path: Path) -> AsyncIterator[Notes]:
    """`await notes(MIXEE_WORKERS="2")` starts a server process of the notes slice."""
    started: list[Program] = []

    async def start(**more: str) -> Program:
        started.append(await serve(settings(database, tmp_path, **more)))
        return started[-1]

    yield start
    for one in started:
        await one.clear()


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short name, since the path of a Unix socket has a bound."""
    with tempfile.TemporaryDirectory(prefix="mx-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    """A server of two workers, shared by the tests that leave it as it was."""
    database = f"test_pair_{secrets.token_hex(4)}"
    program = await serve(settings(database, tmp_path_factory.mktemp("pair"), MIXEE_WORKERS="2", MIXEE_LIMITS="off"))
    await url_of(program)
    yield program
    await program.clear()
    mongo = Mongo(os.environ[MONGODB], database)
    await mongo.drop()
    await mongo.close()


async def url_of(program: Program) -> str:
    await program.says("Press Ctrl+C to stop.")
    return (await program.says("  server ")).split()[-1]


async def status_of(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


class TestListening:
    def test_a_port_in_use_is_refused_in_a_sentence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            with pytest.raises(CannotListen) as refused:
                listening.take("127.0.0.1", port)

        assert str(refused.value) == (
            f"Cannot listen on 127.0.0.1:{port}: address already in use. Choose another --port or --host."
        )

    def test_a_name_that_nobody_knows_is_refused_in_a_sentence(self) -> None:
        with pytest.raises(CannotListen, match=r"^Cannot listen on no\.such\.host\.invalid:80: \w.*Choose another"):
            listening.take("no.such.host.invalid", 80)

    def test_what_is_taken_is_nobody_elses_but_does_not_listen_yet(self) -> None:
        (mine,) = listening.take("127.0.0.1", 0)
        with closing(mine):
            port = mine.getsockname()[1]

            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            mine.listen()
            with pytest.raises(CannotListen):
                listening.take("127.0.0.1", port)

    def test_every_address_of_a_name_is_taken_with_one_port(self) -> None:
        taken = listening.take("localhost", 0)

        assert len({one.getsockname()[1] for one in taken}) == 1
        assert "127.0.0.1" in {one.getsockname()[0] for one in taken}
        for one in taken:
            one.close()

    def test_a_reserved_port_can_be_shared_but_not_taken_alone(self) -> None:
        (reserved,) = listening.reserve("127.0.0.1", 0)
        port = reserved.getsockname()[1]
        (first,), (second,) = (listening.take("127.0.0.1", port, shared=True) for _ in range(2))
        with reserved, first, second:
            first.listen()
            second.listen()

            with pytest.raises(CannotListen):
                listening.reserve("127.0.0.1", port)

    @pytest.mark.parametrize(
        ("host", "place"),
        [("127.0.0.1", "127.0.0.1:80"), ("0.0.0.0", "localhost:80"), ("::", "localhost:80"), ("::1", "[::1]:80")],
    )
    def test_an_address_reads_as_in_a_url(self, host: str, place: str) -> None:
        assert listening.place(host, 80) == place


class TestOneProcess:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_it_says_where_it_is_serves_and_ends_in_order(self, notes: Notes, number: signal.Signals) -> None:
        program = await notes()
        url = await url_of(program)

        ready = await status_of(f"{url}/readyz")
        status = await program.stop(number)

        assert (ready, status) == (200, 0)
        assert f"  documentation  {url}/docs" in program.err
        assert "  data           outside servers (MIXEE_MONGODB_URL, MIXEE_REDIS_URL)" in program.err
        assert program.err[-1] == "Stopping: clients are asked to come back later."
        assert program.out == []

    async def test_it_takes_as_many_open_files_as_the_system_allows(self, notes: Notes) -> None:
        program = await notes()
        await url_of(program)

        limits = await asyncio.to_thread(Path(f"/proc/{program.process.pid}/limits").read_text)
        soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]

        assert soft == hard

    async def test_a_second_signal_ends_at_once_what_still_waits_for_somebody(self, notes: Notes) -> None:
        program = await notes(MIXEE_DRAIN_SECONDS="60")
        engine = f"{await url_of(program)}/socket.io/?EIO=4&transport=polling"

        async with aiohttp.ClientSession() as session:
            async with session.get(engine) as opened:
                sid = (await opened.text()).split('"')[3]
            hanging = asyncio.create_task(session.get(f"{engine}&sid={sid}"))
            program.process.send_signal(signal.SIGTERM)
            await program.says("Stopping: clients are asked to come back later.")
            program.process.send_signal(signal.SIGTERM)

            assert await program.ended() == 1
            assert program.err[-1] == "Stopping at once."
            await asyncio.gather(hanging, return_exceptions=True)

    async def test_a_signal_during_the_start_ends_it_at_once(self, notes: Notes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.setblocking(False)
            program = await notes(MIXEE_REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}")
            waiting, _ = await asyncio.get_running_loop().sock_accept(silent)

            with waiting:
                status = await program.stop()

        assert (status, program.said) == (0, "")


class TestWorkers:
    async def test_all_of_them_serve_on_the_port_when_it_says_so(self, pair: Program) -> None:
        url = await url_of(pair)

        lines = [await asyncio.open_connection(*url.removeprefix("http://").split(":")) for _ in range(40)]
        answers = [await ask(*line) for line in lines]
        serving = [connected_to(one) for one in pair.descendants()]
        for _, writer in lines:
            writer.close()
            await writer.wait_closed()

        assert set(answers) == {b"HTTP/1.1 200 OK\r\n"}
        assert len(serving) == 2
        assert min(serving) > 0
        assert sum(serving) == 40

    @pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS)
    @pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
    async def test_clients_of_every_transport_are_served_without_a_proxy(
        self, pair: Program, crowd: Any, transports: list[str] | None
    ) -> None:
        result = await crowd(await url_of(pair), transports)

        assert result == expected(transports)

    async def test_a_session_of_a_worker_that_is_gone_is_unknown_to_the_others(self, pair: Program) -> None:
        url = await url_of(pair)

        async with aiohttp.ClientSession() as session:
            answers = []
            for sid in ("w01nonsense", "w02nonsense", "w03nonsense", "w0", "x01nonsense", "w../../nonsense"):
                place = f"{url}/socket.io/?EIO=4&transport=polling"
                async with session.post(place, params={"sid": sid}, data=b"3") as answer:
                    answers.append((answer.status, (await answer.json())["message"]))

        assert answers == [(400, "Session ID unknown")] * 6

    async def test_one_that_is_killed_is_started_again(self, pair: Program) -> None:
        before = {one.pid for one in pair.descendants()}

        os.kill(min(before), signal.SIGKILL)
        await pair.says("serves again")

        after = {one.pid for one in pair.descendants()}
        assert len(after) == 2
        assert before & after == {max(before)}

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
    async def test_they_end_with_their_parent_however_it_ends(
        self, notes: Notes, temporary: Path, number: signal.Signals, status: int
    ) -> None:
        program = await notes(MIXEE_WORKERS="2", TMPDIR=str(temporary))
        await url_of(program)
        workers = program.descendants()
        sockets = inside(temporary)

        assert await program.stop(number) == status
        _, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=20)

        assert alive == []
        assert [one.name for one in sockets[1:]] == ["w01.sock", "w02.sock"]
        assert inside(temporary) == []

    async def test_a_start_that_fails_is_not_tried_again(self, notes: Notes, mongo: Mongo) -> None:
        await mongo.collection("notes").create_indexes([IndexModel([("author", 1)], name="text")])

        program = await notes(MIXEE_WORKERS="2")
        status = await program.ended()

        assert status == 1
        assert "MongoDB failed while the server started: An existing index has the same name" in program.said
        assert "right after its start: see above why." in program.err[-1]
        assert "Traceback" not in program.said
        assert "Mixee is running." not in program.said


def inside(folder: Path) -> list[Path]:
    """What is below a folder."""
    return sorted(folder.rglob("*"))


def connected_to(process: psutil.Process) -> int:
    """How many connections a process has accepted."""
    (port,) = {one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
    mine = [one for one in process.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED]
    return sum(1 for one in mine if one.laddr.port == port)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The first line of the answer to a request; the connection stays open."""
    writer.write(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
    return await asyncio.wait_for(reader.readline(), 10)
