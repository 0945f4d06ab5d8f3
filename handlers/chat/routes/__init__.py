"""What a client may do in the chat, each through both doors."""

from handlers.chat.routes import (
    conversations,
    drafts,
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
    stars,
    threads,
)
from handlers.chat.routes.base import routes

__all__ = [
    "conversations",
    "drafts",
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
    "stars",
    "threads",
]
