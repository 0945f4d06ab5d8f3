"""The HTTP door: a request becomes a command's input, its result or error becomes the answer."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from server.actors import Actor, Authenticator, Caller
from server.clock import Clock
from server.edge.answers import SECURITY_HEADERS, answer
from server.edge.content import Bodies, sent
from server.edge.dispatch import Dispatch, Request, finished
from server.edge.query import Reader
from server.errors import (
    MixeeError,
    NotAllowed,
    NotFound,
    Problem,
    RateLimited,
    TooLarge,
    TooSlow,
    Unauthenticated,
    Unreadable,
    Unsupported,
    problem,
)
from server.metrics import HTTP_DURATION
from server.routes import WITH_BODY, Command

log = logging.getLogger("mixee.http")

MAX_USER_AGENT = 400


def address_of(request: web.BaseRequest, trusted: Sequence[str]) -> str:
    """The client's address: the peer's, or what a trusted proxy says of it (the last hop that is not a proxy)."""
    peer = request.remote or ""
    if peer not in trusted:
        return peer
    told = ",".join(request.headers.getall("X-Forwarded-For", []))  # a proxy may add a line of its own to the client's
    hops = [hop.strip() for hop in told.split(",") if hop.strip()]
    for hop in reversed(hops):
        if hop not in trusted:
            return hop
    return peer


class HttpDoor:
    """Serves commands over HTTP."""

    def __init__(
        self,
        dispatch: Dispatch,
        authenticator: Callable[[], Authenticator],
        *,
        trusted_proxies: Sequence[str],
        max_body_bytes: int,
        body_timeout: float = 10.0,
    ) -> None:
        """`body_timeout`: seconds that a body may take."""
        self._dispatch = dispatch
        self._authenticator = authenticator
        self._trusted = trusted_proxies
        self._max_body = max_body_bytes
        self._body_timeout = body_timeout
        self._bodies = Bodies()

    def routes(self, commands: Sequence[Command]) -> list[web.RouteDef]:
        """The routes of the commands that have an address; a fixed path goes before a placeholder."""
        having = [one for one in commands if one.method and one.path]
        having.sort(key=lambda one: [part.startswith("{") for part in (one.path or "").split("/")])
        return [
            web.route(one.method or "", _typed(one.path or ""), self._handler(one), name=_name(one)) for one in having
        ]

    def _handler(self, command: Command) -> Callable[[web.Request], Any]:
        reader = Reader(command.input)

        async def handle(request: web.Request) -> web.StreamResponse:
            caller = Caller(
                "http",
                address_of(request, self._trusted),
                request.headers.get("User-Agent", "")[:MAX_USER_AGENT],
            )
            actor = await self._actor(request, command)
            given = await self._given(request, command, reader, actor)
            content = await self._content(request, command, actor)
            asked = Request(command, actor, caller, given, content)
            try:
                result = await finished(await self._dispatch.run(asked))
            except MixeeError as error:
                refusal = answer(problem(error, where=command.name))
                refusal.headers.update(error.headers if isinstance(error, RateLimited) else _limits(asked))
                return refusal
            if command.gives_content:
                return await sent(request, result)
            if command.output is type(None):
                return web.Response(status=204, headers=SECURITY_HEADERS | _limits(asked))
            return web.Response(
                body=command.adapter.dump_json(result, by_alias=True),
                status=command.status,
                content_type="application/json",
                headers=SECURITY_HEADERS | _limits(asked),
            )

        return handle

    async def _actor(self, request: web.Request, command: Command) -> Actor | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            if command.public:
                return None
            raise Unauthenticated("Send the access token as: Authorization: Bearer <token>.")
        try:
            return await self._authenticator().actor(token.strip())
        except Unauthenticated:
            if command.public:
                return None
            raise

    async def _given(
        self, request: web.Request, command: Command, reader: Reader, actor: Actor | None
    ) -> Mapping[str, Any]:
        given: dict[str, Any] = {}
        if (command.method or "") in WITH_BODY and not command.takes:
            if command.room and actor is None and not command.public:
                raise Unauthenticated("Sign in first: send an access token.")
            given.update(await self._body(request, command.room))
        for source, values in (("query", request.query), ("path", request.match_info)):
            for name, value in values.items():
                read = reader.read(name, value)
                if name in given and given[name] != read:
                    raise Unreadable(
                        f"{name} is given twice, and differently.",
                        details=[{"field": name, "message": f"differs between the {source} and elsewhere"}],
                    )
                given[name] = read
        return given

    async def _content(self, request: web.Request, command: Command, actor: Actor | None) -> bytes:
        if not command.takes:
            return b""
        if actor is None and not command.public:
            raise Unauthenticated("Sign in first: send an access token.")
        return await self._bodies.read(request, most=command.takes)

    async def _raw(self, request: web.Request) -> bytes:
        if (request.content_length or 0) > self._max_body:
            raise TooLarge(f"The body is larger than {self._max_body} bytes.")
        try:
            async with asyncio.timeout(self._body_timeout):
                return await request.read()
        except TimeoutError as error:
            raise TooSlow(f"The body did not come within {self._body_timeout:g} seconds.") from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise Unreadable("The body ends too early.") from error
        except web.HTTPRequestEntityTooLarge as error:
            raise TooLarge(f"The body is larger than {self._max_body} bytes.") from error

    async def _body(self, request: web.Request, room: int) -> dict[str, Any]:
        if room > self._max_body:
            raw = await self._bodies.gather(request, most=room, seconds=self._body_timeout)
        else:
            raw = await self._raw(request)
        if not raw:
            return {}
        if request.content_type != "application/json":
            raise Unsupported("Send the body as application/json.")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"The body is not JSON: {error}.") from None
        if not isinstance(body, dict):
            raise Unreadable("The body must be a JSON object.")
        return body


def _limits(asked: Request) -> dict[str, str]:
    return asked.standing.headers() if asked.standing else {}


def _name(command: Command) -> str:
    return re.sub(r"\W+", "_", command.name)


def _typed(path: str) -> str:
    """The path in aiohttp's words: a placeholder is one segment without a slash."""
    return re.sub(r"\{(\w+)\}", r"{\1:[^{}/]+}", path)


def errors_and_measures(clock: Clock) -> Any:
    """The middleware that turns every error into the one answer, and measures how long it took."""

    @web.middleware
    async def middleware(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        started = clock.monotonic()
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = _of_aiohttp(error, request)
        except Exception as error:  # noqa: BLE001 - the door answers every error
            response = answer(problem(error, where=f"{request.method} {request.path}"))
        route = request.match_info.route.resource
        label = route.canonical if route else "(none)"
        HTTP_DURATION.labels(request.method, label, str(response.status)).observe(clock.monotonic() - started)
        return response

    return middleware


def _of_aiohttp(error: web.HTTPException, request: web.Request) -> web.StreamResponse:
    """aiohttp's own errors (no such path, no such method) in our words; redirects and the like stay."""
    if error.status == 404:
        return answer(problem(NotFound(f"There is nothing at {request.path[:200]}."), where=""))
    if error.status == 405:
        allowed = ", ".join(sorted(error.allowed_methods)) if isinstance(error, web.HTTPMethodNotAllowed) else ""
        response = answer(problem(NotAllowed(f"Not with this method; use {allowed}."), where=""))
        response.headers["Allow"] = allowed
        return response
    if error.status == 413:
        return answer(problem(TooLarge("The body is too large."), where=""))
    if error.status >= 400:
        return answer(Problem(error.status, "bad_request", error.reason))
    raise error
