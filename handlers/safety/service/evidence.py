"""Copies of what was said, taken at the moment of a report."""

from datetime import timedelta

from handlers.chat.models.messages import Message
from handlers.chat.models.reading import Page
from handlers.chat.models.values import message_id, split_message_id
from handlers.chat.service import Chat
from handlers.safety.models import Evidence, EvidenceMessage
from handlers.safety.settings import SafetySettings
from server.actors import Actor
from server.clock import Clock


class Witness:
    """Takes evidence by the eyes of the reporter: nobody can report what he cannot see."""

    def __init__(self, chat: Chat, *, clock: Clock, settings: SafetySettings) -> None:
        self._chat = chat
        self._clock = clock
        self._around = settings.evidence_around
        self._kept = timedelta(days=settings.evidence_days)

    async def of_message(self, actor: Actor, case_id: str, reported: str) -> tuple[str, Evidence]:
        """Who said a message, and evidence: the message and those around it, as many before as after if there are."""
        conversation_id, seq = split_message_id(reported)
        _, entry = await self._chat.history.message(actor, reported)
        older = await self._page(actor, conversation_id, before=message_id(conversation_id, seq + 1), more=1)
        newer = (await self._page(actor, conversation_id, after=reported))[::-1] if self._around else []
        after = min(len(newer), max(self._around // 2, self._around - (len(older) - 1)))
        before = self._around - after + 1
        return entry.sender, self._evidence(case_id, [*older[:before][::-1], *newer[:after]])

    async def of_conversation(self, actor: Actor, case_id: str, conversation_id: str) -> tuple[str | None, Evidence]:
        """The other one of a direct conversation (None in a group), and the last messages as evidence."""
        access = await self._chat.access(conversation_id, actor)
        latest = await self._page(actor, conversation_id, more=1)
        return access.state.peer(actor.user_id), self._evidence(case_id, latest[::-1])

    async def _page(
        self, actor: Actor, conversation_id: str, *, before: str | None = None, after: str | None = None, more: int = 0
    ) -> list[Message]:
        wanted = Page(conversation_id=conversation_id, before=before, after=after, limit=self._around + more)
        return (await self._chat.history.page(actor, wanted)).messages

    def _evidence(self, case_id: str, messages: list[Message]) -> Evidence:
        return Evidence(
            case_id=case_id, messages=[_copy(one) for one in messages], expires_at=self._clock.now() + self._kept
        )


def _copy(message: Message) -> EvidenceMessage:
    kept = {name: getattr(message, name) for name in EvidenceMessage.model_fields}
    return EvidenceMessage(**kept)
