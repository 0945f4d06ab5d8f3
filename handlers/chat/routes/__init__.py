"""What a client may do in the chat, each through both doors."""

from handlers.chat.routes import conversations, links, messages, reading, roles
from handlers.chat.routes.base import routes

__all__ = ["conversations", "links", "messages", "reading", "roles", "routes"]
