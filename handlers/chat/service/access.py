"""The only way into a conversation: nothing of it is read or written without an `Access`."""

from dataclasses import dataclass
from typing import Protocol

from handlers.chat.models.records import MemberRecord
from handlers.chat.service.state import State, States
from server.actors import Actor
from server.errors import Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class Access:
    """A member's way into a conversation."""

    state: State
    user_id: str

    @property
    def conversation_id(self) -> str:
        """Which conversation."""
        return self.state.id

    @property
    def member(self) -> MemberRecord:
        """The one who has it. What is personal in it may be old, see `State.members`."""
        return self.state.members[self.user_id]

    @property
    def join_seq(self) -> int:
        """The first entry that may be seen."""
        return self.member.sees_from

    def must_manage(self) -> None:
        """Raises Forbidden unless the member is an admin of a group."""
        if not self.state.manages(self.user_id):
            raise Forbidden("Only the group's admins can do this.")


class Enter(Protocol):
    """The access function."""

    async def __call__(self, conversation_id: str, actor: Actor, *, guarded: bool = False) -> Access:
        """A member's way in, or NotFound for everybody else; see `Gate.access`."""
        ...


class Gate:
    """Lets members in, and nobody else."""

    def __init__(self, states: States) -> None:
        self._states = states

    async def access(self, conversation_id: str, actor: Actor, *, guarded: bool = False) -> Access:
        """A member's way into a conversation; strangers and ex-members hear that there is no such conversation.

        It is as of now in the database. With `guarded` it may be as old as what this process remembers, if that knows
        the member: only for appending to the log by a draft with a guard, which finds out, and where nothing is told.
        """
        state = await self._states.remembered(conversation_id) if guarded else None
        if state is None or actor.user_id not in state.members:
            state = await self._states.current(conversation_id)
        if state is None or actor.user_id not in state.members:
            raise NotFound("There is no such conversation.")
        return Access(state, actor.user_id)
