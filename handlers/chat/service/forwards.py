"""Passing messages on: what one may see, to where one may write, and not without end."""

from handlers.chat.body import Body, seen_by
from handlers.chat.models.forwards import Forward, Forwarded, NotForwarded
from handlers.chat.models.messages import Message, NewMessage
from handlers.chat.service.errors import ForwardLimit
from handlers.chat.service.history import History
from handlers.chat.service.lives import disappears
from handlers.chat.service.messages import Messages
from handlers.chat.settings import ChatSettings
from server.actors import Actor
from server.errors import Forbidden, Gone, MixeeError

COPIED = ("type", "content", "location")
FORWARDED = frozenset({"text", "image", "video", "audio", "file", "location"})


class Forwards:
    """Forwards messages."""

    def __init__(self, history: History, messages: Messages, settings: ChatSettings) -> None:
        self._history = history
        self._messages = messages
        self._rules = settings

    async def forward(self, actor: Actor, wanted: Forward) -> Forwarded:
        """Say again elsewhere what was said. Raises NotFound, Gone, Forbidden, ForwardLimit."""
        access, entry = await self._history.message(actor, wanted.message_id)
        body = seen_by(entry.body, actor.user_id)
        if "deletedAt" in body:
            raise Gone("The message was deleted.")
        if disappears(entry):
            raise Forbidden("A message that disappears cannot be forwarded.")
        if body["type"] not in FORWARDED or access.state.record.is_encrypted:
            raise Forbidden("This message cannot be forwarded.")
        hops, targets = body.get("forwards", 0), list(dict.fromkeys(wanted.conversation_ids))
        most = 1 if hops >= self._rules.many_forwards else self._rules.max_forwards
        if len(targets) > most:
            raise ForwardLimit(f"This message can be forwarded to {most} conversations at once.")
        messages: list[Message] = []
        refused: list[NotForwarded] = []
        for target in targets:
            message = _copy(body, target, wanted.operation_id)
            try:
                messages.append(await (await self._messages.send(actor, message, forwards=hops + 1)))
            except MixeeError as error:
                refused.append(NotForwarded(conversation_id=target, code=error.code, message=str(error)))
        return Forwarded(messages=messages, refused=refused)


def _copy(body: Body, conversation_id: str, operation_id: str | None) -> NewMessage:
    """The same content for another conversation, without mentions and what it answered."""
    content = {name: body[name] for name in COPIED if name in body}
    if "album" in body:
        content["album"] = [_again(one) for one in body["album"]]
    elif "media" in body:
        content["media"] = _again(body["media"])
    return NewMessage.model_validate({**content, "conversation_id": conversation_id, "client_message_id": operation_id})


def _again(media: Body) -> Body:
    """An attachment as it is sent: what is known of an upload is read anew."""
    return {name: media[name] for name in ("type", "media_id")} if "media_id" in media else media
