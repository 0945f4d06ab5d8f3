"""A rolling restart under load: nothing that was acknowledged is lost, and clients come back by themselves."""

import asyncio
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGHUP
from typing import Any

import aiohttp
import pytest
import socketio

from storage.mongo import IndexModel, Mongo
from tests.harness.processes import PYTHON, ROOT, Program, environment
from tests.harness.servers import MONGODB, REDIS, until
from tests.journeys.clients import Client, JavaScriptClient

PASSWORD = "Correct-Horse-7"
ACK_SECONDS = 3.0
PAUSE = 0.02
"""Seconds between the messages of one sender, and before one is sent again."""
KINDS = ("python polling", "python websocket", "javascript")

pytestmark = pytest.mark.timeout(240)

Start = Callable[..., Awaitable[tuple[Program, str]]]


@pytest.fixture
async def start(database: str, tmp_path: Path) -> AsyncIterator[Start]:
    """`program, url = await start("run.py")` starts two workers of that program."""
    started: list[Program] = []
    env = environment(
        MIXEE_PORT="0",
        MIXEE_WORKERS="2",
        MIXEE_LIMITS="off",
        MIXEE_DRAIN_SECONDS="1",
        MIXEE_DATA_DIR=str(tmp_path),
        MIXEE_MONGODB_URL=os.environ[MONGODB],
        MIXEE_REDIS_URL=os.environ[REDIS],
        MIXEE_MONGODB_DATABASE=database,
    )

    async def begin(*words: str) -> tuple[Program, str]:
        program = await Program.start(PYTHON, *words, "serve", env=env)
        started.append(program)
        await program.says("Press Ctrl+C to stop.")
        return program, (await program.says("  server ")).split()[-1]

    yield begin
    for one in started:
        await one.clear()


class PatientClient(Client):
    """python-socketio's client as an app uses it: it comes back by itself, and an answer that is lost is None."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__()
        self._client = socketio.AsyncClient(http_session=session, reconnection_delay=0.2, reconnection_delay_max=1)
        self._client.on("*", self._heard)

    async def connect(self, url: str, auth: dict[str, Any], transports: Any = None) -> None:
        await self._client.connect(url, auth=auth, transports=transports, wait_timeout=20)

    async def call(self, event: str, data: dict[str, Any]) -> Any:
        try:
            return await self._client.call(event, data, timeout=ACK_SECONDS)
        except socketio.exceptions.SocketIOError:
            return None

    async def transport(self) -> str:
        return str(self._client.transport())

    async def cut(self) -> None:
        raise NotImplementedError("nothing is cut here")

    async def close(self) -> None:
        await self._client.shutdown()


class Talk:
    """Two people of one kind of client; one writes to the other, and writes again whatever is not acknowledged."""

    def __init__(self, writer: Client, reader: Client, conversation: str, token: str) -> None:
        self.writer = writer
        self.reader = reader
        self.conversation = conversation
        self.token = token
        self.acknowledged: list[str] = []
        """Ids of the messages, in the order of their acknowledgement."""
        self.again = 0

    async def write(self) -> str:
        """Send one message until it is acknowledged; its id."""
        message = {"conversationId": self.conversation, "type": "text", "content": str(len(self.acknowledged))}
        message["clientMessageId"] = secrets.token_hex(16)
        while True:
            answer = await self.writer.call("message:send", message)
            if isinstance(answer, dict) and answer["ok"]:
                self.acknowledged.append(answer["data"]["id"])
                return self.acknowledged[-1]
            self.again += 1
            await asyncio.sleep(PAUSE)

    async def go_on(self, over: asyncio.Event) -> None:
        """Write until it is over."""
        while not over.is_set():
            await self.write()
            await asyncio.sleep(PAUSE)

    async def kept(self, http: aiohttp.ClientSession) -> list[str]:
        """Ids of the messages that the server has, the oldest first."""
        found: list[str] = []
        while True:
            params = {"limit": "100"} | ({"before": found[-1]} if found else {})
            page = await _ask(
                http, "GET", f"/api/conversations/{self.conversation}/messages", self.token, params=params
            )
            if not page["messages"]:
                return found[::-1]
            found += [one["id"] for one in page["messages"]]


async def _ask(http: aiohttp.ClientSession, method: str, path: str, token: str = "", **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.request(method, path, headers=headers, **options) as response:
        body = await response.json()
        assert response.status < 300, body
        return body


async def client_of(kind: str, http: aiohttp.ClientSession, url: str, token: str) -> Client:
    client: Client = await JavaScriptClient.start() if kind == "javascript" else PatientClient(http)
    await client.connect(url, {"token": token}, [kind.rsplit(maxsplit=1)[-1]] if " " in kind else None)
    return client


async def talk_of(kind: str, url: str, http: aiohttp.ClientSession, numbers: "itertools.count[int]") -> Talk:
    """Two new friends who are connected and have a conversation."""
    accounts = []
    for name in (f"roller{next(numbers)}", f"roller{next(numbers)}"):
        account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, "displayName": name}
        accounts.append(await _ask(http, "POST", "/api/auth/register", json=account | {"acceptTerms": True}))
    tokens = [one["tokens"]["accessToken"] for one in accounts]
    friend = {"recipientId": accounts[1]["user"]["id"]}
    asked = await _ask(http, "POST", "/api/friends/request", tokens[0], json=friend)
    await _ask(http, "PUT", f"/api/friends/{asked['id']}/accept", tokens[1])
    made = await _ask(
        http,
        "POST",
        "/api/conversations",
        tokens[0],
        json={"type": "direct", "participantIds": [accounts[1]["user"]["id"]]},
    )
    clients = [await client_of(kind, http, url, token) for token in tokens]
    return Talk(clients[0], clients[1], made["id"], tokens[0])


async def test_workers_are_replaced_one_by_one_and_no_acknowledged_message_is_lost(start: Start) -> None:
    program, url = await start(str(ROOT / "run.py"))
    before = {one.pid for one in program.descendants()}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(url))
        numbers = itertools.count(1)
        talks = [await talk_of(kind, url, http, numbers) for kind in KINDS]
        clients = [client for talk in talks for client in (talk.writer, talk.reader)]
        for client in clients:
            stack.push_async_callback(client.close)
        over = asyncio.Event()
        writing = [asyncio.create_task(talk.go_on(over)) for talk in talks]

        program.tell(SIGHUP)
        await program.says("Every worker was replaced.")
        over.set()
        await asyncio.gather(*writing)
        for client in clients:
            await until(lambda client=client: len(client.events("session:ready")) >= 2, seconds=20)
        last = [await talk.write() for talk in talks]

        for talk, message in zip(talks, last, strict=True):
            await until(lambda talk=talk, message=message: message in heard(talk.reader), seconds=10)
        kept = [await talk.kept(http) for talk in talks]
    assert kept == [talk.acknowledged for talk in talks]
    assert min(len(one) for one in kept) > 20, "there was hardly any load"
    assert all(client.events("server:drain") for client in clients)
    assert {one.pid for one in program.descendants()}.isdisjoint(before)
    assert [line for line in program.err if line.startswith(("Worker", "Every", "Replacing"))] == [
        "Replacing the workers, one after the other.",
        "Worker 1 was replaced.",
        "Worker 2 was replaced.",
        "Every worker was replaced.",
    ]


def heard(client: Client) -> list[str]:
    return [one["id"] for one in client.events("message:new")]


async def test_a_worker_that_does_not_come_back_stops_the_restart_and_the_others_serve(
    start: Start, mongo: Mongo
) -> None:
    program, url = await start("-m", "tests.server.notes_server")
    before = {one.pid for one in program.descendants()}
    await mongo.drop()
    await mongo.collection("notes").create_indexes([IndexModel([("author", 1)], name="text")])

    program.tell(SIGHUP)
    await program.says("Worker 1 does not come back: see above why.")

    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
        assert response.status == 200
    assert len(before & {one.pid for one in program.descendants()}) == 1
    await mongo.drop()
    await program.says("serves again")
    assert await program.stop() == 0
