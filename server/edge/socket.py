"""The socket door: signs connections in, hands events to commands, and answers each event exactly once."""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import ceil
from typing import Any

from aiohttp import web
from orjson import Fragment
from prometheus_client import Counter, Histogram

from server.actors import Actor, Authenticator, Caller
from server.clock import Clock
from server.edge.admission import Admission, Pace
from server.edge.dispatch import Dispatch, Request, finished
from server.edge.expiries import Expiries
from server.edge.http import MAX_USER_AGENT, address_of
from server.errors import (
    Invalid,
    MixeeError,
    NotFound,
    Problem,
    RateLimited,
    Unauthenticated,
    Unavailable,
    problem,
)
from server.events import Nobody
from server.hub.connections import Connection, Outlet
from server.hub.hub import Hub
from server.hub.notices import Behind, Limits, Ready, SessionReady, SyncBehind
from server.hub.recovery import Kept, Returning
from server.hub.sockets import Refused
from server.metrics import ACTIVE_USERS, CONNECTIONS, DISCONNECTS, EVENT_DURATION, EVENTS, HANDSHAKES, LIMITED
from server.models import wire_time
from server.routes import Command, Pending
from server.slices import Slice

log = logging.getLogger("mixee.socket")

MAX_DEVICE_ID = 64


class SocketDoor:
    """Serves commands and connections over Socket.IO."""

    def __init__(
        self,
        dispatch: Dispatch,
        authenticator: Callable[[], Authenticator],
        hub: Hub,
        clock: Clock,
        *,
        slices: Sequence[Slice[Any]],
        trusted_proxies: Sequence[str],
        limits: Limits,
        admission: Admission,
        max_connections: int,
    ) -> None:
        self._dispatch = dispatch
        self._authenticator = authenticator
        self._hub = hub
        self._clock = clock
        self._slices = slices
        self._trusted = trusted_proxies
        self._limits = limits
        self._admission = admission
        self._expiries = Expiries()
        self._max_connections = max_connections
        self._commands: dict[str, Command] = {}
        self._measures: dict[str, tuple[Counter, Histogram]] = {}
        self._services: Mapping[str, Any] = {}
        self._callers: dict[str, Caller] = {}
        self._paces: dict[str, Pace] = {}
        self._missed: dict[str, Sequence[Kept]] = {}
        """What clients that came back have missed, until they are told."""
        self.draining = False

    def serve(self, commands: Sequence[Command], services: Mapping[str, Any]) -> None:
        """Say what is behind the door."""
        self._commands = {one.event: one for one in commands if one.event}
        self._measures = {name: (EVENTS.labels(name, "ok"), EVENT_DURATION.labels(name)) for name in self._commands}
        self._services = services

    def arrives(self, request: web.Request) -> Caller:
        """What to remember of the request that opened a session."""
        agent = request.headers.get("User-Agent", "")[:MAX_USER_AGENT]
        return Caller("socket", address_of(request, self._trusted), agent)

    async def connect(self, sid: str, outlet: Outlet, caller: Caller, auth: Any) -> None:
        """Let a connection in whose access token holds. Raises Refused; its data carries a `code`."""
        try:
            if self.draining:
                raise Unavailable("This server is stopping: connect again.", retry_after_ms=1000)
            if self._hub.size >= self._max_connections:
                raise Unavailable("This server is full: connect again later.", retry_after_ms=5000)
            self._admission.knock(caller.address)
            actor = await self._sign_in(auth)
            self._admission.recognise(actor.user_id, actor.device_id)
            connection = Connection(sid, actor, caller.address, self._clock.now(), caller.user_agent)
            missed = await self._hub.enter(connection, outlet, Returning.of(auth))
        except MixeeError as error:
            HANDSHAKES.labels(error.code).inc()
            raise Refused(error.message, problem(error, where="connect").error()) from error
        except Exception as error:
            HANDSHAKES.labels("internal").inc()
            trouble = problem(error, where="connect")
            raise Refused(trouble.message, trouble.error()) from error
        HANDSHAKES.labels("ok").inc()
        if self._hub.connections.get(sid) is not None:  # else it ended while it was let in
            self._callers[sid] = caller
            if (pace := self._admission.pace()) is not None:
                self._paces[sid] = pace
            self._expiries.set(sid, actor.expires_at)
            if missed is not None:
                self._missed[sid] = missed
        self._measure()

    def greeting(self, sid: str) -> dict[str, Any]:
        """What CONNECT tells beside the id: the private one of a connection that can be recovered."""
        pid = self._hub.pid(sid)
        return {"pid": pid} if pid else {}

    async def connected(self, sid: str) -> None:
        """Tell the client who it is, and the slices that it is there."""
        connection = self._hub.connections.get(sid)
        if connection is None:
            return
        ready = Ready(
            user_id=connection.user_id,
            device_id=connection.actor.device_id,
            server_time=self._clock.now(),
            recovered=sid in self._missed,
            limits=self._limits,
        )
        self._hub.tell(connection, SessionReady(ready, to=Nobody()))
        self._hub.replay(connection, self._missed.pop(sid, ()))
        for one in self._slices:
            if one.connected:
                await self._guard(one.name, one.connected(self._services[one.name], connection))
            if one.greets:
                await self._guard(one.name, self._greet(one, connection))

    async def _greet(self, one: Slice[Any], connection: Connection) -> None:
        if one.greets:
            for event in await one.greets(self._services[one.name], connection.actor):
                self._hub.tell(connection, event)

    async def gather(self, user_ids: Sequence[str]) -> dict[str, set[str]]:
        """The large conversations of people, asked of every slice that has some."""
        found: dict[str, set[str]] = {one: set() for one in user_ids}
        for one in self._slices:
            if one.gathers:
                for user_id, conversations in (await one.gathers(self._services[one.name], user_ids)).items():
                    found[user_id].update(conversations)
        return found

    async def disconnected(self, sid: str, reason: str) -> None:
        """Forget the connection, and tell the slices."""
        self._callers.pop(sid, None)
        self._paces.pop(sid, None)
        self._missed.pop(sid, None)
        self._expiries.drop(sid)
        connection = self._hub.leave(sid)
        if connection is None:
            return
        DISCONNECTS.labels(reason.replace(" ", "_")).inc()
        self._measure()
        for one in self._slices:
            if one.disconnected:
                await self._guard(one.name, one.disconnected(self._services[one.name], connection))

    def caught_up(self, sid: str) -> None:
        """Tell a client that had missed events to sync."""
        connection = self._hub.connections.get(sid)
        if connection is not None:
            self._hub.tell(connection, SyncBehind(Behind(conversation_ids=[]), to=Nobody()))

    async def event(self, sid: str, name: str, arguments: list[Any]) -> Any:
        """Handle an event: the answer, or (when its second half is still to come) an awaitable of it."""
        started = self._clock.monotonic()
        connection = self._hub.connections.get(sid)
        try:
            if connection is None:
                raise Unauthenticated("This connection has ended.")
            if (pace := self._paces.get(sid)) is not None:
                self._keep(pace, connection, started)
            if name == "session:renew":
                return await self._renew(connection, arguments)
            command = self._commands.get(name)
            if command is None:
                raise NotFound(f"There is no event {name[:100]!r}.")
            given = _given(arguments)
            request = Request(command, connection.actor, self._callers[sid], given)
            result = await self._dispatch.run(request)
        except Exception as error:  # noqa: BLE001 - the door answers every error
            return self._refusal(name, error, started)
        if isinstance(result, Pending):
            return self._rest(command, result, started)
        return self._success(command, result, started)

    def _keep(self, pace: Pace, connection: Connection, now: float) -> None:
        """Raises RateLimited for a connection that sends too fast; one that does not stop is closed."""
        if pace.floods(now):
            LIMITED.labels("events:flood").inc()
            self._hub.close(connection, "rate_limited")
            raise RateLimited("Too many events: this connection is closed.", retry_after_ms=10_000)
        if wait := pace.wait(now):
            LIMITED.labels("events").inc()
            raise RateLimited("Too many events on this connection.", retry_after_ms=ceil(round(wait * 1000, 3)))

    async def _rest(self, command: Command, result: Pending[Any], started: float) -> dict[str, Any]:
        try:
            value = await finished(result)
        except Exception as error:  # noqa: BLE001 - the door answers every error
            return self._refusal(command.event or "", error, started)
        return self._success(command, value, started)

    def _success(self, command: Command, result: Any, started: float) -> dict[str, Any]:
        served, lasted = self._measures[command.event or ""]
        served.inc()
        lasted.observe(self._clock.monotonic() - started)
        return {"ok": True, "data": Fragment(command.adapter.dump_json(result, by_alias=True))}

    def _refusal(self, name: str, error: Exception, started: float) -> dict[str, Any]:
        trouble: Problem = problem(error, where=f"event {name[:100]}")
        known = name if name in self._commands or name == "session:renew" else "(unknown)"
        EVENTS.labels(known, trouble.code).inc()
        EVENT_DURATION.labels(known).observe(self._clock.monotonic() - started)
        return {"ok": False, "error": trouble.error()}

    async def _sign_in(self, auth: Any) -> Actor:
        if not isinstance(auth, dict) or not isinstance(auth.get("token"), str):
            raise Unauthenticated('Connect with auth {"token": <access token>}.')
        device = auth.get("deviceId")
        if device is not None and (not isinstance(device, str) or not 0 < len(device) <= MAX_DEVICE_ID):
            raise Invalid(f"deviceId must be text of 1 to {MAX_DEVICE_ID} characters.")
        actor = await self._authenticator().actor(auth["token"])
        if device is None:
            return actor
        return Actor(actor.user_id, actor.role, actor.scope, actor.session_id, device, actor.expires_at)

    async def _renew(self, connection: Connection, arguments: list[Any]) -> dict[str, Any]:
        """Keep a connection beyond its first access token: `session:renew {token}` with a fresh one."""
        given = _given(arguments)
        fresh = await self._sign_in({"token": given.get("token"), "deviceId": connection.actor.device_id})
        if fresh.user_id != connection.user_id:
            raise Invalid("The token is somebody else's.", details=[{"field": "token", "message": "is another user's"}])
        self._hub.connections.replace(dataclasses.replace(connection, actor=fresh))
        self._expiries.set(connection.id, fresh.expires_at)
        return {"ok": True, "data": {"expiresAt": wire_time(fresh.expires_at)}}

    async def _guard(self, name: str, work: Awaitable[None]) -> None:
        """A slice that fails on a connection's start or end must not stop the others."""
        try:
            await work
        except Exception:
            log.exception("slice %s failed on a connection's start or end", name)

    def _measure(self) -> None:
        CONNECTIONS.set(len(self._hub.connections))
        ACTIVE_USERS.set(self._hub.connections.user_count())

    async def expire(self, every: float = 1.0) -> None:
        """End connections whose access token has run out, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self._expiries.due(self._clock.now(), self._expired)

    def _expired(self, connection_id: str) -> None:
        connection = self._hub.connections.get(connection_id)
        if connection is not None:
            self._hub.close(connection, "token_expired")


def _given(arguments: list[Any]) -> dict[str, Any]:
    if not arguments:
        return {}
    if len(arguments) > 1:
        raise Invalid(f"An event takes one object; this one came with {len(arguments)} arguments.")
    if not isinstance(arguments[0], dict):
        raise Invalid("An event takes one object.")
    return arguments[0]
