"""Serves the server's own description: the two documents for tools, and the page for people."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from aiohttp import web

from server.slices import Slice
from server.spec.files import ASYNCAPI, OPENAPI, documents
from server.spec.page import render

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"


def spec_routes(slices: Sequence[Slice[Any]], version: str) -> list[web.RouteDef]:
    """Routes for `/openapi.json`, `/asyncapi.json` and `/docs`; each is made once, when it is first asked for."""
    texts = cache(lambda: documents(slices, version))
    page = cache(lambda: render(slices, version))

    def html() -> tuple[str, str]:
        return page().html, page().policy

    return [
        web.get(f"/{OPENAPI}", _serve(lambda: (texts()[OPENAPI], _NO_CONTENT), "application/json")),
        web.get(f"/{ASYNCAPI}", _serve(lambda: (texts()[ASYNCAPI], _NO_CONTENT), "application/json")),
        web.get("/docs", _serve(html, "text/html")),
    ]


def _serve(make: Callable[[], tuple[str, str]], media_type: str) -> Callable[[web.Request], Any]:
    """A handler that answers with a text; `make` gives it together with its Content-Security-Policy."""
    making = asyncio.Lock()

    async def handle(_: web.Request) -> web.Response:
        async with making:
            text, policy = await asyncio.to_thread(make)
        return web.Response(
            text=text,
            content_type=media_type,
            charset="utf-8",
            headers=_HEADERS | {"Content-Security-Policy": policy},
        )

    return handle
