"""Who asks: the person behind a request, and how the request came in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

Role = Literal["user", "moderator", "admin"]
Door = Literal["http", "socket"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody whose access token was checked."""

    user_id: str
    role: Role
    scope: frozenset[str]
    session_id: str
    device_id: str
    expires_at: datetime

    def may(self, permission: str) -> bool:
        """Whether the token carries the permission."""
        return permission in self.scope


@dataclass(frozen=True, slots=True)
class Caller:
    """How a request came in: for limits by address, and for what a session list shows."""

    door: Door
    address: str
    user_agent: str = field(default="")


class Authenticator(Protocol):
    """Turns an access token into an actor; one core slice provides it."""

    async def actor(self, token: str) -> Actor:
        """The actor of a valid token. Raises Unauthenticated."""
        ...

    async def is_fresh(self, actor: Actor, within: timedelta) -> bool:
        """Whether somebody proved in this session, so short a time ago, that it is really him."""
        ...
