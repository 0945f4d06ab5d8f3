"""The one road from either door to a command: permit, limit, parse, call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from server.actors import Actor, Authenticator, Caller
from server.edge.limits import Limiter, Standing, Taken
from server.errors import Forbidden, Invalid, StepUpNeeded, Unauthenticated
from server.models import Input
from server.routes import Command, Pending
from storage.mongo import Mongo

MAX_DETAILS = 20
"""Faults of one input that are named; the others are found once these are mended."""


@dataclass(slots=True)
class Request:
    """A call of a command, as either door has it."""

    command: Command
    actor: Actor | None
    caller: Caller
    given: Mapping[str, Any]
    content: bytes = b""
    standing: Standing | None = None
    """How the limits stand, once they were asked."""


class Dispatch:
    """Runs commands with the services they belong to."""

    def __init__(
        self,
        services: Mapping[type[Any], Any],
        limiter: Limiter,
        mongo: Mongo,
        authenticator: Callable[[], Authenticator],
    ) -> None:
        self._services = services
        self._limiter = limiter
        self._mongo = mongo
        self._authenticator = authenticator

    async def run(self, request: Request) -> Any:
        """Run a command and return its result, or a `Pending` one. Raises MixeeError (and whatever is a bug)."""
        command, actor = request.command, request.actor
        if command.needs is not None:
            if actor is None:
                raise Unauthenticated("Sign in first: send an access token.")
            if not actor.may(command.needs):
                raise Forbidden(f"Your account does not have the permission {command.needs}.")
        taken = await self._limiter.take(command, actor, request.caller, request.given)
        request.standing = taken.standing
        if command.fresh and actor and not await self._authenticator().is_fresh(actor, command.fresh):
            raise StepUpNeeded
        if not command.counts_failures:
            return await self._call(request)
        return await self._watched(request, taken)

    async def _watched(self, request: Request, taken: Taken) -> Any:
        """Call a command of which failures cost more than successes."""
        try:
            result = await self._call(request)
        except Unauthenticated:
            raise
        except Exception:
            await self._limiter.give_back(taken)
            raise
        await self._limiter.give_back(taken)
        return result

    async def _call(self, request: Request) -> Any:
        command, actor = request.command, request.actor
        body = parse(command.input, request.given)
        arguments: dict[str, Any] = {"actor": actor, "caller": request.caller, "body": body, "content": request.content}
        service = self._services[command.service]
        wanted = {name: arguments[name] for name in command.wants}
        if command.unit:
            return await self._mongo.transact(lambda: command.handler(service, **wanted))
        return await command.handler(service, **wanted)


async def finished(result: Any) -> Any:
    """The result of a command, also when its second half is still to come."""
    return await result if isinstance(result, Pending) else result


def parse(model: type[Input], given: Mapping[str, Any]) -> Input:
    """The input as its model. Raises Invalid that names every field that does not fit."""
    try:
        return model.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        details = [
            {
                "field": ".".join(str(part) for part in fault["loc"]) or "(all)",
                "message": fault["msg"].removeprefix("Value error, "),
            }
            for fault in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_DETAILS]
        ]
        named = "; ".join(f"{one['field']}: {one['message']}" for one in details[:3])
        raise Invalid(f"The request does not fit: {named}.", details=details) from None
