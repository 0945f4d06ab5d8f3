"""The texts that a message had before it was edited, for its sender and the group's admins."""

from handlers.chat.body import seen_by
from handlers.chat.models.deletions import Edition
from handlers.chat.models.deletions import Editions as Texts
from handlers.chat.service.history import History
from handlers.chat.store.editions import EditionStore
from server.actors import Actor
from server.errors import Forbidden, Gone
from storage.log import Entry


class Editions:
    """Hands out the history of edits."""

    def __init__(self, history: History, store: EditionStore) -> None:
        self._history = history
        self._store = store

    async def of(self, actor: Actor, wanted: str) -> Texts:
        """All texts of a message. Raises NotFound, Forbidden, Gone (a deleted message has no history)."""
        access, entry = await self._history.message(actor, wanted)
        moderates = access.state.manages(actor.user_id) or actor.role in {"moderator", "admin"}
        if entry.sender != actor.user_id and not moderates:
            raise Forbidden("Only the sender and the group's admins see how a message was edited.")
        body = seen_by(entry.body, actor.user_id)
        if "deletedAt" in body:
            raise Gone("The message was deleted.")
        original: str = body["original"] if "original" in body else body["content"]
        first = Edition(content=original, at=entry.at)
        edits = [
            _edition(one, actor.user_id)
            for one in await self._store.of(entry.conversation, entry.seq)
            if one.body.get("veil") in {None, actor.user_id}
        ]
        return Texts(message_id=wanted, editions=[first, *edits])


def _edition(edit: Entry, viewer: str) -> Edition:
    body = seen_by(edit.body, viewer)
    return Edition(content=body["content"], at=body["editedAt"])
