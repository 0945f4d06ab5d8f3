"""Two stock Socket.IO clients behind one interface: python-socketio's, and JavaScript's in a Node process."""

import asyncio
import itertools
import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import aiohttp
import socketio

from tests.harness.processes import NODE, ROOT, Program

PATIENCE = 10.0
RETRY = 0.3
"""Seconds before a client whose connection was lost connects again."""


class Client(ABC):
    """A client that keeps what it hears. `transports` None: the client's own default."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []
        self._taken: dict[str, int] = defaultdict(int)
        self._news = asyncio.Condition()

    @abstractmethod
    async def connect(self, url: str, auth: dict[str, Any], transports: Sequence[str] | None = None) -> None:
        """Connect. Raises Refused with the data of `connect_error`."""

    @abstractmethod
    async def call(self, event: str, data: dict[str, Any]) -> Any:
        """Emit an event and return the answer to it."""

    @abstractmethod
    async def transport(self) -> str:
        """How it is connected now: `polling` or `websocket`."""

    @abstractmethod
    async def cut(self) -> None:
        """Lose the network connection; the client is to come back by itself."""

    @abstractmethod
    async def close(self) -> None:
        """Hang up for good, and free what belongs to the client."""

    async def ask(self, event: str, **data: Any) -> Any:
        """Emit an event and return the data of its successful answer."""
        answer = await self.call(event, data)
        assert answer["ok"], answer
        return answer["data"]

    def events(self, name: str) -> list[Any]:
        """Payloads of every event of that name so far."""
        return [payload for event, payload in self.log if event == name]

    async def next(self, name: str) -> Any:
        """The next event of that name that was not taken before."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(self.events(name)) > self._taken[name])
        payload = self.events(name)[self._taken[name]]
        self._taken[name] += 1
        return payload

    async def settle(self) -> None:
        """Wait for one more answer: what the server told before has arrived by then."""
        await self.call("no-such-event", {})

    async def _heard(self, event: str, payload: Any) -> None:
        async with self._news:
            self.log.append((event, payload))
            self._news.notify_all()


class Refused(Exception):
    """The server did not let the client in; `data` is that of `connect_error`."""

    def __init__(self, message: str, data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class PythonClient(Client):
    """python-socketio's AsyncClient."""

    def __init__(self) -> None:
        super().__init__()
        self._client = socketio.AsyncClient(reconnection_delay=RETRY, randomization_factor=0)
        self._refusal: Any = None
        self._client.on("*", self._on_event)
        self._client.on("connect_error", self._on_refusal)
        self._client.on("disconnect", self._on_end)

    async def connect(self, url: str, auth: dict[str, Any], transports: Sequence[str] | None = None) -> None:
        try:
            await self._client.connect(url, auth=auth, transports=transports, wait_timeout=PATIENCE)
        except socketio.exceptions.ConnectionError as error:
            raise Refused(self._refusal["message"], self._refusal["data"]) from error

    async def call(self, event: str, data: dict[str, Any]) -> Any:
        return await self._client.call(event, data, timeout=PATIENCE)

    async def transport(self) -> str:
        return str(self._client.transport())

    async def cut(self) -> None:
        socket: aiohttp.ClientWebSocketResponse = self._client.eio.ws
        socket.get_extra_info("socket").shutdown(2)

    async def close(self) -> None:
        await self._client.disconnect()

    async def _on_event(self, event: str, *arguments: Any) -> None:
        assert len(arguments) == 1, arguments
        await self._heard(event, arguments[0])

    async def _on_refusal(self, data: Any) -> None:
        self._refusal = data

    async def _on_end(self, reason: str) -> None:
        await self._heard("(disconnect)", reason)


class JavaScriptClient(Client):
    """JavaScript's socket.io-client, driven through tests/js/client.mjs."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self._program = program
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())
        self._opted_in = False
        self.offsets: list[str] = []
        """What ended the events of a client that opted in to recovery."""

    @classmethod
    async def start(cls) -> "JavaScriptClient":
        """Start the Node process."""
        return cls(await Program.start(NODE, str(ROOT / "tests" / "js" / "client.mjs")))

    async def connect(self, url: str, auth: dict[str, Any], transports: Sequence[str] | None = None) -> None:
        self._opted_in = bool(auth.get("recovery"))
        options: dict[str, Any] = {"auth": auth, "reconnectionDelay": RETRY * 1000, "randomizationFactor": 0}
        if transports is not None:
            options["transports"] = list(transports)
        await self._command("connect", url=url, options=options)
        async with asyncio.timeout(PATIENCE):
            await self._let_in

    async def call(self, event: str, data: dict[str, Any]) -> Any:
        return await self._question("call", event=event, data=data)

    async def transport(self) -> str:
        return str(await self._question("transport"))

    async def cut(self) -> None:
        await self._command("cut")

    async def close(self) -> None:
        self._program.end_of_input()
        status = await self._program.ended()
        await self._listening
        assert (status, self._program.err) == (0, [])

    async def _listen(self) -> None:
        async for line in self._program.lines():
            said = json.loads(line)
            if "answer" in said:
                self._answers.pop(said["answer"]).set_result(said.get("data", said.get("failed")))
            elif "event" in said:
                assert said["more"] == [] or self._opted_in, said
                self.offsets += said["more"]
                await self._heard(said["event"], said["data"])
            else:
                await self._on_state(said)

    async def _on_state(self, said: dict[str, Any]) -> None:
        if said["state"] == "disconnect":
            await self._heard("(disconnect)", said["reason"])
        if said["state"] == "connect":
            await self._heard("(connect)", {"recovered": said["recovered"]})
        if self._let_in.done():
            return
        if said["state"] == "connect":
            self._let_in.set_result(None)
        if said["state"] == "connect_error":
            self._let_in.set_exception(Refused(said["message"], said["data"]))

    async def _command(self, do: str, **more: Any) -> None:
        await self._program.write(json.dumps({"do": do, **more}))

    async def _question(self, do: str, **more: Any) -> Any:
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._command(do, id=number, **more)
        async with asyncio.timeout(PATIENCE * 1.5):
            return await answer
