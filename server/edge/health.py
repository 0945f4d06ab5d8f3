"""What a load balancer and an operator ask: alive, ready, measures, version."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from server.metrics import LOOP_LAG, TASKS

MAX_LAG_SECONDS = 0.25
"""A loop that runs later than this is not ready for more."""
CHECK_SECONDS = 2.0
"""How long a part may take to answer whether it is there."""

Check = Callable[[], Awaitable[None]]


class Health:
    """Answers /livez, /readyz, /metrics and /version."""

    def __init__(self, checks: Mapping[str, Check], *, version: str) -> None:
        self._checks = checks
        self._version = version
        self._lag = 0.0
        self.draining = False

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/livez", self.live),
            web.get("/readyz", self.ready),
            web.get("/metrics", self.metrics),
            web.get("/version", self.version),
        ]

    def turning_away(self, path: str) -> Middleware:
        """Answers 503 to whoever begins a session below `path` while the server stops.

        A proxy then asks another process, and a client without one tries again by itself, which a JavaScript client
        would not do after `connect_error`.
        """

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self.draining and request.path.startswith(path) and "sid" not in request.query:
                response = _answer(503, {"code": "unavailable", "message": "This server is stopping: connect again."})
                response.headers["Retry-After"] = "1"
                return response
            return await handler(request)

        return middleware

    async def live(self, _: web.Request) -> web.Response:
        """200 as long as the event loop turns."""
        return _answer(200, {"status": "alive"})

    async def ready(self, _: web.Request) -> web.Response:
        """200 when every part answers and the server is not stopping, else 503 with the names of the faults."""
        faults = await self.faults()
        if faults:
            return _answer(503, {"status": "not ready", "faults": faults})
        return _answer(200, {"status": "ready"})

    async def metrics(self, _: web.Request) -> web.Response:
        """The measures in Prometheus' text format."""
        TASKS.set(len(asyncio.all_tasks()))
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def version(self, _: web.Request) -> web.Response:
        """The version of the server."""
        return _answer(200, {"version": self._version})

    async def faults(self) -> dict[str, str]:
        """What stands against being ready, by part."""
        faults: dict[str, str] = {}
        if self.draining:
            faults["server"] = "is stopping"
        if self._lag > MAX_LAG_SECONDS:
            faults["loop"] = f"runs {self._lag * 1000:.0f} ms late"
        answers = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        faults.update({name: answer for name, answer in zip(self._checks, answers, strict=True) if answer})
        return faults

    async def watch(self, every: float = 0.5) -> None:
        """Measure how late the event loop runs, until cancelled."""
        while True:
            started = time.monotonic()
            await asyncio.sleep(every)
            self._lag = max(0.0, time.monotonic() - started - every)
            LOOP_LAG.set(self._lag)

    async def _ask(self, check: Check) -> str:
        try:
            await asyncio.wait_for(check(), CHECK_SECONDS)
        except TimeoutError:
            return f"does not answer within {CHECK_SECONDS:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            return f"{type(error).__name__}: {error}"[:200]
        return ""


def _answer(status: int, body: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
