"""Saying what the server cannot read: who may, and when. What is said comes from devices, encrypted for devices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handlers.chat.body import Body
from handlers.chat.models.messages import Message
from handlers.chat.models.rights import Right
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.errors import EpochPassed, NotEncrypted
from handlers.chat.service.messages import Messages
from handlers.chat.service.people import People
from handlers.chat.service.requests import Requests
from handlers.chat.service.rights import Floor
from handlers.chat.service.state import State
from server.actors import Actor
from server.routes import Pending

_NEEDS: tuple[Right, ...] = ("send",)


@dataclass(frozen=True, slots=True)
class Way:
    """A member's way to say something encrypted; `unheard` are members who must not get it, which he does not learn."""

    access: Access
    unheard: Sequence[str]

    @property
    def members(self) -> Sequence[str]:
        """Everybody in the conversation."""
        return self.access.state.everybody

    @property
    def direct(self) -> bool:
        """Whether it is between two people."""
        return self.access.state.record.type == "direct"


class Sealed:
    """The rules of conversations that are encrypted from device to device."""

    def __init__(
        self,
        messages: Messages,
        *,
        access: Enter,
        floor: Floor,
        requests: Requests,
        people: People,
        used: Callable[[Actor], None],
    ) -> None:
        self._messages = messages
        self._access = access
        self._floor = floor
        self._requests = requests
        self._people = people
        self._used = used

    async def enter(self, actor: Actor, conversation_id: str, *, epoch: int | None = None) -> Way:
        """The way of somebody who wants to say something, as of now; `epoch`: the last change of members he knows of.

        Raises NotFound, NotEncrypted, EpochPassed, Restricted, RequestPending and Forbidden (he blocks the other).
        """
        access = await self._access(conversation_id, actor)
        if not access.state.record.is_encrypted:
            raise NotEncrypted("This conversation is not encrypted: send messages as they are.")
        access = await self._requests.enter(actor, access)
        access = await self._floor.enter(actor, access, _NEEDS)
        _must_be(access.state, epoch)
        self._used(actor)
        peer = access.state.peer(actor.user_id)
        unheard = [peer] if peer is not None and await self._people.open_block(actor.user_id, peer) else []
        return Way(access, unheard)

    async def say(
        self, actor: Actor, way: Way, sealed: Body, *, op: str, expires_in: int | None, epoch: int | None = None
    ) -> Pending[Message]:
        """Append a message of which the server knows who said it and when. What is pending is the message.

        Raises EpochPassed when the members have just changed, Restricted, SlowDown, Overloaded, Unavailable.
        """

        async def also(state: State) -> None:
            _must_be(state, epoch)

        guard = await self._floor.take(actor, way.access, _NEEDS, op=op, also=also)
        body: Body = {"type": "encrypted", "content": "", "sealed": sealed}
        if way.unheard:
            body["hiddenFrom"] = list(way.unheard)
        return self._messages.submit(actor, way.access.state, body, expires_in=expires_in, guard=guard, op=op)


def _must_be(state: State, epoch: int | None) -> None:
    if epoch is not None and epoch != state.seq:
        raise EpochPassed(
            "The group has changed: look who is in it, and begin a new distribution if somebody has left.",
            data={"membershipEpoch": state.seq},
        )
