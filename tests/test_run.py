"""The command line as an operator uses it: real processes, real signals, one clear sentence when something is wrong."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import psutil
import pytest

from run import main
from storage.mongo import Mongo
from tests.harness.processes import PYTHON, ROOT, Program, environment
from tests.harness.servers import MONGODB, REDIS
from tests.journeys.clients import PythonClient

RUN = str(ROOT / "run.py")
PASSWORD = "Correct-Horse-7"
ESCAPE = "\x1b"

pytestmark = pytest.mark.timeout(180)


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@asynccontextmanager
async def running(folder: Path, *words: str, **settings: str) -> AsyncIterator[Program]:
    """`run.py` with these words and settings, in a folder of its own."""
    program = await Program.start(PYTHON, RUN, *words, env=environment(**settings), cwd=folder)
    try:
        yield program
    finally:
        await program.clear()


async def result_of(folder: Path, *words: str, **settings: str) -> tuple[int, Program]:
    """The exit status of a command that ends by itself, and what it said."""
    async with running(folder, *words, **settings) as program:
        return await program.ended(), program


async def up(program: Program) -> str:
    """Wait until the server says that it runs; its address."""
    await program.says("Press Ctrl+C to stop.")
    return (await program.says("  server ")).split()[-1]


async def request(method: str, url: str, token: str = "", **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, **options) as response:
        body = await response.json(content_type=None)
        assert response.status < 300, body
        return body


async def register(url: str, name: str) -> Any:
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, "displayName": name}
    return await request("POST", f"{url}/api/auth/register", json=account | {"acceptTerms": True})


async def login(url: str, name: str) -> Any:
    return await request("POST", f"{url}/api/auth/login", json={"username": name, "password": PASSWORD})


class Written(NamedTuple):
    """What a first run with nothing set left, and how it went."""

    folder: Path
    said: list[str]
    ready: Any
    url: str
    children: int
    status: int
    survivors: Sequence[psutil.Process]
    conversation: str
    message: Any


async def gone(processes: Sequence[psutil.Process]) -> Sequence[psutil.Process]:
    """Those of the processes that are still there after a while."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=20)
    return list(alive)


@pytest.fixture(scope="module")
async def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A server was started with nothing set, two people talked, and it was told to stop."""
    folder = tmp_path_factory.mktemp("home")
    port = free_port()
    async with running(folder, "serve", "--port", str(port), "--data-dir", "data") as program:
        url = await up(program)
        ready = await request("GET", f"{url}/readyz")
        ada, bob = await register(url, "ada"), await register(url, "bob")
        token = ada["tokens"]["accessToken"]
        conversation = await request(
            "POST",
            f"{url}/api/conversations",
            token,
            json={"type": "direct", "participantIds": [bob["user"]["id"]]},
        )
        messages = f"{url}/api/conversations/{conversation['id']}/messages"
        message = await request("POST", messages, token, json={"type": "text", "content": "Remember me"})
        children = program.descendants()
        status = await program.stop(signal.SIGTERM)
        survivors = await gone(children)
        return Written(folder, program.err, ready, url, len(children), status, survivors, conversation["id"], message)


async def remembered(url: str, written: Written) -> list[str]:
    """The texts that Bob finds in his conversation."""
    token = (await login(url, "bob"))["tokens"]["accessToken"]
    page = await request("GET", f"{url}/api/conversations/{written.conversation}/messages", token)
    return [one["content"] for one in page["messages"]]


class TestWithNothingSet:
    def test_it_says_where_the_server_its_documentation_and_its_data_are(self, written: Written) -> None:
        assert written.url.startswith("http://127.0.0.1:")
        assert written.ready == {"status": "ready"}
        assert f"  server         {written.url}" in written.said
        assert f"  documentation  {written.url}/docs" in written.said
        assert f"  data           {written.folder / 'data'}" in written.said

    def test_sigterm_ends_it_and_its_mongodb_and_redis(self, written: Written) -> None:
        assert written.children == 2
        assert written.status == 0
        assert written.survivors == []
        assert written.said[-1] == "Stopping: clients are asked to come back later."

    async def test_a_second_start_finds_the_data_again_and_ctrl_c_ends_it(self, written: Written) -> None:
        async with running(written.folder, "serve", "--port", "0", "--data-dir", "data") as program:
            texts = await remembered(await up(program), written)
            children = program.descendants()
            status = await program.stop(signal.SIGINT)

        assert texts == ["Remember me"]
        assert (status, await gone(children)) == (0, [])
        assert "Traceback" not in program.said

    async def test_the_first_admin_is_made_from_outside_whether_the_server_runs_or_not(self, written: Written) -> None:
        grant = ("grant", "--data-dir", "data", "--role")
        before, quiet = await result_of(written.folder, *grant, "moderator", "bob")
        async with running(written.folder, "serve", "--port", "0", "--data-dir", "data") as program:
            url = await up(program)
            client = PythonClient()
            await client.connect(url, {"token": (await login(url, "ada"))["tokens"]["accessToken"]}, ["websocket"])
            status, granted = await result_of(written.folder, *grant, "admin", "ada")
            closed = await client.next("session:closed")
            token = (await login(url, "ada"))["tokens"]["accessToken"]
            page = await request("GET", f"{url}/api/moderation/offices", token)
            audit = await request("GET", f"{url}/api/moderation/audit", token)
            await client.close()
            await program.stop()

        assert (before, quiet.out) == (
            0,
            ["bob has the role moderator now, and had the role user; it counts after signing in again."],
        )
        assert (status, granted.err, closed) == (0, [], {"code": "role_changed"})
        assert {one["user"]["username"]: one["role"] for one in page["offices"]} == {"ada": "admin", "bob": "moderator"}
        notes = [one["note"] for one in audit["lines"]]
        assert notes == ["user -> admin: run.py grant", "user -> moderator: run.py grant"]

    async def test_after_kill_9_a_new_start_finds_the_data_again(self, written: Written) -> None:
        async with running(written.folder, "serve", "--port", "0", "--data-dir", "data") as killed:
            await up(killed)
            killed.tell(signal.SIGKILL)
            async with running(written.folder, "serve", "--port", "0", "--data-dir", "data") as program:
                texts = await remembered(await up(program), written)
                status = await program.stop()

        assert texts == ["Remember me"]
        assert status == 0


@pytest.fixture(scope="module")
def outside() -> dict[str, str]:
    """Settings that name servers which run already."""
    return {
        "MIXEE_MONGODB_URL": os.environ[MONGODB],
        "MIXEE_REDIS_URL": os.environ[REDIS],
        "MIXEE_MONGODB_DATABASE": f"test_run_{secrets.token_hex(4)}",
        "MIXEE_LIMITS": "off",
        "MIXEE_DRAIN_SECONDS": "0.2",
        "MIXEE_PRESENCE_GRACE_SECONDS": "0.2",
        "MIXEE_PRESENCE_QUIET_SECONDS": "0.2",
    }


@pytest.fixture(scope="module")
async def nodes(outside: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[str]]:
    """The addresses of two server processes on the same outside servers."""
    folder = tmp_path_factory.mktemp("nodes")
    try:
        async with (
            running(folder, "serve", "--port", "0", **outside) as first,
            running(folder, "serve", "--port", "0", **outside) as second,
        ):
            yield [await up(first), await up(second)]
            assert first.descendants() == second.descendants() == []
    finally:
        mongo = Mongo(os.environ[MONGODB], outside["MIXEE_MONGODB_DATABASE"])
        await mongo.drop()
        await mongo.close()


class TestWithOutsideServers:
    async def test_two_processes_form_one_cluster(self, nodes: list[str]) -> None:
        ada, bob = await register(nodes[0], "ada_one"), await register(nodes[1], "bob_two")
        clients = [PythonClient(), PythonClient()]
        for client, url, account in zip(clients, nodes, (ada, bob), strict=True):
            await client.connect(url, {"token": account["tokens"]["accessToken"]})

        made = await clients[0].ask("conversations:create", type="direct", participantIds=[bob["user"]["id"]])
        said = await clients[0].ask("message:send", conversationId=made["id"], type="text", content="Across")
        heard = await clients[1].next("message:new")
        for client in clients:
            await client.close()

        assert heard == said

    async def test_the_demo_sees_everything_and_is_readable_in_a_pipe(self, nodes: list[str], tmp_path: Path) -> None:
        status, demo = await result_of(tmp_path, "demo", "--url", nodes[1])

        assert (status, demo.err) == (0, [])
        assert demo.out[-1].startswith("Everybody saw everything: ")
        assert ESCAPE not in demo.said
        assert any(line.strip().startswith("Bob    ← “We start at nine.”") for line in _without_times(demo.out))

    async def test_workers_share_a_port_and_one_that_is_killed_is_replaced(
        self, outside: dict[str, str], tmp_path: Path
    ) -> None:
        port = free_port()
        async with running(tmp_path, "serve", "--port", str(port), "--workers", "2", **outside) as program:
            url = await up(program)
            account = await register(url, "eve_work")
            workers = program.descendants()
            workers[0].kill()
            await program.says("serves again")
            client = PythonClient()
            await client.connect(url, {"token": account["tokens"]["accessToken"]}, ["websocket"])
            me = await client.ask("users:me")
            await client.close()
            status = await program.stop()

        assert (me["username"], status, len(workers)) == ("eve_work", 0, 2)
        assert url == f"http://127.0.0.1:{port}"


def _without_times(lines: Sequence[str]) -> list[str]:
    return [line.partition(" ms  ")[2] for line in lines]


class Refusal(NamedTuple):
    """A start that must fail: what is set, the words, and what it must say."""

    settings: dict[str, str]
    words: tuple[str, ...]
    says: str
    status: int = 1


NOWHERE = "127.0.0.1:9"
REFUSALS = {
    "MongoDB is not there": Refusal(
        {"MIXEE_MONGODB_URL": f"mongodb://u:hush@{NOWHERE}/?replicaSet=x", "MIXEE_REDIS_URL": f"redis://{NOWHERE}"},
        (),
        "MongoDB cannot be used: 127.0.0.1:9: [Errno 111] Connect call failed",
    ),
    "the MongoDB URL is none": Refusal(
        {"MIXEE_MONGODB_URL": "nonsense://", "MIXEE_REDIS_URL": f"redis://{NOWHERE}"},
        (),
        "MongoDB cannot be used: Invalid URI scheme",
    ),
    "Redis is not there": Refusal({"MIXEE_REDIS_URL": f"redis://{NOWHERE}"}, (), "Redis cannot be used: Error 111"),
    "the Redis URL is none": Refusal({"MIXEE_REDIS_URL": "nonsense"}, (), "Redis cannot be used: Redis URL must"),
    "production is weak": Refusal(
        {"MIXEE_MODE": "production", "MIXEE_LIMITS": "off"},
        (),
        "MIXEE_LIMITS=off removes every rate limit: set it to on.",
        2,
    ),
    "a value is wrong": Refusal({"MIXEE_MAX_IN_FLIGHT": "many"}, (), "- MIXEE_MAX_IN_FLIGHT: Input should be", 2),
    "a list is none": Refusal({"MIXEE_TRUSTED_PROXIES": "10.0.0.1"}, (), "- MIXEE_TRUSTED_PROXIES: must be JSON", 2),
    "a port is wrong": Refusal({}, ("--port", "99999"), "- MIXEE_PORT: Input should be less than", 2),
    "a slice's value is wrong": Refusal(
        {"MIXEE_AUTH_ACCESS_SECONDS": "5"}, (), "- MIXEE_AUTH_ACCESS_SECONDS: Input should be greater", 2
    ),
    "a line of .env is wrong": Refusal({}, (), "- MIXEE_CHAT_MAX_MEMBERS: Input should be", 2),
    "the data folder is none": Refusal({}, ("--data-dir", "/dev/null/x"), "/dev/null/x cannot be written"),
}


class TestWhatCannotStart:
    @pytest.mark.parametrize("name", REFUSALS)
    async def test_it_says_so_in_a_sentence(self, name: str, tmp_path: Path) -> None:
        refusal = REFUSALS[name]
        if ".env" in name:
            (tmp_path / ".env").write_text("MIXEE_CHAT_MAX_MEMBERS=none\n")

        words = ("serve", "--port", "0", "--data-dir", "data", *refusal.words)
        status, program = await result_of(tmp_path, *words, **refusal.settings)

        assert status == refusal.status
        assert refusal.says in program.said
        assert "Traceback" not in program.said
        assert "hush" not in program.said
        assert len(program.err) <= 8, program.said

    async def test_a_port_in_use_is_the_first_thing_said(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            status, program = await result_of(tmp_path, "serve", "--port", str(port))

        assert status == 1
        assert program.err == [
            f"Cannot listen on 127.0.0.1:{port}: address already in use. Choose another --port or --host."
        ]
        assert "starting MongoDB" not in program.said

    async def test_a_demo_without_a_server_says_how_to_start_one(self, tmp_path: Path) -> None:
        status, program = await result_of(tmp_path, "demo", "--url", f"http://{NOWHERE}")

        assert (status, program.err) == (1, [])
        assert program.out == [
            f"There is no Mixee server at http://{NOWHERE} that is ready.",
            "Start one with `python run.py serve`, or name another with --url.",
        ]


class TestOtherCommands:
    async def test_check_names_every_problem(self, tmp_path: Path) -> None:
        wrong = {
            "MIXEE_MONGODB_URL": f"mongodb://{NOWHERE}",
            "MIXEE_REDIS_URL": "nonsense",
            "MIXEE_PROT": "80",
            "MIXEE_AUTH_ACCESS_SECONDS": "5",
        }

        status, program = await result_of(tmp_path, "check", **wrong)

        assert status == 3
        for words in (
            "MIXEE_PROT is no setting: did you mean MIXEE_PORT?",
            "MIXEE_AUTH_ACCESS_SECONDS: Input should be greater",
            "MongoDB cannot be used: 127.0.0.1:9",
            "Redis cannot be used: Redis URL must",
        ):
            assert words in program.said
        assert "Traceback" not in program.said

    async def test_check_is_content_with_a_server_that_has_run(
        self, nodes: list[str], outside: dict[str, str], tmp_path: Path
    ) -> None:
        status, program = await result_of(tmp_path, "check", **outside)

        assert status == 0, (program.said, nodes)
        assert [line.split()[0] for line in program.out if line.endswith(" ok")] == [
            "settings",
            "slices",
            "MongoDB",
            "Redis",
        ]

    async def test_settings_lists_all_and_hides_secrets(self, tmp_path: Path) -> None:
        status, program = await result_of(
            tmp_path, "settings", MIXEE_MONGODB_URL="mongodb://u:hush@h/", MIXEE_PORT="8123"
        )

        shown = {line.split()[0]: line.split()[1] for line in program.out if line.startswith("MIXEE_")}
        assert status == 0
        assert shown["MIXEE_PORT"] == "8123"
        assert shown["MIXEE_MONGODB_URL"] == "(hidden)"
        assert shown["MIXEE_AUTH_SIGNING_KEY"] == "(unset)"
        assert "hush" not in program.said

    async def test_spec_writes_the_documents(self, tmp_path: Path) -> None:
        status, program = await result_of(tmp_path, "spec", "--out", "api")

        names = ["openapi.json", "asyncapi.json", "settings.example.env"]
        assert (status, program.out) == (0, [f"api/{name}" for name in names])
        for name in names:
            assert (tmp_path / "api" / name).stat().st_size > 3_000

    def test_a_role_for_nobody_makes_no_database(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)

        status = main(["grant", "--role", "admin", "--data-dir", "data", "ada"])

        said = capsys.readouterr().err
        assert status == 1
        assert said.startswith("There is no data below data yet: start the server once with `run.py serve`")
        assert list(tmp_path.iterdir()) == []

    async def test_help_says_how_workers_are_replaced(self, tmp_path: Path) -> None:
        status, program = await result_of(tmp_path, "serve", "--help")

        assert status == 0
        assert "SIGHUP replaces the processes one after the other" in " ".join(program.said.split())
