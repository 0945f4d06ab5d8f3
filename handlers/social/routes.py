"""What clients may do about friends and blocks."""

from handlers.social.models import (
    BlockPage,
    FriendPage,
    Friendship,
    FriendshipChange,
    FriendSuggesting,
    FriendSuggestions,
    ListBlocks,
    ListFriends,
    NewBlock,
    NewRequest,
    OneFriendship,
    UserBlock,
)
from handlers.social.service import (
    AlreadyFriends,
    BlockedByYou,
    NoFriendship,
    NoSuchPerson,
    NotAsked,
    NotBlocked,
    NotFriends,
    NotPending,
    NotWelcome,
    Social,
    TooManyBlocks,
    TooManyFriends,
    Yourself,
)
from handlers.users.models import OneUser
from server.actors import Actor
from server.errors import Unavailable
from server.routes import Limit, Routes

routes = Routes("social")

_REQUESTS = (Limit(5, 720), Limit(20, 4320))
"""Messaging rules §5, friend requests: 5 an hour and 20 a day."""
_CHANGES = (Limit(60, 1),)
_READS = (Limit(100, 0.5),)


@routes.command(
    "POST /api/friends/request",
    event="friends:request",
    needs="social:write",
    status=201,
    limits=_REQUESTS,
    errors=(Yourself, NoSuchPerson, AlreadyFriends, BlockedByYou, NotWelcome, TooManyFriends, Unavailable),
)
async def request(social: Social, actor: Actor, body: NewRequest) -> Friendship:
    """Ask somebody to be friends.

    Asking twice is asking once. When the other has asked already, this accepts: the answer then is `accepted`.
    """
    return await social.friends.request(actor.user_id, body)


@routes.command(
    "PUT /api/friends/{friendshipId}/accept",
    event="friends:accept",
    needs="social:write",
    limits=_CHANGES,
    errors=(NoFriendship, NotAsked, NotPending, TooManyFriends),
)
async def accept(social: Social, actor: Actor, body: OneFriendship) -> Friendship:
    """Accept a friend request. Accepting twice is accepting once."""
    return await social.friends.accept(actor.user_id, body.friendship_id)


@routes.command(
    "PUT /api/friends/{friendshipId}/decline",
    event="friends:decline",
    needs="social:write",
    limits=_CHANGES,
    errors=(NoFriendship, NotAsked, NotPending),
)
async def decline(social: Social, actor: Actor, body: OneFriendship) -> Friendship:
    """Turn a friend request down. The one who asked gets no notice of it."""
    return await social.friends.decline(actor.user_id, body.friendship_id)


@routes.command(
    "DELETE /api/friends/{friendshipId}",
    event="friends:remove",
    needs="social:write",
    limits=_CHANGES,
    errors=(NoFriendship, NotAsked, NotPending, Unavailable),
)
async def remove(social: Social, actor: Actor, body: OneFriendship) -> None:
    """End a friendship or withdraw a request. A request to oneself is turned down by this."""
    await social.friends.remove(actor.user_id, body.friendship_id)


@routes.command(
    "PUT /api/friends/{friendshipId}",
    event="friends:change",
    needs="social:write",
    limits=_CHANGES,
    errors=(NoFriendship, NotFriends, Unavailable),
)
async def change(social: Social, actor: Actor, body: FriendshipChange) -> Friendship:
    """Put a friend into a category, and set what the friend may do and see."""
    return await social.friends.change(actor.user_id, body)


@routes.command("GET /api/friends", event="friends:list", needs="social:read", limits=_READS)
async def friends(social: Social, actor: Actor, body: ListFriends) -> FriendPage:
    """List one's friends, requests, refusals or blocks, the newest first."""
    return await social.friends.listed(actor.user_id, body)


@routes.command(
    "GET /api/friends/suggestions",
    event="friends:suggestions",
    needs="social:read",
    limits=_READS,
)
async def suggestions(social: Social, actor: Actor, body: FriendSuggesting) -> FriendSuggestions:
    """Suggest people whom one may know, those with most friends in common first."""
    return await social.finder.suggest(actor, body)


@routes.command(
    "POST /api/users/{userId}/block",
    event="users:block",
    needs="social:write",
    status=201,
    limits=_CHANGES,
    errors=(Yourself, NoSuchPerson, TooManyBlocks, Unavailable),
)
async def block(social: Social, actor: Actor, body: NewBlock) -> UserBlock:
    """Block somebody: each of the two vanishes for the other. The other is not told.

    A friendship or a request between the two ends. Blocking twice returns the first block.
    """
    return await social.blocks.block(actor.user_id, body)


@routes.command(
    "DELETE /api/users/{userId}/block",
    event="users:unblock",
    needs="social:write",
    limits=_CHANGES,
    errors=(NotBlocked,),
)
async def unblock(social: Social, actor: Actor, body: OneUser) -> None:
    """Take a block down. A friendship that it ended does not come back."""
    await social.blocks.unblock(actor.user_id, body.user_id)


@routes.command("GET /api/blocks", event="blocks:list", needs="social:read", limits=_READS)
async def blocks(social: Social, actor: Actor, body: ListBlocks) -> BlockPage:
    """List whom one has blocked, the newest first."""
    return await social.blocks.listed(actor.user_id, body)
