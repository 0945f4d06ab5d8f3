"""Which errors a command can answer with, and the shape in which a client sees them."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Literal

from pydantic import Field

from server import errors
from server.errors import MixeeError
from server.models import Output
from server.routes import WITH_BODY, Command


class Fault(Output):
    """What does not fit in one field of the input."""

    field: str
    """The field's path, its parts divided by dots; `(all)` for the input as a whole."""
    message: str


class Refusal(Output):
    """An error as a socket's answer carries it."""

    code: str
    """What went wrong, for programs."""
    message: str
    """What went wrong and what to do about it, for people."""
    details: list[Fault] = Field(default_factory=list, exclude_if=lambda value: not value)
    """The fields that do not fit."""
    retry_after_ms: int = Field(0, ge=0, exclude_if=lambda value: not value)
    """When it is right to try again, in milliseconds from now."""
    data: dict[str, Any] = Field(default_factory=dict, exclude_if=lambda value: not value)
    """What is needed to go on from here, such as the `ticket` of a sign-in that wants a second factor."""


class Problem(Refusal):
    """An error as an HTTP answer carries it (RFC 9457)."""

    type: Literal["about:blank"]
    """`code` says what others say here."""
    title: str
    """The name of the status."""
    status: int = Field(ge=400, le=599)
    """The HTTP status once more."""


class Internal(MixeeError):
    """Something went wrong on the server's side. It has been logged there; no detail leaves."""


def failures(command: Command) -> dict[int, list[type[MixeeError]]]:
    """The errors that a command can answer with over HTTP, by status."""
    found: list[type[MixeeError]] = [errors.Unreadable, *_of_either_door(command)]
    if command.method in WITH_BODY:
        found += [errors.TooLarge, errors.Unsupported]
    if command.takes:
        found += [errors.TooSlow, errors.Overloaded]
    if command.gives_content:
        found.append(errors.OutOfRange)
    if command.placeholders:
        found.append(errors.NotFound)
    return by_status(found)


def refusals(command: Command) -> list[type[MixeeError]]:
    """The errors that a command can answer with over the socket, each code once."""
    return [one for some in by_status(_of_either_door(command)).values() for one in some]


def _of_either_door(command: Command) -> list[type[MixeeError]]:
    found: list[type[MixeeError]] = [errors.Invalid, errors.Unavailable, Internal, *command.errors]
    if command.needs:
        found += [errors.Unauthenticated, errors.Forbidden]
    if command.fresh:
        found.append(errors.StepUpNeeded)
    if command.limits:
        found.append(errors.RateLimited)
    return found


def by_status(found: Iterable[type[MixeeError]]) -> dict[int, list[type[MixeeError]]]:
    """Errors by their status, each code once, the general ones before those of a slice."""
    table: dict[int, dict[str, type[MixeeError]]] = {}
    for one in found:
        table.setdefault(one.status, {}).setdefault(one.code, one)
    return {
        status: sorted(codes.values(), key=lambda one: ("." in one.code, one.code))
        for status, codes in sorted(table.items())
    }


def phrase(status: int) -> str:
    """The name of a status, as in `Not Found`."""
    return HTTPStatus(status).phrase
