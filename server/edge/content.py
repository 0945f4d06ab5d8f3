"""Bytes through the HTTP door: a raw body is read within bounds, a `Content` is sent whole or in part (RFC 9110)."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

from aiohttp import web

from server.content import Content
from server.edge.answers import SECURITY_HEADERS, answer
from server.errors import OutOfRange, Overloaded, TooLarge, TooSlow, Unreadable, Unsupported, problem

log = logging.getLogger("mixee.http")

BYTES = "application/octet-stream"
BODY_SECONDS = 60.0
"""How long a raw body may take."""
MAX_BODIES = 64
"""Raw bodies that one process reads at once."""
SEND_SECONDS = 60.0
"""How long a client may take to read the piece that was sent last."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Bodies:
    """Reads large bodies, a bounded number at once."""

    def __init__(self) -> None:
        self._reading = 0

    async def read(self, request: web.Request, *, most: int) -> bytes:
        """The body, if it has at most `most` bytes. Raises the errors of a body that does not fit."""
        if request.content_type != BYTES:
            raise Unsupported(f"Send the body as {BYTES}.")
        return await self.gather(request, most=most)

    async def gather(self, request: web.Request, *, most: int, seconds: float = BODY_SECONDS) -> bytes:
        """The body of whatever kind. Raises as `read`."""
        if (request.content_length or 0) > most:
            raise TooLarge(f"The body is larger than {most} bytes.")
        if self._reading >= MAX_BODIES:
            raise Overloaded("Too many uploads are running right now: try again.", retry_after_ms=1000)
        self._reading += 1
        try:
            async with asyncio.timeout(seconds):
                return await _gathered(request, most)
        except TimeoutError as error:
            raise TooSlow(f"The body did not come within {seconds:g} seconds.") from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise Unreadable("The body ends too early.") from error
        finally:
            self._reading -= 1


async def _gathered(request: web.Request, most: int) -> bytes:
    found = bytearray()
    async for piece in request.content.iter_any():
        found += piece
        if len(found) > most:
            raise TooLarge(f"The body is larger than {most} bytes.")
    return bytes(found)


def span_of(header: str, size: int) -> tuple[int, int] | None:
    """Where a Range of `size` bytes begins and ends (the end not included); None when it is to be ignored.

    Raises OutOfRange. Several ranges at once are ignored: the answer is the whole then, as the standard allows.
    """
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or (not first and int(last) == 0):
        raise OutOfRange(f"There are {size} bytes: ask for some of these.")
    return start, stop


async def sent(request: web.Request, content: Content) -> web.StreamResponse:
    """Answer with the bytes, or with those that the client asks for."""
    etag = f'"{content.etag}"'
    headers = _headers(content, etag)
    if etag in [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]:
        return web.Response(status=304, headers=headers)
    wanted = request.headers.get("Range", "")
    try:
        span = span_of(wanted, content.size) if request.headers.get("If-Range", etag) == etag else None
    except OutOfRange as error:
        refused = answer(problem(error, where=""))
        refused.headers["Content-Range"] = f"bytes */{content.size}"
        return refused
    start, stop = span or (0, content.size)
    response = web.StreamResponse(status=206 if span else 200, headers=headers)
    response.content_type = content.type
    response.content_length = stop - start
    if span:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.size}"
    async with aclosing(content.read(start, stop)) as pieces:
        first = await anext(pieces, b"")  # what fails before the head is sent can still be answered
        await response.prepare(request)
        await _pour(request, response, first, pieces)
    return response


async def _pour(request: web.Request, response: web.StreamResponse, first: bytes, rest: AsyncIterator[bytes]) -> None:
    try:
        await _write(response, first)
        async for piece in rest:
            await _write(response, piece)
        await response.write_eof()
    except (TimeoutError, ConnectionError):
        _cut(request)
    except Exception:
        log.exception("%s broke off", request.path)
        _cut(request)


async def _write(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await response.write(piece)


def _cut(request: web.Request) -> None:
    """The head has gone out and the bytes do not follow: only the end of the connection says so."""
    if request.transport is not None:
        request.transport.abort()


def _headers(content: Content, etag: str) -> dict[str, str]:
    keep = f"private, max-age={content.keep_seconds}" if content.keep_seconds else "no-store"
    where = "inline" if content.inline else "attachment"
    if content.filename:
        where += f"; filename*=UTF-8''{quote(content.filename, safe='')}"
    return {
        **SECURITY_HEADERS,
        "Content-Security-Policy": _SANDBOX,
        "Cache-Control": keep,
        "Content-Disposition": where,
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }
