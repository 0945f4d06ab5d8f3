"""What clients may do about presence."""

from handlers.presence.models import (
    AppChange,
    AskPresence,
    CustomStatus,
    ListPresence,
    PresencePage,
    Presences,
    StatusChange,
    Unwatch,
    UserPresence,
    Watch,
    Watching,
)
from handlers.presence.service import AlreadyOver, Presence, TooManyWatched
from server.actors import Actor
from server.routes import Limit, Routes

routes = Routes("presence")

_CHANGES = (Limit(5, 12, pool="presence"),)
"""Messaging rules §5, presence set: 5 a minute, the status and the line about oneself together."""
_READS = (Limit(100, 0.5),)
_SCREENS = (Limit(60, 0.5),)


@routes.command(
    "PUT /api/presence/status",
    event="presence:update",
    needs="presence:write",
    limits=_CHANGES,
    errors=(AlreadyOver,),
)
async def update(presence: Presence, actor: Actor, body: StatusChange) -> UserPresence:
    """Set one's status, and the line about oneself if one is given.

    `busy` and `invisible` are for all devices and stay until another status is set. `online` and `away` end them, and
    are about the device that sends them (about all, when it has no connection).
    """
    return await presence.set_status(actor, body)


@routes.command("GET /api/presence/friends", event="presence:friends", needs="presence:read", limits=_READS)
async def friends(presence: Presence, actor: Actor, body: ListPresence) -> PresencePage:
    """List the presence of one's friends. A friend who does not show it, or to whom one does not, looks offline."""
    return await presence.friends(actor.user_id, body)


@routes.command("GET /api/presence", event="presence:get", needs="presence:read", limits=_READS)
async def get(presence: Presence, actor: Actor, body: AskPresence) -> Presences:
    """Read the presence of some people. Whoever is no friend looks offline."""
    return await presence.several(actor.user_id, body.user_ids)


@routes.command(
    "POST /api/presence/custom-status",
    event="presence:custom-status",
    needs="presence:write",
    limits=_CHANGES,
    errors=(AlreadyOver,),
)
async def set_custom(presence: Presence, actor: Actor, body: CustomStatus) -> UserPresence:
    """Set the line about oneself that friends see, for good or until a time."""
    return await presence.set_custom(actor.user_id, body)


@routes.command(
    "DELETE /api/presence/custom-status",
    event="presence:clear-custom-status",
    needs="presence:write",
    limits=_CHANGES,
)
async def clear_custom(presence: Presence, actor: Actor) -> UserPresence:
    """Remove the line about oneself."""
    return await presence.set_custom(actor.user_id, None)


@routes.command(event="app:state", needs="presence:write", limits=_SCREENS)
async def app_state(presence: Presence, actor: Actor, body: AppChange) -> UserPresence:
    """Say that the app comes to the foreground on this device or goes to the background.

    A person is online with at least one device in the foreground that was used in the last 5 minutes, and away with
    others only. A new connection is in the foreground. To send `foreground` again is to say that the device is in use.
    """
    return await presence.app_changed(actor, body.state)


@routes.command(event="presence:watch", needs="presence:read", limits=_SCREENS, errors=(TooManyWatched,))
async def watch(presence: Presence, actor: Actor, body: Watch) -> Watching:
    """Watch people on the screen of this device: how they are now, and from now on `presence:batch` tells news.

    At most 500 people on one device. Whom one may not see is not watched. It ends with the device's last connection:
    watch again after each `session:ready`.
    """
    return await presence.watch(actor, body.user_ids)


@routes.command(event="presence:unwatch", needs="presence:read", limits=_SCREENS)
async def unwatch(presence: Presence, actor: Actor, body: Unwatch) -> Watching:
    """Watch some people no longer, or nobody any more."""
    return await presence.unwatch(actor, body.user_ids)


@routes.command(event="presence:snapshot", needs="presence:read", limits=_READS)
async def snapshot(presence: Presence, actor: Actor) -> Presences:
    """Read who of one's friends and of those whom this device watches is not offline. Who is missing is offline."""
    return await presence.snapshot(actor)
