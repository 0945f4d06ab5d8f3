"""A slice: one feature, declared by one value (its manifest), and the kit that its service is built from."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from server.actors import Actor, Role
from server.clock import Clock
from server.errors import MixeeError
from server.events import Event, Publisher
from server.hub.connections import Connection
from server.hub.screens import Screens
from server.hub.sequencer import Fill, Heads
from server.jobs import Job
from server.routes import Limit, Routes
from storage.mongo import Collection, IndexModel, Mongo
from storage.redis import Redis

S = TypeVar("S")
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

EVERY_ROLE: tuple[Role, ...] = ("user", "moderator", "admin")


@dataclass(frozen=True, slots=True)
class Permission:
    """A scope that commands may need: what it allows, and whose tokens carry it."""

    name: str
    meaning: str
    roles: tuple[Role, ...] = EVERY_ROLE


@dataclass(frozen=True, slots=True)
class Personal:
    """What a collection holds of people: the fields with user ids, and what erasure does to those documents.

    `delete` removes them, `pseudonymise` keeps them without the person, `keep` needs a reason.
    """

    fields: tuple[str, ...]
    erase: Literal["delete", "pseudonymise", "keep"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A collection of a slice: its name, its indexes, and whom it holds data about (None: nobody)."""

    name: str
    personal: Personal | None
    indexes: tuple[IndexModel, ...] = ()


@dataclass(frozen=True, slots=True)
class Hears:
    """What a slice does when it hears an event: `react(service, event)`, repeatable without harm.

    `at_once` is for events that are told very often: a plain function, which waits for nothing and is called where the
    event is told, without a task. Such an event cannot be durable.
    """

    event: type[Event[Any]]
    react: Callable[[Any, Any], Awaitable[None] | None]
    at_once: bool = False

    def __post_init__(self) -> None:
        if self.at_once and self.event.durable:
            raise TypeError(f"{self.event.name} is durable: it cannot be heard at once")


@dataclass(frozen=True, slots=True)
class Slice(Generic[S]):
    """All that the engine may know of a feature."""

    name: str
    service: type[S]
    build: Callable[["Kit"], S]
    needs: tuple[str, ...] = ()
    routes: Routes | None = None
    events: tuple[type[Event[Any]], ...] = ()
    collections: tuple[Stored, ...] = ()
    permissions: tuple[Permission, ...] = ()
    settings: type[BaseModel] | None = None
    errors: tuple[type[MixeeError], ...] = ()
    hears: tuple[Hears, ...] = ()
    jobs: tuple[Job, ...] = ()
    provides: Mapping[type[Any], Callable[[S], Any]] = field(default_factory=dict)
    asks: tuple[type[Any], ...] = ()
    start: Callable[[S], Awaitable[None]] | None = None
    stop: Callable[[S], Awaitable[None]] | None = None
    connected: Callable[[S, Connection], Awaitable[None]] | None = None
    disconnected: Callable[[S, Connection], Awaitable[None]] | None = None
    greets: Callable[[S, Actor], Awaitable[Sequence[Event[Any]]]] | None = None
    """Events for a new connection alone, told after `session:ready`."""
    gathers: Callable[[S, Sequence[str]], Awaitable[Mapping[str, Sequence[str]]]] | None = None
    """Of each of these people: the conversations with more than `server.hub.channels.FEW` members that he is in."""


class Cutter(Protocol):
    """Closes live connections on every process."""

    async def __call__(self, *, by: Literal["user", "session"], who: str, code: str) -> None:
        """Close those of a user or a session; `code` tells the client why."""
        ...


class Filler(Protocol):
    """Takes what the hub asks when it misses entries."""

    def __call__(self, fill: Fill, heads: Heads | None = None) -> None:
        """`fill` reads entries of a conversation, `heads` the last `seq` of several."""
        ...


class Spender(Protocol):
    """Takes from limits that depend on what a service finds: the clients of every process share them."""

    async def __call__(self, name: str, limits: Sequence[tuple[str, Limit]]) -> None:
        """Take one from the bucket of each of these, whom or what a limit is about. Raises RateLimited, Unavailable."""
        ...


class Kit:
    """What one slice's service may be built from; it is of no use after the build."""

    def __init__(
        self,
        of: Slice[Any],
        *,
        mongo: Mongo,
        redis: Redis,
        clock: Clock,
        node: str,
        namespace: str,
        publish: Publisher,
        cut: Cutter,
        fills: Filler,
        spend: Spender,
        screens: Screens,
        limited: bool,
        roles: Mapping[Role, frozenset[str]],
        settings: BaseModel | None,
        services: Mapping[type[Any], Any],
        ports: Mapping[type[Any], Callable[[], Any]],
        data_dir: str,
    ) -> None:
        self._of = of
        self._settings = settings
        self._services = services
        self._ports = ports
        self.mongo = mongo
        self.redis = redis
        self.clock = clock
        self.node = node
        """This process's name in the cluster, new at every start."""
        self.namespace = namespace
        """Begins the name of every Redis key of this cluster, so that several may share a Redis."""
        self.publish = publish
        self.cut = cut
        self.fills = fills
        self.spend = spend
        self.screens = screens
        """What the devices that are connected to this process have on their screens."""
        self.limited = limited
        """Whether limits are on. They are off for load tests alone."""
        self.roles = roles
        """The permissions that each role's tokens carry."""
        self.data_dir = data_dir
        """Folder for files of this server (mail that has no other way out)."""

    def collection(self, name: str) -> Collection:
        """A collection that the manifest declares. Raises LookupError for another."""
        if name not in {stored.name for stored in self._of.collections}:
            raise LookupError(f"the manifest of {self._of.name} declares no collection {name}")
        return self.mongo.collection(name)

    def settings(self, model: type[M]) -> M:
        """The slice's own settings."""
        if not isinstance(self._settings, model):
            raise TypeError(f"the manifest of {self._of.name} declares no settings {model.__name__}")
        return self._settings

    def service(self, kind: type[T]) -> T:
        """The service of a slice that the manifest `needs`. Raises TypeError for one that is not built before."""
        found = self._services.get(kind)
        if not isinstance(found, kind):
            raise TypeError(f"{self._of.name} uses {kind.__name__}: name its slice in `needs`")
        return found

    def ask(self, port: type[T]) -> Callable[[], T]:
        """Who answers a port's questions; the answerer may be built later, so call what you get when you need it."""
        if port not in self._of.asks:
            raise LookupError(f"the manifest of {self._of.name} does not say that it asks {port.__name__}")
        return self._ports[port]
