"""The sentences that the documents and the page share: limits, permissions, how to sign in."""

from collections.abc import Mapping

from server.routes import Command, Limit
from server.slices import Permission
from server.spec.catalogue import paragraph

TITLE = "Mixee"

ABOUT = """\
A real-time messaging server centred on chat and presence. What a client may do is a command. Most commands have two
doors, an HTTP address and a socket event, and do the same through both: the same input, the same permission, the same
limits, the same result, the same errors.

- Names are camelCase, ids are UUIDs in lower case, times are RFC 3339 in UTC with milliseconds, coordinates are
[latitude, longitude].
- Unknown fields are refused, in bodies, events and query strings.
- The access token that signing in answers goes along: over HTTP as `Authorization: Bearer <token>`, on the socket as
`auth: {"token": <token>}` of the connection.
- An error is one object with `code` (for programs), `message` (for people), sometimes `details` (a list of field and
message), `retryAfterMs` and `data` (what is needed to go on). Over HTTP it comes as `application/problem+json`, on the
socket as `error` of the answer."""

BEARER = "An access token, as signing in answers it."


def about() -> str:
    """What Mixee is and what holds for all commands, in Markdown."""
    return paragraph(ABOUT)


def seconds(value: float) -> str:
    """A span of time, in its largest whole unit, as in “every …”: `90 seconds`, `2 minutes`, `hour`."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if value >= size and value % size == 0:
            return _many(value / size, unit)
    return _many(value, "second")


def _many(value: float, unit: str) -> str:
    return unit if value == 1 else f"{value:g} {unit}s"


def limit(one: Limit) -> str:
    """A limit as a sentence."""
    whom = "account" if one.by == "user" else "address"
    if one.field:
        whom = f"value of `{one.field}`" if one.by == "address" else f"account and value of `{one.field}`"
    pace = f"one more every {seconds(one.seconds)}" if one.seconds >= 1 else f"{1 / one.seconds:.3g} more each second"
    return f"At most {one.burst} at once, then {pace}, for each {whom}."


def access(command: Command, permissions: Mapping[str, Permission]) -> str:
    """Who may call the command, as a sentence."""
    if command.needs is None:
        return "Needs no access token."
    permission = permissions.get(command.needs)
    meaning = f" ({permission.meaning.rstrip('.')})" if permission else ""
    fresh = ""
    if command.fresh:
        fresh = f" It must have been proved who is asking within {seconds(command.fresh.total_seconds())}."
    return f"Needs the permission `{command.needs}`{meaning}.{fresh}"


def description(command: Command, permissions: Mapping[str, Permission]) -> str:
    """All that there is to say about a command below its summary, in Markdown."""
    parts = [paragraph(command.description), access(command, permissions), *(limit(one) for one in command.limits)]
    return "\n\n".join(part for part in parts if part)
