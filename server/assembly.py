"""Puts slices together: checks that their manifests agree, and builds their services in the order of their needs."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from server.actors import Role
from server.errors import MixeeError
from server.events import Event
from server.hub.notices import NOTICES
from server.routes import Command
from server.slices import Kit, Slice
from storage import leases, numbers, outbox
from storage.mongo import IndexModel

RESERVED_COLLECTIONS = (outbox.COLLECTION, leases.COLLECTION, numbers.COLLECTION)
EVENT_NAME = re.compile(r"[a-z][a-z0-9]*([-:_][a-z]+)*")


class ManifestError(ValueError):
    """The manifests do not agree; the message names every fault."""


def check(slices: Sequence[Slice[Any]]) -> None:
    """Refuse slices that do not fit together. Raises ManifestError with all faults at once."""
    faults = [
        *_unique(slices),
        *_needs(slices),
        *_ports(slices),
        *_permissions(slices),
        *_collections(slices),
        *_events(slices),
    ]
    if faults:
        raise ManifestError("The slices do not fit together:\n- " + "\n- ".join(faults))


def _twice(kind: str, names: Iterable[str]) -> list[str]:
    return [f"{kind} {name} is declared {count} times" for name, count in Counter(names).items() if count > 1]


def commands(slices: Iterable[Slice[Any]]) -> list[Command]:
    """Every command of the slices."""
    return [command for one in slices if one.routes for command in one.routes.commands]


def events(slices: Iterable[Slice[Any]]) -> list[type[Event[Any]]]:
    """Every event that the engine or a slice tells."""
    return [*NOTICES, *(event for one in slices for event in one.events)]


def _unique(slices: Sequence[Slice[Any]]) -> list[str]:
    found = commands(slices)
    codes = {(error.code, error.__qualname__) for one in slices for error in one.errors}
    return [
        *_twice("slice", (one.name for one in slices)),
        *_twice("address", (f"{one.method} {one.path}" for one in found if one.path)),
        *_twice("socket event", (one.event for one in found if one.event)),
        *_twice("event", (event.name for event in events(slices))),
        *_twice("collection", [*RESERVED_COLLECTIONS, *(s.name for one in slices for s in one.collections)]),
        *_twice("permission", (p.name for one in slices for p in one.permissions)),
        *_twice("job", (job.name for one in slices for job in one.jobs)),
        *_twice("port", (port.__qualname__ for one in slices for port in one.provides)),
        *_twice("error code", (code for code, _ in codes)),
    ]


def _needs(slices: Sequence[Slice[Any]]) -> list[str]:
    faults, built = [], set()
    for one in slices:
        faults += [f"{one.name} needs {name}, which is not built before it" for name in one.needs if name not in built]
        built.add(one.name)
    return faults


def _ports(slices: Sequence[Slice[Any]]) -> list[str]:
    provided = {port for one in slices for port in one.provides}
    return [
        f"{one.name} asks {port.__qualname__}, which no slice provides"
        for one in slices
        for port in one.asks
        if port not in provided
    ]


def _permissions(slices: Sequence[Slice[Any]]) -> list[str]:
    known = {permission.name for one in slices for permission in one.permissions}
    return [
        f"{one.name} needs {one.needs}, which no slice declares"
        for one in commands(slices)
        if one.needs and one.needs not in known
    ]


def _collections(slices: Sequence[Slice[Any]]) -> list[str]:
    return [
        f"collection {stored.name} keeps personal data after erasure and gives no reason"
        for one in slices
        for stored in one.collections
        if stored.personal and stored.personal.erase == "keep" and not stored.personal.reason
    ]


def _events(slices: Sequence[Slice[Any]]) -> list[str]:
    told = set(events(slices))
    faults = [
        f"{one.name} hears {heard.event.__qualname__}, which no slice tells"
        for one in slices
        for heard in one.hears
        if heard.event not in told
    ]
    faults += [f"event {event.name} has no docstring" for event in told if not (event.__doc__ or "").strip()]
    faults += [
        f"event name {event.name} must be like message:new" for event in told if not EVENT_NAME.fullmatch(event.name)
    ]
    by_name = {one.name: one for one in slices}
    undeclared = (
        f"{command.name} answers {error.__qualname__}, which its slice does not declare"
        for one in slices
        for command in (one.routes.commands if one.routes else ())
        for error in command.errors
        if error.__module__ != MixeeError.__module__ and error not in _passed_on(one, by_name)
    )
    return [*faults, *undeclared]


def _passed_on(one: Slice[Any], by_name: Mapping[str, Slice[Any]]) -> set[type[MixeeError]]:
    """A slice's own errors, and those of the slices that it asks: what they refuse it need not say in other words."""
    return {error for name in (one.name, *one.needs) if name in by_name for error in by_name[name].errors}


def roles(slices: Sequence[Slice[Any]]) -> dict[Role, frozenset[str]]:
    """The permissions that the tokens of each role carry."""
    every: tuple[Role, ...] = ("user", "moderator", "admin")
    return {role: frozenset(p.name for one in slices for p in one.permissions if role in p.roles) for role in every}


def indexes(slices: Sequence[Slice[Any]]) -> dict[str, tuple[IndexModel, ...]]:
    """The indexes of every collection, the engine's own among them."""
    own = {outbox.COLLECTION: outbox.INDEXES, leases.COLLECTION: (), numbers.COLLECTION: ()}
    return own | {stored.name: stored.indexes for one in slices for stored in one.collections}


@dataclass(frozen=True)
class Built:
    """The services, by their types and by the names of their slices, and who answers each port."""

    by_type: Mapping[type[Any], Any]
    by_slice: Mapping[str, Any]
    ports: Mapping[type[Any], Callable[[], Any]]


def build(slices: Sequence[Slice[Any]], kit: Callable[..., Kit], settings: Mapping[str, BaseModel]) -> Built:
    """Build each slice's service. `kit(slice, services=…, ports=…, settings=…)` makes what it is built from."""
    by_type: dict[type[Any], Any] = {}
    by_slice: dict[str, Any] = {}
    ports: dict[type[Any], Callable[[], Any]] = {}
    for one in slices:
        for port, answerer in one.provides.items():
            ports[port] = _later(by_slice, one.name, answerer)
    for one in slices:
        allowed = {type_: service for type_, service in by_type.items() if _of(slices, type_).name in one.needs}
        service = one.build(kit(one, services=allowed, ports=ports, settings=settings.get(one.name)))
        by_type[one.service] = by_slice[one.name] = service
    return Built(by_type, by_slice, ports)


def _of(slices: Sequence[Slice[Any]], kind: type[Any]) -> Slice[Any]:
    return next(one for one in slices if one.service is kind)


def _later(services: Mapping[str, Any], name: str, answerer: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: answerer(services[name])
