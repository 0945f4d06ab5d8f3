"""Commands: what a client may do, declared once and reached through two doors, HTTP and the socket."""

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter

from server.actors import Actor
from server.content import Content
from server.errors import MixeeError
from server.models import Input, Nothing

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
T = TypeVar("T")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WITH_BODY = ("POST", "PUT", "PATCH")
"""Methods whose requests have a body."""


class Pending(Generic[T]):
    """The second half of a command that was admitted: its place is taken, the result is still to come.

    The socket door handles the events of one client in order. A command that returns a `Pending` lets the next event
    of the client start as soon as its own place is certain (a message in the queue of its log), not only when the
    answer is there.
    """

    def __init__(self, rest: Awaitable[T]) -> None:
        self._rest = rest

    def __await__(self) -> Generator[Any, Any, T]:
        return self._rest.__await__()


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `burst` at once, then one more every `seconds`; counted by user, address or an input field.

    A `target` is what a service names: who is invited, the group that is joined.
    `strict` ones (sign-in, registration) refuse when the counters cannot be reached; the others then count in the
    process alone. Commands that name the same `pool` take from one bucket.
    """

    burst: int
    seconds: float
    by: Literal["user", "address", "target"] = "user"
    field: str | None = None
    strict: bool = False
    pool: str | None = None
    when: str | None = None
    """Only requests count that give this field."""
    young_hours: float | None = None
    """Only accounts count that are younger than this."""
    failures: bool = False
    """Only requests count that end in `Unauthenticated`."""


@dataclass(frozen=True, slots=True)
class Command:
    """One declared command. `service` is the type whose instance the handler gets first."""

    tag: str
    name: str
    method: str | None
    path: str | None
    event: str | None
    needs: str | None
    unit: bool
    status: int
    limits: tuple[Limit, ...]
    errors: tuple[type[MixeeError], ...]
    service: type[Any]
    input: type[Input]
    output: Any
    adapter: TypeAdapter[Any]
    handler: Callable[..., Awaitable[Any]]
    wants: tuple[str, ...]
    takes: int
    fresh: timedelta | None
    room: int
    summary: str
    description: str

    @property
    def public(self) -> bool:
        """Whether it may be called without an access token."""
        return self.needs is None

    @property
    def counts_failures(self) -> bool:
        """Whether failures cost more than successes."""
        return any(limit.failures for limit in self.limits)

    @property
    def gives_content(self) -> bool:
        """Whether the answer is bytes, not JSON."""
        return self.output is Content

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the path's placeholders, as on the wire."""
        return tuple(_PLACEHOLDER.findall(self.path or ""))


class Routes:
    """The commands of one slice, filled by decorators in its `routes.py`."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.commands: list[Command] = []

    def command(
        self,
        where: str | None = None,
        *,
        event: str | None = None,
        needs: str | None = None,
        public: bool = False,
        unit: bool = False,
        status: int | None = None,
        limits: tuple[Limit, ...] = (),
        errors: tuple[type[MixeeError], ...] = (),
        takes: int = 0,
        fresh: timedelta | None = None,
        room: int = 0,
    ) -> Callable[[F], F]:
        """Declare a command: `where` is "METHOD /path/{placeholder}", `event` its name on the socket (or both).

        The handler's first parameter is the service; then any of `actor: Actor`, `caller: Caller` and
        `body: <an Input model>`, whose fields are the path's placeholders, the query and the JSON body (HTTP) or the
        event's one argument (socket). Raises TypeError for a declaration that does not hold together.

        `fresh` is for what a stolen token must not do: the session must have been proved within that time, by a sign-in
        or by `POST /api/auth/step-up`; otherwise it is refused with `auth.step_up_needed`.

        Bytes go over HTTP alone. A command that `takes` so many of them gets them as `content: bytes` (an
        `application/octet-stream`), and its input from path and query; one that returns a `Content` answers with them.

        `room`: bytes of its JSON body over HTTP, where that may be larger than the server's usual (`MAX_BODY_BYTES`).
        """
        if public == (needs is not None):
            raise TypeError("a command either names the permission it `needs` or says `public=True`")
        if public and fresh:
            raise TypeError("a public command has no session that could be fresh")

        def declare(handler: F) -> F:
            self.commands.append(
                _command(
                    handler,
                    tag=self.tag,
                    where=where,
                    event=event,
                    needs=needs,
                    unit=unit,
                    status=status,
                    limits=limits,
                    errors=errors,
                    takes=takes,
                    fresh=fresh,
                    room=room,
                )
            )
            return handler

        return declare


def _split(where: str) -> tuple[str, str]:
    method, _, path = where.partition(" ")
    if method not in METHODS or not path.startswith("/"):
        raise TypeError(f"“{where}” must be a method and a path, such as GET /api/users/me")
    return method, path


def _command(
    handler: Callable[..., Awaitable[Any]],
    *,
    tag: str,
    where: str | None,
    event: str | None,
    needs: str | None,
    unit: bool,
    status: int | None,
    limits: tuple[Limit, ...],
    errors: tuple[type[MixeeError], ...],
    takes: int,
    fresh: timedelta | None,
    room: int,
) -> Command:
    if where is None and event is None:
        raise TypeError(f"{handler.__qualname__} has no door: name a path, an event or both")
    method, path = _split(where) if where else (None, None)
    hints = typing.get_type_hints(handler)
    parameters = list(inspect.signature(handler).parameters)
    output = _unwrapped(hints.pop("return", None), handler)
    service, *wants = parameters
    model = hints.get("body", Nothing)
    unknown = set(wants) - {"actor", "caller", "body", "content"}
    if unknown or not (isinstance(model, type) and issubclass(model, Input)):
        raise TypeError(
            f"{handler.__qualname__} takes a service, then actor, caller and body (an Input); not {unknown}"
        )
    if ("content" in wants) != (takes > 0):
        raise TypeError(f"{handler.__qualname__} wants content: it must say how many bytes it `takes`, and only then")
    if event is not None and (takes or output is Content):
        raise TypeError(f"{handler.__qualname__} is about bytes: it cannot have an event")
    if (takes or room) and method not in WITH_BODY:
        raise TypeError(f"{handler.__qualname__} takes bytes: its method must be one of {', '.join(WITH_BODY)}")
    if takes and room:
        raise TypeError(f"{handler.__qualname__} takes bytes: it has no JSON body that could need room")
    if "actor" in wants and needs is None and hints["actor"] is Actor:
        raise TypeError(f"{handler.__qualname__} is public: its actor may be missing (Actor | None)")
    missing = set(_PLACEHOLDER.findall(path or "")) - set(wire_names(model))
    if missing:
        raise TypeError(f"{handler.__qualname__}: the input has no field for {missing}")
    summary, _, description = (inspect.getdoc(handler) or "").partition("\n\n")
    if not summary:
        raise TypeError(f"{handler.__qualname__} needs a docstring: it is the public documentation")
    return Command(
        tag=tag,
        name=f"{tag}.{handler.__name__}",
        method=method,
        path=path,
        event=event,
        needs=needs,
        unit=unit,
        status=status or (204 if output is type(None) else 200),
        limits=limits,
        errors=errors,
        service=hints[service],
        input=model,
        output=output,
        adapter=TypeAdapter(bytes if output is Content else output),
        handler=handler,
        wants=tuple(wants),
        takes=takes,
        fresh=fresh,
        room=room,
        summary=" ".join(summary.split()),
        description=description,
    )


def _unwrapped(output: Any, handler: Callable[..., Any]) -> Any:
    if typing.get_origin(output) is Pending:
        (output,) = typing.get_args(output)
    if output is None:
        raise TypeError(f"{handler.__qualname__} must say what it returns")
    return output


def wire_names(model: type[BaseModel]) -> dict[str, str]:
    """The model's field names by their names on the wire."""
    return {field.alias or name: name for name, field in model.model_fields.items()}
