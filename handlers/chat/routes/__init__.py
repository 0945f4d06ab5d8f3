"""What a client may do in the chat, each through both doors."""

from handlers.chat.routes import (
    conversations,
    fates,
    folders,
    forwards,
    links,
    messages,
    pins,
    reading,
    requests,
    roles,
    scheduled,
)
from handlers.chat.routes.base import routes

__all__ = [
    "conversations",
    "fates",
    "folders",
    "forwards",
    "links",
    "messages",
    "pins",
    "reading",
    "requests",
    "roles",
    "routes",
    "scheduled",
]
