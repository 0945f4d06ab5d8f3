"""deploy/nginx.conf and deploy/haproxy.cfg with the real nginx and HAProxy before two workers."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import aiohttp
import pytest
import socketio

from storage.mongo import Mongo
from tests.harness import debian
from tests.harness.crowd import CROWDS, TRANSPORTS, expected
from tests.harness.processes import PYTHON, ROOT, Program, environment
from tests.harness.servers import MONGODB, REDIS, until
from tests.server.greeting_server import ADDRESS

pytestmark = pytest.mark.timeout(240)


def free_base() -> int:
    """A port that is free with the two after it."""
    for _ in range(200):
        with closing(socket.create_server(("127.0.0.1", 0))) as first:
            base: int = first.getsockname()[1]
            try:
                for more in (1, 2):
                    socket.create_server(("127.0.0.1", base + more)).close()
            except OSError:
                continue
            return base
    raise AssertionError("there are no three free ports beside each other")


@pytest.fixture(scope="module")
async def base(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """Two workers serve on the two ports after this one."""
    database, number = f"test_proxies_{secrets.token_hex(4)}", free_base()
    env = environment(
        MIXEE_PORT="0",
        MIXEE_WORKERS="2",
        MIXEE_WORKER_PORT_BASE=str(number),
        MIXEE_TRUSTED_PROXIES='["127.0.0.1"]',
        MIXEE_LIMITS="off",
        MIXEE_DRAIN_SECONDS="0.2",
        MIXEE_DATA_DIR=str(tmp_path_factory.mktemp("proxies")),
        MIXEE_MONGODB_URL=os.environ[MONGODB],
        MIXEE_REDIS_URL=os.environ[REDIS],
        MIXEE_MONGODB_DATABASE=database,
    )
    program = await Program.start(PYTHON, "-m", "tests.server.greeting_server", "serve", env=env)
    await program.says("Press Ctrl+C to stop.")
    yield number
    await program.clear()
    mongo = Mongo(os.environ[MONGODB], database)
    await mongo.drop()
    await mongo.close()


class Proxy(NamedTuple):
    """One of the two programs: what of its configuration is the machine's own, and how it is started and checked."""

    configuration: str
    places: Mapping[str, str]
    start: Sequence[str]
    check: Sequence[str]


NGINX = Proxy(
    "nginx.conf",
    {
        "user www-data;": "daemon off;",
        "/run/nginx.pid": "{folder}/nginx.pid",
        "/var/log/nginx/error.log warn": "stderr warn",
        "access_log off;": "access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;"
        " fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;",
        "listen 80;": "listen 127.0.0.1:{port};",
    },
    ("-e", "stderr", "-p", "{folder}", "-c", "{file}"),
    ("-t",),
)
HAPROXY = Proxy(
    "haproxy.cfg",
    {
        "    user haproxy\n": "",
        "    group haproxy\n": "",
        "    chroot /var/lib/haproxy\n": "",
        "log /dev/log local0 notice": "log stderr local0 notice",
        "maxconn 50000": "maxconn 2000",
        "bind :80\n": "bind 127.0.0.1:{port}\n",
    },
    ("-db", "-f", "{file}"),
    ("-c",),
)
PROXIES = {"nginx": NGINX, "haproxy": HAPROXY}


@pytest.fixture(scope="module", params=PROXIES)
async def url(
    request: pytest.FixtureRequest, base: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a proxy that serves with the configuration of this repository."""
    proxy, folder = PROXIES[request.param], tmp_path_factory.mktemp(request.param)
    command = await asyncio.to_thread(debian.command, request.param)
    port = free_base()
    text = (ROOT / "deploy" / proxy.configuration).read_text()
    for old, new in {
        **proxy.places,
        "127.0.0.1:8081": f"127.0.0.1:{base + 1}",
        "127.0.0.1:8082": f"127.0.0.1:{base + 2}",
    }.items():
        assert old in text, old
        text = text.replace(old, new.format(folder=folder, port=port))
    file = folder / proxy.configuration
    file.write_text(text)
    words = [*command, *(word.format(folder=folder, file=file) for word in proxy.start)]
    checked = await Program.start(*words, *proxy.check)
    assert await checked.ended() == 0, checked.said
    program = await Program.start(*words)
    await until(lambda: is_ready(f"http://127.0.0.1:{port}"), seconds=20)
    yield f"http://127.0.0.1:{port}"
    await program.clear()


async def is_ready(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def handed_on(port: int) -> int:
    """How many connections a worker has handed on since its start, since they were of another's session."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        lines = (await response.text()).splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("mixee_handed_on_total{"))


@pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS)
@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_every_message_of_a_crowd_is_acknowledged_and_heard(
    url: str, base: int, crowd: Any, transports: list[str] | None
) -> None:
    result = await crowd(url, transports)

    assert result == expected(transports)
    assert [await handed_on(base + own) for own in (1, 2)] == [0, 0], "the proxy chose the wrong worker"


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_the_server_knows_a_clients_address_whatever_he_says_of_himself(
    url: str, transports: list[str] | None
) -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as session:
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        client.on("note:new", lambda note: told.set_result(note["text"]) if note["id"] == ADDRESS else None)

        await client.connect(
            url, headers={"X-Forwarded-For": "9.9.9.9"}, auth={"token": "user:ada"}, transports=transports
        )
        address = await asyncio.wait_for(told, 10)
        await client.disconnect()

    assert address == "127.0.0.2"


async def test_measures_are_not_for_the_outside(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        assert response.status == 404
