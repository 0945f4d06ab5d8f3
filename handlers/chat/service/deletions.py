"""Deleting for oneself alone, and deleting many messages at once."""

from handlers.chat.body import Body, Unchanged, gone_for, seen_by
from handlers.chat.events import MessageHidden
from handlers.chat.models.deletions import Deletions as Outcome
from handlers.chat.models.deletions import Hidden, ManyMessages, NotDeleted
from handlers.chat.models.messages import OneMessage
from handlers.chat.models.values import message_id, split_message_id
from handlers.chat.service.access import Enter
from handlers.chat.service.attachments import Attachments
from handlers.chat.service.changes import Changes
from handlers.chat.service.desk import Desk, hidden_from, operation
from handlers.chat.service.errors import NotOnce
from handlers.chat.service.history import History
from handlers.chat.service.state import State
from handlers.chat.store.stars import unstarring
from handlers.media.models import Link
from server.actors import Actor
from server.errors import Forbidden, Gone, MixeeError, NotFound
from storage.log import Appended, Draft, Entry


class Deletions:
    """Deletes for one person, or many at once."""

    def __init__(
        self, *, access: Enter, desk: Desk, changes: Changes, history: History, attachments: Attachments
    ) -> None:
        self._access = access
        self._desk = desk
        self._changes = changes
        self._history = history
        self._attachments = attachments

    async def hide(self, actor: Actor, wanted: OneMessage) -> Hidden:
        """Delete a message for oneself, on all one's devices. Raises NotFound, also for one that is deleted already."""
        conversation_id, seq = split_message_id(wanted.message_id)
        access = await self._access(conversation_id, actor, guarded=True)

        def change(entry: Entry, _: int) -> Body:
            visible = entry.seq >= access.join_seq and actor.user_id not in hidden_from(entry)
            visible = visible and not (entry.over and entry.sender == actor.user_id)
            if entry.kind != "message" or not visible:
                raise NotFound("There is no such message.")
            if actor.user_id in entry.body.get("goneFor", ()):
                raise Unchanged
            return gone_for({name: value for name, value in entry.body.items() if name != "veil"}, actor.user_id)

        draft = Draft(
            conversation=conversation_id,
            kind="hide",
            sender=actor.user_id,
            device=actor.device_id,
            op=operation(wanted.operation_id),
            target=seq,
            change=change,
            effects=lambda _: [unstarring(conversation_id, seq, actor.user_id)],
            guard=self._desk.guard(access),
            known=access.state.seq,
        )

        async def tell(appended: Appended) -> tuple[Hidden, MessageHidden | None]:
            entry = appended.entry
            if entry.kind != "hide" or entry.target != seq:
                raise NotFound("There is no such message.")
            event = hidden_event(access.state, entry)
            return event.payload, event

        try:
            return await self._desk.submit(draft, tell)
        except Unchanged:
            raise NotFound("There is no such message.") from None

    async def view(self, actor: Actor, wanted: OneMessage) -> Link:
        """Look at what a message shows once: from then on it is deleted for the reader, on all his devices.

        Of several who try at once on his devices one sees it. Raises NotFound, Gone, Forbidden, NotOnce.
        """
        _, entry = await self._history.message(actor, wanted.message_id)
        body = seen_by(entry.body, actor.user_id)
        if "deletedAt" in body:
            raise Gone("The message was deleted.")
        if "once" not in body:
            raise NotOnce("This message can be looked at again and again.")
        if entry.sender == actor.user_id:
            raise Forbidden("It is for the others to look at.")
        await self.hide(actor, OneMessage(message_id=wanted.message_id))
        return await self._attachments.view_once(actor.user_id, entry)

    async def many(self, actor: Actor, wanted: ManyMessages) -> Outcome:
        """Delete each of these messages that may be deleted, and say why others were not."""
        deleted: list[str] = []
        refused: list[NotDeleted] = []
        for one in dict.fromkeys(wanted.message_ids):
            try:
                await self._delete(actor, one, for_everyone=wanted.for_everyone)
            except MixeeError as error:
                refused.append(NotDeleted(message_id=one, code=error.code, message=str(error)))
            else:
                deleted.append(one)
        return Outcome(deleted=deleted, refused=refused)

    async def _delete(self, actor: Actor, wanted: str, *, for_everyone: bool) -> None:
        one = OneMessage(message_id=wanted)
        if for_everyone:
            await (await self._changes.delete(actor, one))
        else:
            await self.hide(actor, one)


def hidden_event(state: State, entry: Entry) -> MessageHidden:
    """The event of an entry by which somebody deleted a message for himself: his devices hear it, nobody else."""
    target = entry.target or 0
    payload = Hidden(
        message_id=message_id(entry.conversation, target),
        conversation_id=entry.conversation,
        seq=entry.seq,
        target_seq=target,
    )
    own = [entry.sender] if entry.sender in state.members else []
    return MessageHidden(payload, to=state.told(entry.seq, own))
