"""What clients may do with accounts."""

from datetime import timedelta

from handlers.users.interests import INTERESTS
from handlers.users.models import (
    AvatarChange,
    CoverChange,
    Found,
    Interests,
    Me,
    NewReport,
    OneUser,
    Profile,
    ProfileChange,
    Report,
    Search,
    Suggesting,
    Suggestions,
)
from handlers.users.privacy import OwnPrivacy, PrivacyChange
from handlers.users.service import BadCursor, BadField, NoSuchUser, NotYourself, Users
from server.actors import Actor
from server.routes import Limit, Routes

routes = Routes("users")

_FRESH = timedelta(minutes=10)
"""How long a proof is good enough for what cannot be undone by whoever holds a stolen token."""
_CHANGES = (Limit(20, 3),)
_LOOKUPS = (Limit(100, 9),)
_SEARCHES = (Limit(30, 1), Limit(100, 900, when="q"))
"""Messaging rules §5, username look-up: 100 names at once, then one more every 15 minutes."""
_SUGGESTIONS = (Limit(30, 1),)


@routes.command("GET /api/users/me", event="users:me", needs="user:read", errors=(NoSuchUser,))
async def me(users: Users, actor: Actor) -> Me:
    """Read one's own account, with everything that nobody else may see."""
    return await users.me(actor)


@routes.command(
    "PUT /api/users/me", event="users:update", needs="user:update", limits=_CHANGES, errors=(NoSuchUser, BadField)
)
async def update(users: Users, actor: Actor, body: ProfileChange) -> Me:
    """Change one's own profile.

    A field that is left out stays as it is; null clears it where that is possible.
    """
    return await users.change(actor, body)


@routes.command("DELETE /api/users/me", needs="user:delete", unit=True, fresh=_FRESH, errors=(NoSuchUser,))
async def delete(users: Users, actor: Actor) -> None:
    """Delete one's own account.

    It is hidden from everybody and signed out everywhere at once, and erased for good after 30 days. Signing in before
    that brings it back.
    """
    await users.leave(actor)


@routes.command(
    "PUT /api/users/me/avatar", event="users:set-avatar", needs="user:update", limits=_CHANGES, errors=(NoSuchUser,)
)
async def set_avatar(users: Users, actor: Actor, body: AvatarChange) -> Me:
    """Set one's picture: an https address, or null for none."""
    return await users.set_fields(actor, {"avatar": body.avatar})


@routes.command(
    "PUT /api/users/me/cover", event="users:set-cover", needs="user:update", limits=_CHANGES, errors=(NoSuchUser,)
)
async def set_cover(users: Users, actor: Actor, body: CoverChange) -> Me:
    """Set the picture at the head of one's profile: an https address, or null for none."""
    return await users.set_fields(actor, {"cover_image": body.cover_image})


@routes.command("GET /api/users/me/privacy", event="users:privacy", needs="user:read", errors=(NoSuchUser,))
async def privacy(users: Users, actor: Actor) -> OwnPrivacy:
    """Read one's own privacy settings."""
    return await users.privacy(actor)


@routes.command(
    "PUT /api/users/me/privacy", event="users:set-privacy", needs="user:update", limits=_CHANGES, errors=(NoSuchUser,)
)
async def set_privacy(users: Users, actor: Actor, body: PrivacyChange) -> OwnPrivacy:
    """Change one's own privacy settings; a field that is left out stays as it is."""
    return await users.change_privacy(actor, body)


@routes.command("GET /api/users/search", event="users:search", needs="user:read", limits=_SEARCHES, errors=(BadCursor,))
async def search(users: Users, actor: Actor, body: Search) -> Found:
    """Find people by the beginnings of their names, by distance from a place, or both.

    Only people who let themselves be found. Distances come in coarse steps.
    """
    return await users.discovery.search(actor, body)


@routes.command(
    "GET /api/users/suggested", event="users:suggested", needs="user:read", limits=_SUGGESTIONS, errors=(NoSuchUser,)
)
async def suggested(users: Users, actor: Actor, body: Suggesting) -> Suggestions:
    """Suggest people: friends of friends, creators, or people nearby."""
    return await users.discovery.suggest(actor, body)


@routes.command("GET /api/users/{userId}", event="users:get", needs="user:read", limits=_LOOKUPS, errors=(NoSuchUser,))
async def get(users: Users, actor: Actor, body: OneUser) -> Profile:
    """Read what one may see of somebody."""
    return await users.profile(actor, body.user_id)


@routes.command(
    "POST /api/users/{userId}/report",
    event="users:report",
    needs="user:read",
    status=201,
    limits=(Limit(20, 4320, pool="reports"),),
    errors=(NoSuchUser, NotYourself),
)
async def report(users: Users, actor: Actor, body: NewReport) -> Report:
    """Tell the moderators that something is wrong with somebody.

    One report for each person counts; reporting again returns the first.
    """
    return await users.reports.report(actor, body)


@routes.command("GET /api/interests", event="users:interests", public=True)
async def interests(users: Users) -> Interests:  # noqa: ARG001 - every command gets its slice's service
    """List the interests that people can choose from."""
    return Interests(interests=INTERESTS)
