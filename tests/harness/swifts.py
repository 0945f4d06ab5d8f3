"""OpenStack Swift as four processes on free ports, whose proxy speaks S3: a real S3 service for the tests."""

import asyncio
import getpass
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from tests.harness.processes import Program, environment
from tests.harness.servers import until

BIN = Path(sys.executable).parent
ACCESS_KEY, SECRET_KEY = "test:tester", "testing"
BUCKET = "mixee"
SERVERS = ("account", "container", "object")
PIPELINE = "catch_errors healthcheck cache s3api tempauth bulk copy slo dlo proxy-server"
FILTERS = {
    "s3api": "s3_acl = false\nlocation = us-east-1\ndns_compliant_bucket_names = false",
    "tempauth": f"user_test_tester = {SECRET_KEY} .admin",
}


@dataclass(frozen=True)
class Swift:
    """A running service."""

    url: str


def _ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return found


def _server(folder: Path, name: str, port: int, pipeline: str, more: str = "") -> str:
    return (
        f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\nuser = {getpass.getuser()}\n"
        f"swift_dir = {folder}\ndevices = {folder}/devices\nmount_check = false\nfallocate_reserve = 0\n"
        f"[pipeline:main]\npipeline = {pipeline}\n[app:{name}-server]\nuse = egg:swift#{name}\n{more}"
    )


async def _ring(folder: Path, name: str, port: int) -> None:
    builder = str(folder / f"{name}.builder")
    for words in (["create", "2", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/one", "1"], ["rebalance"]):
        program = await Program.start(str(BIN / "swift-ring-builder"), builder, *words, env=environment())
        assert await program.ended() in {0, 1}, program.said  # 1 is a warning


def _write(folder: Path, ports: dict[str, int]) -> None:
    (folder / "devices" / "one").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = a\nswift_hash_path_prefix = b\n")
    for name in SERVERS:
        (folder / f"{name}.conf").write_text(_server(folder, name, ports[name], f"{name}-server"))
    used = [one for one in PIPELINE.split() if one != "proxy-server"]
    filters = "".join(
        f"[filter:{one}]\nuse = egg:swift#{'memcache' if one == 'cache' else one}\n{FILTERS.get(one, '')}\n"
        for one in used
    )
    more = f"account_autocreate = true\n{filters}"
    (folder / "proxy.conf").write_text(_server(folder, "proxy", ports["proxy"], PIPELINE, more))


async def _bucket(url: str) -> None:
    async with get_session().create_client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=AioConfig(signature_version="s3v4", s3={"addressing_style": "path"}),
    ) as client:
        await client.create_bucket(Bucket=BUCKET)


@asynccontextmanager
async def swift(folder: Path) -> AsyncIterator[Swift]:
    """A service that keeps its data in the folder, as long as the block runs."""
    ports = dict(zip((*SERVERS, "proxy"), _ports(4), strict=True))
    _write(folder, ports)
    for name in SERVERS:
        await _ring(folder, name, ports[name])
    env = environment(SWIFT_DIR=str(folder), PYTHONWARNINGS="ignore")
    programs = [
        await Program.start(str(BIN / f"swift-{name}-server"), str(folder / f"{name}.conf"), "-v", env=env)
        for name in ports
    ]
    try:
        url = f"http://127.0.0.1:{ports['proxy']}"
        async with aiohttp.ClientSession() as session:

            async def answers() -> bool:
                try:
                    async with session.get(f"{url}/healthcheck") as response:
                        return response.status == 200
                except aiohttp.ClientError:
                    return False

            await until(answers, seconds=60)
        await _bucket(url)
        yield Swift(url)
    finally:
        await asyncio.gather(*(one.clear() for one in programs))
