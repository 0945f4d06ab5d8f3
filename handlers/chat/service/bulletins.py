"""Telling a conversation's members that the conversation changed."""

from handlers.chat.events import ConversationRemoved, ConversationUpdated
from handlers.chat.models.conversations import ChangedForAll, Departure
from handlers.chat.service.state import State, States
from handlers.chat.service.wire import change_of, conversation_fields
from server.events import Publisher, Users
from storage.log import Appended, Entry

COMING_AND_GOING = {"created", "added", "joined", "removed", "left"}
"""What an entry of members says when it changes who is in the conversation."""


class Bulletins:
    """Tells entries of members and settings: to those who are members now, and to those who are no longer."""

    def __init__(self, states: States, publish: Publisher) -> None:
        self._states = states
        self._publish = publish

    async def tell(self, appended: Appended) -> tuple[None, ConversationUpdated | None]:
        """What the desk tells of such an entry."""
        entry = appended.entry
        gone = entry.body.get("users", []) if entry.body.get("action") in {"removed", "left"} else []
        if gone:
            departure = Departure(
                conversation_id=entry.conversation, seq=entry.seq, by=entry.sender, action=entry.body["action"]
            )
            await self._publish(ConversationRemoved(departure, to=Users(gone)))
        state = await self._states.current(entry.conversation)
        return None, None if state is None else bulletin(state, entry)


def bulletin(state: State, entry: Entry) -> ConversationUpdated:
    """The event of an entry of members or settings."""
    fields = conversation_fields(state) | {"seq": entry.seq}
    payload = ChangedForAll(**fields, change=change_of(entry))
    spread = entry.kind == "member" and entry.body.get("action") in COMING_AND_GOING
    return ConversationUpdated(payload, to=state.told(entry.seq, state.audience(entry.seq), spread=spread))
