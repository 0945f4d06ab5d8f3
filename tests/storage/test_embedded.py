"""The embedded servers through their life: started, found again, healed, orphaned, stopped."""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

import pytest

from storage.embedded import Embedded
from storage.embedded.orphans import survivor
from storage.mongo import Mongo, OperationFailure
from storage.redis import connect
from tests.storage.embedded_kit import Ears, alive, parent, running

UNAUTHORIZED = 13
LOGIN_FAILED = 18


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose name needs quoting; its tens of megabytes go when the test is over."""
    yield tmp_path / 'my "own" dätä'
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of `shared`."""
    base = tmp_path_factory.mktemp("embedded")
    yield base
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="module")
async def shared(shared_folder: Path) -> AsyncIterator[Embedded]:
    """Servers for the tests that only look at them."""
    async with running(shared_folder) as embedded:
        yield embedded


async def put(url: str | None, key: str) -> None:
    mongo = Mongo(str(url), "tests")
    await mongo.collection("kept").insert({"_id": key})
    await mongo.close()


async def kept(url: str | None) -> list[str]:
    mongo = Mongo(str(url), "tests")
    found = await mongo.collection("kept").find({}, limit=100, sort=[("_id", 1)])
    await mongo.close()
    return [document["_id"] for document in found]


@asynccontextmanager
async def stranger(number: int) -> AsyncIterator[None]:
    """Another program on the port, which hangs up on everybody."""
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", number):
        yield


def modes_in(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


def listeners() -> list[str]:
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A"]


def port(url: str | None) -> int:
    return urlsplit(str(url)).port or 0


async def test_both_servers_do_what_mixee_needs_and_leave_no_process_behind(folder: Path) -> None:
    ears = Ears()
    async with running(folder, progress=ears) as embedded:
        pids = embedded.pids()
        mongo = Mongo(str(embedded.mongodb_url), "tests")
        redis = connect(str(embedded.redis_url))

        async def both() -> None:
            await mongo.collection("left").insert({"_id": 1})
            await mongo.collection("right").insert({"_id": 1})

        await mongo.transact(both)
        await redis.set("key", "value")
        counts = [await mongo.collection(name).count({}) for name in ("left", "right")]
        value = await redis.get("key")
        policy = await redis.config_get("maxmemory*")
        await mongo.close()
        await redis.aclose()
        sessions = {name: os.getsid(pid) for name, pid in pids.items()}

    assert counts == [1, 1]
    assert value == b"value"
    assert policy["maxmemory-policy"] == "noeviction"
    assert policy["maxmemory"] == str(256 * 2**20)
    assert sessions == pids, "each server leads a session of its own, so Ctrl-C does not reach it"
    assert not any(alive(pid) for pid in pids.values())
    assert embedded.pids() == {}
    for title in ("MongoDB", "Redis"):
        first, second = (line for line in ears.lines if title in line)
        assert re.fullmatch(rf"starting {title} \d+\.\d+\.\d+ on 127\.0\.0\.1:\d+", first)
        assert re.fullmatch(rf"{title} is ready after \d+\.\d s", second)


async def test_only_the_owner_can_read_what_is_in_the_folder(shared: Embedded, shared_folder: Path) -> None:
    secrets = [urlsplit(str(url)).password for url in (shared.mongodb_url, shared.redis_url)]

    modes = {name: modes_in(shared_folder / name) for name in (".", "mongodb", "redis")}

    assert [(shared_folder / name / "password").read_text() for name in ("mongodb", "redis")] == secrets
    assert modes["."] == {"mongodb": "0o700", "redis": "0o700", "embedded.lock": "0o600"}
    assert modes["mongodb"].items() >= {"password": "0o600", "keyfile": "0o600"}.items()
    assert modes["redis"].items() >= {"password": "0o600", "redis-server.conf": "0o600"}.items()


async def test_a_second_start_finds_the_data_again_under_the_same_urls(folder: Path) -> None:
    async with running(folder) as first:
        await put(first.mongodb_url, "one")

    async with running(folder) as second:
        found = await kept(second.mongodb_url)

    assert found == ["one"]
    assert (second.mongodb_url, second.redis_url) == (first.mongodb_url, first.redis_url)


async def test_a_taken_port_is_left_alone_and_the_data_is_found_on_another(folder: Path) -> None:
    async with running(folder) as first:
        await put(first.mongodb_url, "one")

    async with stranger(port(first.mongodb_url)), stranger(port(first.redis_url)), running(folder) as second:
        found = await kept(second.mongodb_url)

    assert found == ["one"]
    assert port(second.mongodb_url) != port(first.mongodb_url)
    assert port(second.redis_url) != port(first.redis_url)


@pytest.mark.parametrize(
    ("login", "code"), [("", UNAUTHORIZED), ("mixee:wrong@", LOGIN_FAILED), ("__system:wrong@", LOGIN_FAILED)]
)
async def test_mongodb_makes_no_user_for_whoever_does_not_know_the_password(
    shared: Embedded, login: str, code: int
) -> None:
    mongo = Mongo(f"mongodb://{login}127.0.0.1:{port(shared.mongodb_url)}/?directConnection=true", "admin")

    with pytest.raises(OperationFailure) as refusal:
        await mongo.database.command("createUser", "thief", pwd="x", roles=["root"])
    await mongo.close()

    assert refusal.value.code == code


async def test_nobody_becomes_the_first_user_by_being_quick(shared: Embedded, shared_folder: Path) -> None:
    address = f"127.0.0.1:{port(shared.mongodb_url)}/?directConnection=true"
    key = quote_plus((shared_folder / "mongodb" / "keyfile").read_text())
    system = Mongo(f"mongodb://__system:{key}@{address}&authSource=local", "admin")
    mongo = Mongo(f"mongodb://{address}", "admin")

    exception = await system.database.command("getParameter", 1, enableLocalhostAuthBypass=True)
    await system.database.command("dropUser", "mixee")
    with pytest.raises(OperationFailure) as refusal:
        await mongo.database.command("createUser", "thief", pwd="x", roles=["root"])
    await shared._servers["mongodb"].ready()
    users = (await system.database.command("usersInfo"))["users"]
    await mongo.close()
    await system.close()

    assert exception["enableLocalhostAuthBypass"] is False, "not even before there is a user"
    assert refusal.value.code == UNAUTHORIZED
    assert [user["user"] for user in users] == ["mixee"], "and our own is made again"


async def test_mongodb_shows_nothing_to_whoever_does_not_log_in(shared: Embedded) -> None:
    mongo = Mongo(f"mongodb://127.0.0.1:{port(shared.mongodb_url)}/?directConnection=true", "tests")

    with pytest.raises(OperationFailure) as refusal:
        await mongo.collection("kept").find_one({})
    await mongo.close()

    assert refusal.value.code == UNAUTHORIZED


@pytest.mark.parametrize(
    ("words", "answer"),
    [("GET anything", b"-NOAUTH"), ("AUTH wrong", b"-WRONGPASS"), ("AUTH default wrong", b"-WRONGPASS")],
)
async def test_redis_refuses_whoever_does_not_know_the_password(shared: Embedded, words: str, answer: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port(shared.redis_url))

    writer.write(f"{words}\r\n".encode())
    refusal = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert refusal.split()[0] == answer


async def test_both_listen_on_the_loopback_address_alone(shared: Embedded) -> None:
    ports = {port(shared.mongodb_url), port(shared.redis_url)}

    found = [address for address in listeners() if int(address.split(":")[1], 16) in ports]

    assert sorted(found) == sorted(f"0100007F:{number:04X}" for number in ports)


async def test_a_server_that_dies_is_started_again_on_the_same_port(folder: Path) -> None:
    ears = Ears()
    async with running(folder, progress=ears) as embedded:
        await put(embedded.mongodb_url, "one")
        before = embedded.pids()
        watch = asyncio.create_task(embedded.watch())
        await asyncio.sleep(0)

        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        await ears.hear("MongoDB is ready", times=2)
        await ears.hear("Redis is ready", times=2)
        found = await kept(embedded.mongodb_url)
        redis = connect(str(embedded.redis_url))
        pong = await redis.ping()
        await redis.aclose()
        after = embedded.pids()
        watching = not watch.done()
        await embedded.stop()
        await watch

    assert found == ["one"]
    assert pong is True
    assert watching
    assert not set(before.values()) & set(after.values())
    assert not any(alive(pid) for pid in after.values()), "a stop is not taken for a death"


async def test_what_was_confirmed_survives_a_parent_that_is_killed(folder: Path) -> None:
    async with parent(folder, "mongodb", "redis") as first:
        while (line := await first.line()) != "50":
            assert line
        await first.end(signal.SIGKILL)
        confirmed = 50
        while line := await first.line():
            confirmed = max(confirmed, int(line))  # its last line may have been cut short

        async with running(folder) as second:
            mongo = Mongo(str(second.mongodb_url), "tests")
            numbers = await mongo.collection("numbers").find({}, limit=1_000_000, sort=[("_id", 1)])
            await mongo.close()
            ends = {name: alive(pid) for name, pid in first.pids.items()}

    assert [document["_id"] for document in numbers][: confirmed + 1] == list(range(confirmed + 1))
    assert second.mongodb_url == first.mongodb_url
    assert ends == {"mongodb": False, "redis": False}


async def test_the_servers_of_a_killed_parent_end_by_themselves(folder: Path) -> None:
    async with parent(folder, "redis") as orphaned:
        pid = os.pidfd_open(orphaned.pids["redis"])
        await orphaned.end(signal.SIGKILL)

        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(pid, ended.set)
        await asyncio.wait_for(ended.wait(), 10)
        asyncio.get_running_loop().remove_reader(pid)
        os.close(pid)

    assert not alive(orphaned.pids["redis"])


async def test_a_server_that_outlived_its_parent_is_ended_before_a_new_start(folder: Path) -> None:
    ears = Ears()
    async with parent(folder, "redis") as orphaned:
        pid = orphaned.pids["redis"]
        os.kill(pid, signal.SIGSTOP)  # it cannot follow its parent
        await orphaned.end(signal.SIGKILL)
        assert alive(pid)

        async with running(folder, mongodb=False, progress=ears) as embedded:
            fresh = embedded.pids()["redis"]

    assert ears.lines[0] == f"stopping Redis of an earlier run (process {pid})"
    assert not alive(pid)
    assert fresh != pid
    assert embedded.redis_url == orphaned.redis_url


async def test_a_stranger_with_the_number_of_a_dead_server_is_left_alone(folder: Path) -> None:
    async with parent(folder, "redis") as first:
        pid_file = folder / "redis" / "redis-server.pid"
        left = pid_file.read_text()
        await first.end(signal.SIGKILL)
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    pid_file.write_text(left.replace(str(first.pids["redis"]), str(stranger.pid)))

    async with running(folder, mongodb=False):
        untouched = alive(stranger.pid)
    stranger.kill()
    await stranger.communicate()

    assert untouched


async def test_a_survivor_is_known_by_its_number_its_start_and_our_configuration(folder: Path) -> None:
    config = folder / "redis" / "redis-server.conf"
    pid_file = folder / "redis" / "redis-server.pid"
    async with running(folder, mongodb=False) as embedded:
        pid = embedded.pids()["redis"]
        ticks = int(pid_file.read_text().split()[1])

        ours = survivor(pid_file, config)
        elsewhere = survivor(pid_file, folder / "elsewhere" / config.name)
        pid_file.write_text(f"{pid} {ticks - 1}")
        older = survivor(pid_file, config)

    assert ours == (pid, ticks)
    assert elsewhere is None
    assert older is None


async def test_ctrl_c_is_the_parents_to_handle_and_it_stops_its_servers(folder: Path) -> None:
    async with parent(folder, "mongodb", "redis") as one:
        os.killpg(one.process.pid, signal.SIGINT)
        await asyncio.wait_for(one.process.wait(), 20)
        ends = {name: alive(pid) for name, pid in one.pids.items()}

    assert one.process.returncode == -signal.SIGINT
    assert ends == {"mongodb": False, "redis": False}
    assert 'exitCode":0' in (folder / "mongodb" / "mongod.log").read_text()
