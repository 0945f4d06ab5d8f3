"""People who use a server in a test: over HTTP, over a socket, or through either door by a command's name."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
import socketio

from server.assembly import commands
from server.routes import Command
from tests.harness.servers import Server

ANSWER_SECONDS = 10.0


class Refusal(Exception):
    """What the server refused, as either door says it."""

    def __init__(self, error: Mapping[str, Any], status: int | None = None) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')} {error.get('details') or ''}")
        self.code = str(error.get("code"))
        self.status = status
        self.details = error.get("details") or []
        self.retry_after_ms = error.get("retryAfterMs")
        self.data: Any = error.get("data") or {}

    @property
    def fields(self) -> set[str]:
        """The fields that the refusal names."""
        return {detail["field"] for detail in self.details}


class Socket:
    """A stock python-socketio client that keeps every event."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.log: list[tuple[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._taken: dict[str, int] = defaultdict(int)
        self.refused: Any = None
        self.client.on("*", self._heard)
        self.client.on("connect_error", self._not_let_in)
        self.closed = asyncio.Event()
        self.client.on("disconnect", self._ended)

    async def _heard(self, event: str, *arguments: Any) -> None:
        async with self._arrived:
            self.log.append((event, arguments[0] if arguments else None))
            self._arrived.notify_all()

    async def _not_let_in(self, data: Any) -> None:
        self.refused = data

    async def _ended(self, *_: Any) -> None:
        self.closed.set()

    async def call(self, event: str, *data: Any) -> dict[str, Any]:
        """Emit an event and return the answer to it."""
        payload = tuple(data) if len(data) != 1 else data[0]
        answer: dict[str, Any] = await self.client.call(event, payload, timeout=ANSWER_SECONDS)
        return answer

    async def ask(self, event: str, *data: Any) -> Any:
        """Emit an event and return its data; raises Refusal."""
        answer = await self.call(event, *data)
        if not answer["ok"]:
            raise Refusal(answer["error"])
        return answer["data"]

    def events(self, name: str) -> list[Any]:
        """Payloads of every event of that name so far."""
        return [payload for event, payload in self.log if event == name]

    async def next(self, name: str, timeout: float = 5.0) -> Any:  # noqa: ASYNC109 - a test's own bound
        """The next event of that name that was not taken before; fails with TimeoutError."""
        async with asyncio.timeout(timeout), self._arrived:
            await self._arrived.wait_for(lambda: len(self.events(name)) > self._taken[name])
        payload = self.events(name)[self._taken[name]]
        self._taken[name] += 1
        return payload

    async def settle(self) -> None:
        """Wait until the server has answered once more: what it told before has arrived by then."""
        await self.call("no-such-event", {})

    async def close(self) -> None:
        """Hang up."""
        await self.client.disconnect()


class Person:
    """Somebody with an account."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, name: str, answer: Mapping[str, Any]) -> None:
        self.server = server
        self.name = name
        self.id: str = answer["user"]["id"]
        self.user = answer["user"]
        self.tokens: dict[str, Any] = dict(answer["tokens"])
        self._session = session
        self._sockets: list[Socket] = []

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.tokens["accessToken"])

    def at(self, server: Server) -> "Person":
        """The same person at another server of the cluster."""
        other = Person(server, self._session, self.name, {"user": self.user, "tokens": self.tokens})
        other._sockets = self._sockets
        return other

    async def http(
        self, method: str, path: str, json: Any = None, params: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request; its status and its body."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self._session.request(
            method, self.server.url + path, json=json, params=params, headers=headers
        ) as response:
            raw = await response.read()
            return response.status, (await response.json(content_type=None)) if raw else None

    async def ask(self, method: str, path: str, json: Any = None, params: Mapping[str, str] | None = None) -> Any:
        """Send a request; its body, or a Refusal."""
        status, body = await self.http(method, path, json, params)
        if status >= 400:
            raise Refusal(body, status)
        return body

    async def socket(self, device: str | None = None, **auth: Any) -> Socket:
        """A connected socket."""
        one = Socket()
        self._sockets.append(one)
        credentials: dict[str, Any] = {"token": self.token, **auth}
        if device is not None:
            credentials["deviceId"] = device
        await one.client.connect(self.server.url, auth=credentials, transports=["websocket"], wait_timeout=10)
        await one.next("session:ready")
        return one

    async def close(self) -> None:
        """Hang up every socket."""
        for one in self._sockets:
            await one.close()


async def befriend(one: Person, *others: Person) -> None:
    """Make one person the friend of others, by the rules but without the price of two requests each."""
    await make_friends(one.server, one.id, *(other.id for other in others))


async def make_friends(server: Server, one: str, *others: str) -> None:
    """The same for people of whom only the ids are known."""
    from handlers.social.models import NewRequest  # noqa: PLC0415 - tests of single parts must not need every slice
    from handlers.social.service import AlreadyFriends  # noqa: PLC0415

    friends = server.service("social").friends
    for other in others:
        try:
            asked = await friends.request(one, NewRequest(recipient_id=other))
        except AlreadyFriends:
            continue
        if asked.status == "pending":
            await friends.accept(other, asked.id)


class Door:
    """Calls a command by its name through one of the two entrances."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._sockets: dict[tuple[str, str], Socket] = {}

    async def __call__(self, person: Person, name: str, given: Mapping[str, Any] | None = None) -> Any:
        """The command's result; raises Refusal."""
        command = next(one for one in commands(person.server.app.slices) if one.name == name)
        if self.kind == "socket" and command.event:
            key = (person.id, person.server.url)
            if key not in self._sockets or self._sockets[key].closed.is_set():
                self._sockets[key] = await person.socket()
            return await self._sockets[key].ask(command.event, dict(given or {}))
        if command.path is None:
            raise LookupError(f"{name} has no {self.kind} door")
        return await self._http(person, command, dict(given or {}))

    async def _http(self, person: Person, command: Command, given: dict[str, Any]) -> Any:
        path = command.path or ""
        for placeholder in command.placeholders:
            path = path.replace(f"{{{placeholder}}}", str(given.pop(placeholder)))
        if command.method in {"GET", "DELETE"}:
            words = {name: _word(value) for name, value in given.items()}
            return await person.ask(command.method, path, params=words)
        return await person.ask(command.method or "", path, json=given)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value)
