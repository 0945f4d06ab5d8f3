"""A headless Chromium for tests, spoken to by the DevTools protocol."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.harness import debian

START_SECONDS = 30.0
ANSWER_SECONDS = 20.0
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-port=0",
)


_LOADED = "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"


class BrowserError(Exception):
    """What the browser, or the page in it, answered instead of a result."""


class Page:
    """One tab."""

    def __init__(self, browser: "Chromium", session: str) -> None:
        self._browser = browser
        self._session = session

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol for this tab."""
        return await self._browser.send(method, parameters, session=self._session)

    async def run(self, script: str) -> Any:
        """What an expression of JavaScript comes to; a promise is awaited. Raises BrowserError."""
        answer = await self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(answer["exceptionDetails"].get("exception", {}).get("description", str(answer)))
        return answer["result"].get("value")


class Chromium:
    """A running browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def send(self, method: str, parameters: dict[str, Any], *, session: str | None = None) -> dict[str, Any]:
        """Call a method of the protocol. Raises BrowserError."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        await self._socket.send_str(orjson.dumps(message).decode())
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await self._waiting[number]
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> Page:
        """A tab in which a page is loaded."""
        target = await self.send("Target.createTarget", {"url": "about:blank"})
        attached = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = Page(self, attached["sessionId"])
        loaded = await page.send("Page.navigate", url=url)
        if loaded.get("errorText"):
            raise BrowserError(f"{url}: {loaded['errorText']}")
        await page.run(_LOADED)
        return page

    async def read(self) -> None:
        """Hand answers to those who wait for them, until the socket is closed."""
        async for message in self._socket:
            answer = orjson.loads(message.data)
            waiting = self._waiting.pop(answer.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Chromium]:
    """A browser whose profile is in a folder. Raises debian.Missing when there is none to be had."""
    command = await asyncio.to_thread(debian.command, "chromium")
    log = folder / "chromium.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            *OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            "about:blank",
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        address = await _address(process, folder / "profile" / "DevToolsActivePort", log)
        async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
            browser = Chromium(socket)
            reading = asyncio.create_task(browser.read())
            try:
                yield browser
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _read(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


async def _address(process: asyncio.subprocess.Process, file: Path, log: Path) -> str:
    """Where the browser listens, once it does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                lines = _read(file).split()
                if len(lines) == 2:
                    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
                await asyncio.sleep(0.05)
    raise BrowserError(f"Chromium does not start: {_read(log)[-1000:]}")
