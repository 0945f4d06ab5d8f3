"""What a client may do in the chat, each through both doors."""

from handlers.chat.routes import conversations, fates, forwards, links, messages, pins, reading, roles, scheduled
from handlers.chat.routes.base import routes

__all__ = [
    "conversations",
    "fates",
    "forwards",
    "links",
    "messages",
    "pins",
    "reading",
    "roles",
    "routes",
    "scheduled",
]
