"""Messages that are sent later: each once, by whichever process holds the job, or by several that do not know of it.

A message is claimed before it is sent, so that nobody changes it any more, and goes into the log as the operation
`sched:<id>`: when a process dies between the sending and its note, the next one sends it again and finds it there.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from crypto.ids import new_id
from handlers.chat.events import ScheduledChanged
from handlers.chat.models.messages import NewMessage
from handlers.chat.models.scheduled import (
    ChangedScheduled,
    NewScheduled,
    OneScheduled,
    ScheduledMessage,
    ScheduledMessages,
    ScheduledNews,
)
from handlers.chat.service.access import Enter
from handlers.chat.service.attachments import Attachments
from handlers.chat.service.checks import check_content, check_new, must_be_open, refuse
from handlers.chat.service.errors import AlreadySent, ScheduleLimit
from handlers.chat.service.messages import Messages
from handlers.chat.settings import ChatSettings
from handlers.chat.store.scheduled import ScheduledRecord, ScheduledStore
from server.actors import Actor
from server.clock import Clock
from server.errors import MixeeError, NotFound, Unavailable
from server.events import Publisher, Users

log = logging.getLogger("mixee.chat")

AT_ONCE = 200
"""Messages that one round sends."""
DEVICE = "scheduled"
"""The device that all scheduled messages come from: an operation is known by conversation, sender, device and id."""


class Scheduled:
    """Keeps messages until their time, and sends them."""

    def __init__(
        self,
        messages: Messages,
        *,
        attachments: Attachments,
        access: Enter,
        store: ScheduledStore,
        publish: Publisher,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._messages = messages
        self._attachments = attachments
        self._access = access
        self._store = store
        self._publish = publish
        self._clock = clock
        self._rules = settings

    async def add(self, actor: Actor, wanted: NewScheduled) -> ScheduledMessage:
        """Keep a message for later. Raises NotFound, Invalid, ScheduleLimit, NoMedia, NotReady, WrongKind."""
        access = await self._access(wanted.conversation_id, actor)
        must_be_open(access.state.record)
        check_new(wanted)
        await self._messages.check_mentions(actor, access, wanted)
        if wanted.client_message_id is not None:
            refuse("clientMessageId", "is chosen by the server for a message that is sent later")
        now = self._clock.now()
        self._check_time(wanted.send_at, now)
        message = NewMessage.model_validate(wanted.model_dump(exclude={"send_at"}))
        await self._attachments.of(actor, message)
        record = ScheduledRecord(new_id(), actor.user_id, message, wanted.send_at, now)
        if not await self._store.add(record, most=self._rules.max_scheduled):
            most = self._rules.max_scheduled
            raise ScheduleLimit(f"Up to {most} messages can wait in a conversation: cancel one first.")
        return await self._told(record, "scheduled")

    async def of(self, actor: Actor, conversation_id: str) -> ScheduledMessages:
        """What somebody has waiting in a conversation. Raises NotFound."""
        await self._access(conversation_id, actor)
        found = await self._store.of(actor.user_id, conversation_id, self._rules.max_scheduled)
        return ScheduledMessages(scheduled=[_shown(one) for one in found])

    async def change(self, actor: Actor, wanted: ChangedScheduled) -> ScheduledMessage:
        """Another text or time. Raises NotFound, Invalid, AlreadySent."""
        record = await self._mine(actor, wanted)
        if wanted.send_at is not None:
            self._check_time(wanted.send_at, self._clock.now())
        if wanted.content is not None:
            check_content(record.message.type, wanted.content)
        content = record.message.content if wanted.content is None else wanted.content
        changed = await self._store.change(record.id, content, wanted.send_at or record.due_at)
        if changed is None:
            raise AlreadySent("This message is being sent.")
        return await self._told(changed, "changed")

    async def cancel(self, actor: Actor, wanted: OneScheduled) -> None:
        """Do not send it. Raises NotFound, AlreadySent."""
        record = await self._mine(actor, wanted)
        if not await self._store.cancel(record.id):
            raise AlreadySent("This message is being sent.")
        await self._told(record, "cancelled")

    async def send_due(self) -> None:
        """Send everything whose time has come. What cannot be sent now, because of the server, is sent later."""
        for one in await self._store.due(self._clock.now(), AT_ONCE):
            record = await self._store.claim(one, self._clock.now())
            if record is not None:
                await self._send(record)

    async def forget(self, user_id: str) -> None:
        """Drop everything of a person who is gone."""
        await self._store.forget(user_id)

    async def _send(self, record: ScheduledRecord) -> None:
        now = self._clock.now()
        sender = Actor(record.user_id, "user", frozenset(), session_id="", device_id=DEVICE, expires_at=now)
        try:
            sent = await (await self._messages.send(sender, record.message, op=f"sched:{record.id}"))
        except Unavailable as error:
            log.warning("a scheduled message waits longer: %s", error)
        except MixeeError as error:
            # Who is no longer a member could not find it in a list any more.
            ended = self._store.done(record.id) if isinstance(error, NotFound) else None
            if await (ended or self._store.failed(record.id, error.code)):
                await self._told(replace(record, state="failed", error=error.code), "failed")
        else:
            if await self._store.done(record.id):
                await self._told(record, "sent", message_id=sent.id)

    async def _mine(self, actor: Actor, wanted: OneScheduled) -> ScheduledRecord:
        await self._access(wanted.conversation_id, actor)
        record = await self._store.get(wanted.scheduled_id, actor.user_id, wanted.conversation_id)
        if record is None:
            raise NotFound("No such message waits here.")
        return record

    def _check_time(self, at: datetime, now: datetime) -> None:
        if at <= now:
            refuse("sendAt", "must be in the future")
        if at > now + timedelta(days=self._rules.max_schedule_days):
            refuse("sendAt", f"must be within {self._rules.max_schedule_days} days")

    async def _told(
        self,
        record: ScheduledRecord,
        action: Literal["scheduled", "changed", "cancelled", "sent", "failed"],
        message_id: str | None = None,
    ) -> ScheduledMessage:
        shown = _shown(record)
        news = ScheduledNews(
            conversation_id=shown.conversation_id, action=action, scheduled=shown, message_id=message_id
        )
        await self._publish(ScheduledChanged(news, to=Users([record.user_id])))
        return shown


def _shown(record: ScheduledRecord) -> ScheduledMessage:
    message = record.message
    return ScheduledMessage(
        id=record.id,
        conversation_id=message.conversation_id,
        send_at=record.due_at,
        created_at=record.created_at,
        state=record.state,
        error=record.error,
        type=message.type,
        content=message.content,
        media=message.media,
        album=message.album,
        location=message.location,
        poll=message.poll,
        reply_to_message_id=message.reply_to_message_id,
        thread_root_id=message.thread_root_id,
        show_in_conversation=message.show_in_conversation,
        mentioned_user_ids=message.mentioned_user_ids,
        view_once=message.view_once,
        expires_in=message.expires_in,
    )
