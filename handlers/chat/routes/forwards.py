"""Passing messages on."""

from handlers.chat.models.forwards import Forward, Forwarded
from handlers.chat.routes.base import CHANGES, routes
from handlers.chat.service import Chat, ForwardLimit
from server.actors import Actor
from server.routes import Limit

FORWARDING = (Limit(10, 2.0),)


@routes.command(
    "POST /api/messages/{messageId}/forward",
    event="message:forward",
    needs="chat:write",
    status=200,
    limits=FORWARDING,
    errors=(*CHANGES, ForwardLimit),
)
async def forward(chat: Chat, actor: Actor, body: Forward) -> Forwarded:
    """Forward a message to up to 5 of your conversations, or to one when it has been forwarded 5 times already.

    Messages that disappear, polls and what is encrypted stay where they are. The copy tells how often it was forwarded
    (`forwards`), not from where. The answer names the conversations that it did not get to.
    """
    return await chat.forwards.forward(actor, body)
