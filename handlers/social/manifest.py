"""What the engine may know of friends, blocks and contacts."""

from handlers.social.events import (
    FriendAccepted,
    FriendAdded,
    FriendRemoved,
    FriendRemovedFrom,
    FriendRequested,
    FriendUpdated,
    PermitChanged,
    UserBlocked,
    UserUnblocked,
)
from handlers.social.routes import routes
from handlers.social.service import ERRORS, Social
from handlers.social.settings import SocialSettings
from handlers.social.store import (
    ALLOWANCES,
    BLOCKS,
    INDEX,
    MATCHES,
    PAIRS,
    SECRETS,
    BlockStore,
    ContactStore,
    GraphStore,
    PairStore,
)
from handlers.users.events import UserErased, UserUpdated
from handlers.users.service import Relations, Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Social:
    friendships = kit.collection("friendships")
    return Social(
        pairs=PairStore(friendships, kit.mongo),
        graph=GraphStore(friendships),
        register=BlockStore(kit.collection("blocks")),
        contacts=ContactStore(
            index=kit.collection("contact_index"),
            matches=kit.collection("contact_matches"),
            allowances=kit.collection("contact_allowances"),
            secrets=kit.collection("social_secrets"),
        ),
        users=kit.service(Users),
        clock=kit.clock,
        publish=kit.publish,
        settings=kit.settings(SocialSettings),
    )


async def _account_changed(social: Social, event: UserUpdated) -> None:
    await social.account_changed(event.payload.user.id, event.payload.changed)


async def _account_erased(social: Social, event: UserErased) -> None:
    await social.forget(event.payload.user_id)


manifest = Slice(
    name="social",
    service=Social,
    build=_build,
    needs=("users",),
    routes=routes,
    events=(
        FriendRequested,
        FriendAccepted,
        FriendRemovedFrom,
        FriendUpdated,
        FriendAdded,
        FriendRemoved,
        PermitChanged,
        UserBlocked,
        UserUnblocked,
    ),
    collections=(
        Stored("friendships", Personal(("requesterId", "recipientId"), erase="delete"), PAIRS),
        Stored("blocks", Personal(("blockerId", "blockedUserId"), erase="delete"), BLOCKS),
        Stored("contact_index", Personal(("userId",), erase="delete"), INDEX),
        Stored("contact_matches", Personal(("ownerId", "userId"), erase="delete"), MATCHES),
        Stored("contact_allowances", Personal(("_id",), erase="delete"), ALLOWANCES),
        Stored("social_secrets", None, SECRETS),
    ),
    permissions=(
        Permission("social:read", "See one's friends, requests, blocks and contacts"),
        Permission("social:write", "Ask, accept, remove and block people"),
    ),
    settings=SocialSettings,
    errors=ERRORS,
    hears=(Hears(UserUpdated, _account_changed), Hears(UserErased, _account_erased)),
    provides={Relations: lambda social: social},
    start=Social.start,
)
