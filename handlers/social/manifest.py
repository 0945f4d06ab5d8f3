"""What the engine may know of friends and blocks."""

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
from handlers.social.service import ERRORS, AddressBooks, Social
from handlers.social.settings import SocialSettings
from handlers.social.store import (
    BLOCKS,
    PAIRS,
    BlockStore,
    GraphStore,
    PairStore,
)
from handlers.users.events import UserErased
from handlers.users.service import Relations, Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Social:
    friendships = kit.collection("friendships")
    return Social(
        pairs=PairStore(friendships, kit.mongo),
        graph=GraphStore(friendships),
        register=BlockStore(kit.collection("blocks")),
        books=kit.ask(AddressBooks),  # type: ignore[type-abstract]  # a port is a Protocol
        users=kit.service(Users),
        clock=kit.clock,
        publish=kit.publish,
        settings=kit.settings(SocialSettings),
    )


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
    ),
    permissions=(
        Permission("social:read", "See one's friends, requests and blocks"),
        Permission("social:write", "Ask, accept, remove and block people"),
    ),
    settings=SocialSettings,
    errors=ERRORS,
    hears=(Hears(UserErased, _account_erased),),
    provides={Relations: lambda social: social},
    asks=(AddressBooks,),
)
