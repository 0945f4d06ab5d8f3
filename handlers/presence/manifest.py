"""What the engine may know of presence."""

from handlers.presence.events import EVENTS
from handlers.presence.jobs import JOBS
from handlers.presence.routes import routes
from handlers.presence.service import ERRORS, Presence
from handlers.presence.settings import PresenceSettings
from handlers.presence.store import PRESENCE, Keys, LiveStore, RecordStore, WatchStore
from handlers.social.events import FriendAdded, FriendRemoved, PermitChanged, UserBlocked, UserUnblocked
from handlers.social.service import Social
from handlers.users.events import AudienceChanged, UserErased
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Presence:
    settings, keys = kit.settings(PresenceSettings), Keys(kit.namespace)
    # A process sees at a beat that Redis has lost everything, and has told it again when the span is over.
    refill = 2 * settings.beat_seconds + settings.refill_seconds
    return Presence(
        live=LiveStore(kit.redis, keys=keys, node=kit.node, refill_ms=round(1000 * refill)),
        watches=WatchStore(kit.redis, keys=keys, node=kit.node),
        records=RecordStore(kit.collection("presence")),
        social=kit.service(Social),
        users=kit.service(Users),
        clock=kit.clock,
        publish=kit.publish,
        node=kit.node,
        settings=settings,
    )


async def _tie_changed(presence: Presence, event: FriendAdded | FriendRemoved) -> None:
    one, other = event.payload.user_ids
    await presence.ties_changed(one, other)


async def _permit_changed(presence: Presence, event: PermitChanged) -> None:
    permit = event.payload
    await presence.permit_changed(permit.user_id, permit.friend_id, permit.changed)


async def _block_changed(presence: Presence, event: UserBlocked | UserUnblocked) -> None:
    await presence.block_changed(event.payload.blocker_id, event.payload.blocked_user_id)


async def _audience_changed(presence: Presence, event: AudienceChanged) -> None:
    await presence.audience_changed(event.payload)


async def _account_erased(presence: Presence, event: UserErased) -> None:
    await presence.forget(event.payload.user_id)


manifest = Slice(
    name="presence",
    service=Presence,
    build=_build,
    needs=("users", "social"),
    routes=routes,
    events=EVENTS,
    collections=(Stored("presence", Personal(("_id",), erase="delete"), PRESENCE),),
    permissions=(
        Permission("presence:read", "See whether friends are here"),
        Permission("presence:write", "Set one's own status"),
    ),
    settings=PresenceSettings,
    errors=ERRORS,
    hears=(
        Hears(FriendAdded, _tie_changed),
        Hears(FriendRemoved, _tie_changed),
        Hears(PermitChanged, _permit_changed),
        Hears(UserBlocked, _block_changed),
        Hears(UserUnblocked, _block_changed),
        Hears(AudienceChanged, _audience_changed),
        Hears(UserErased, _account_erased),
    ),
    jobs=JOBS,
    start=Presence.start,
    stop=Presence.stop,
    connected=Presence.connected,
    disconnected=Presence.disconnected,
    greets=Presence.greets,
)
