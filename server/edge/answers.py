"""How the HTTP door says that something went wrong, and the headers that every answer has."""

import orjson
from aiohttp import web

from server.errors import Problem, Unauthenticated

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def answer(trouble: Problem) -> web.Response:
    """An error as an HTTP answer (RFC 9457)."""
    headers = dict(SECURITY_HEADERS)
    if trouble.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-trouble.retry_after_ms // 1000))
    if trouble.status == Unauthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        body=orjson.dumps(trouble.document()),
        status=trouble.status,
        content_type="application/problem+json",
        headers=headers,
    )
