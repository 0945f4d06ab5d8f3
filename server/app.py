"""Builds the running server from settings and slices, and takes it down in reverse, also after a half-failed start."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel

from config.settings import Settings, section
from crypto.ids import new_id
from server import assembly
from server.actors import Authenticator
from server.clock import Clock, SystemClock
from server.edge.admission import Admission
from server.edge.dispatch import Dispatch
from server.edge.health import Health
from server.edge.http import HttpDoor, errors_and_measures
from server.edge.limits import Limiter
from server.edge.socket import SocketDoor
from server.hub.bounds import Bounds
from server.hub.hub import Hub
from server.hub.notices import Limits
from server.hub.sockets import DoorServer
from server.jobs import Bound, JobRunner
from server.slices import Kit, Slice
from server.spec.pages import spec_routes
from server.telling import Relay
from storage.leases import Leases
from storage.mongo import Mongo
from storage.outbox import Outbox
from storage.redis import connect, ping
from storage.tasks import end, stopped

log = logging.getLogger("mixee")

SOCKET_PATH = "socket.io"
T = TypeVar("T")
STOP_SECONDS = 15.0
"""How long one part may take to stop; then the next one is stopped all the same."""


def release() -> str:
    """The version of the server."""
    try:
        return version("mixee")
    except PackageNotFoundError:
        return "0.1.0"


class App:
    """One server process: `start`, then serve `web`, then `stop`."""

    def __init__(
        self,
        settings: Settings,
        slices: Sequence[Slice[Any]],
        *,
        mongodb_url: str,
        redis_url: str,
        clock: Clock | None = None,
        worker: str = "",
    ) -> None:
        """`worker` begins the id of every session: requests that belong to it can be brought here."""
        assembly.check(slices)
        self.settings = settings
        self.slices = slices
        self.worker = worker
        self.clock = clock or SystemClock()
        self.node = new_id()
        # The braces keep all keys of one Mixee in one slot of a Redis Cluster: scripts need several of them at once.
        self.namespace = f"{{mixee:{settings.mongodb_database}}}"
        self.mongo = Mongo(mongodb_url, settings.mongodb_database)
        self.redis = connect(redis_url)
        self.limiter = Limiter(self.redis, self.clock, namespace=self.namespace, on=settings.limits == "on")
        self.hub = Hub(redis_url, self.clock, node=self.node, namespace=f"mixee:{settings.mongodb_database}")
        self.relay = Relay(self.hub, Outbox(self.mongo), self.clock, slices)
        self.health = Health(
            {"mongodb": self.mongo.ping, "redis": self._ping_redis, "backplane": self._listening}, version=release()
        )
        self.services: dict[str, Any] = {}
        self.web = web.Application(
            middlewares=[errors_and_measures(self.clock), self.health.turning_away(f"/{SOCKET_PATH}/")],
            client_max_size=settings.max_body_bytes,
            handler_args={"max_line_size": 8190, "max_field_size": 8190},
        )
        self._stack = AsyncExitStack()
        self._door: SocketDoor | None = None
        self._sockets: DoorServer | None = None

    async def start(self) -> None:
        """Open storage, build the services, join the cluster. After an error everything opened is closed again."""
        async with AsyncExitStack() as stack:
            built = await self._build(stack)
            self._open_doors(built)
            self._at_end(stack, "the hub", self.hub.stop)
            await self.hub.start()
            for one in self.slices:
                await self._begin(one, stack)
            self._at_end(stack, "the relay", self.relay.settle)
            if self._sockets:
                self._at_end(stack, "the sockets", self._sockets.shutdown)
            leases = Leases(self.mongo, self.node)
            jobs = [Bound(job, self.services[one.name]) for one in self.slices for job in one.jobs]
            self._background(stack, "health", self.health.watch())
            self._background(stack, "relay", self.relay.run())
            self._background(stack, "jobs", JobRunner(jobs, leases, self.clock).run())
            if self._door:
                self._background(stack, "expiry", self._door.expire())
            self._stack = stack.pop_all()

    async def errand(self, work: Callable[[Mapping[str, Any]], Awaitable[T]]) -> T:
        """Do one thing with the services, by the names of their slices, and leave: nobody is served, no job runs.

        What it tells reaches the clients of the servers that run. Raises what `work` raises.
        """
        async with AsyncExitStack() as stack:
            built = await self._build(stack)
            self._at_end(stack, "the hub", self.hub.stop)
            await self.hub.start()
            self._at_end(stack, "the relay", self.relay.settle)
            return await work(built.by_slice)

    async def drain(self) -> None:
        """Tell the balancer and the clients that this process is going, and let requests finish."""
        self.health.draining = True
        if self._door:
            self._door.draining = True
        await self.hub.drain(self.settings.drain_seconds)

    async def stop(self) -> None:
        """Close everything that `start` opened, in reverse."""
        await self._stack.aclose()

    async def _build(self, stack: AsyncExitStack) -> assembly.Built:
        """Open storage and build the services."""
        self._at_end(stack, "MongoDB", self.mongo.close)
        self._at_end(stack, "Redis", self.redis.aclose)
        await self.mongo.ping()
        await self._ping_redis()
        await self._indexes()
        built = assembly.build(self.slices, self._kit, self._sections())
        self.services = dict(built.by_slice)
        self.relay.serve(built.by_slice)
        return built

    async def _begin(self, one: Slice[Any], stack: AsyncExitStack) -> None:
        service = self.services[one.name]
        if one.stop:
            self._at_end(stack, f"slice {one.name}", partial(one.stop, service))
        if one.start:
            await one.start(service)

    def _background(self, stack: AsyncExitStack, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._at_end(stack, f"the task {name}", partial(end, task))

    def _at_end(self, stack: AsyncExitStack, what: str, stop: Callable[[], Awaitable[None]]) -> None:
        stack.push_async_callback(stopped, what, stop, seconds=STOP_SECONDS)

    def _sections(self) -> dict[str, BaseModel]:
        return {one.name: section(one.settings, one.name, os.environ) for one in self.slices if one.settings}

    def _kit(self, one: Slice[Any], **parts: Any) -> Kit:
        return Kit(
            one,
            mongo=self.mongo,
            redis=self.redis,
            clock=self.clock,
            node=self.node,
            namespace=self.namespace,
            publish=self.relay.publish,
            cut=self.hub.cut,
            fills=self.hub.fills,
            spend=self.limiter.spend,
            screens=self.hub.screens,
            limited=self.settings.limits == "on",
            roles=assembly.roles(self.slices),
            data_dir=str(self.settings.data_dir),
            **parts,
        )

    def _open_doors(self, built: assembly.Built) -> None:
        settings, commands = self.settings, assembly.commands(self.slices)
        authenticator = built.ports.get(Authenticator)
        if authenticator is None:
            raise assembly.ManifestError("no slice provides Authenticator: nobody could sign in")
        dispatch = Dispatch(built.by_type, self.limiter, self.mongo, authenticator)
        http = HttpDoor(
            dispatch,
            authenticator,
            trusted_proxies=settings.trusted_proxies,
            max_body_bytes=settings.max_body_bytes,
            body_timeout=settings.header_timeout,
        )
        self._door = SocketDoor(
            dispatch,
            authenticator,
            self.hub,
            self.clock,
            slices=self.slices,
            trusted_proxies=settings.trusted_proxies,
            limits=Limits(max_event_bytes=settings.max_body_bytes, max_in_flight=settings.max_in_flight),
            admission=Admission(
                self.clock,
                per_second=settings.handshakes_per_second,
                burst=settings.handshakes_burst,
                on=settings.limits == "on",
            ),
            max_connections=settings.max_connections,
        )
        self._door.serve(commands, built.by_slice)
        self.hub.gathers(self._door.gather)
        sockets = DoorServer(
            self._door,
            max_in_flight=settings.max_in_flight,
            worker=self.worker,
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_timeout,
            max_http_buffer_size=settings.max_body_bytes,
            bounds=Bounds(body_seconds=settings.header_timeout),
            cors_allowed_origins="*" if "*" in settings.allowed_origins else (settings.allowed_origins or None),
        )
        self.hub.attach(sockets)
        self._sockets = sockets
        sockets.attach(self.web, socketio_path=SOCKET_PATH)
        self.web.add_routes(http.routes(commands))
        self.web.add_routes(self.health.routes())
        self.web.add_routes(spec_routes(self.slices, release()))

    async def _indexes(self) -> None:
        wanted = assembly.indexes(self.slices).items()
        await asyncio.gather(*(self.mongo.collection(name).create_indexes(indexes) for name, indexes in wanted))

    async def _ping_redis(self) -> None:
        await ping(self.redis)

    async def _listening(self) -> None:
        if not self.hub.listening:
            raise ConnectionError("the subscription does not stand")
