"""What the engine may know of presence."""

from handlers.presence.events import PresenceSnapshot, PresenceUpdated
from handlers.presence.jobs import JOBS
from handlers.presence.routes import routes
from handlers.presence.service import ERRORS, Presence
from handlers.presence.settings import PresenceSettings
from handlers.presence.store import PRESENCE, LiveStore, RecordStore
from handlers.social.events import FriendAdded, FriendRemoved, PermitChanged
from handlers.social.service import Social
from handlers.users.events import UserErased, UserUpdated
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Presence:
    settings = kit.settings(PresenceSettings)
    return Presence(
        live=LiveStore(
            kit.redis,
            prefix=f"{kit.namespace}:presence",
            node=kit.node,
            refill_ms=int(2000 * settings.beat_seconds),
        ),
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
    if "canSeeOnlineStatus" in event.payload.changed:
        await presence.ties_changed(event.payload.user_id, event.payload.friend_id)


async def _account_changed(presence: Presence, event: UserUpdated) -> None:
    if "privacy" in event.payload.changed:
        await presence.privacy_changed(event.payload.user.id)


async def _account_erased(presence: Presence, event: UserErased) -> None:
    await presence.forget(event.payload.user_id)


manifest = Slice(
    name="presence",
    service=Presence,
    build=_build,
    needs=("users", "social"),
    routes=routes,
    events=(PresenceUpdated, PresenceSnapshot),
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
        Hears(UserUpdated, _account_changed),
        Hears(UserErased, _account_erased),
    ),
    jobs=JOBS,
    start=Presence.start,
    stop=Presence.stop,
    connected=Presence.connected,
    disconnected=Presence.disconnected,
    greets=Presence.greets,
)
