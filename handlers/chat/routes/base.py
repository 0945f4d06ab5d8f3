"""What the chat's commands have in common."""

from handlers.chat.service import RequestPending
from server.errors import Conflict, Forbidden, Gone, NotFound, Overloaded, Unavailable
from server.routes import Limit, Routes

routes = Routes("chat")

STARTING = (Limit(30, 20.0),)
INVITING = (Limit(10, 1 / 0.3),)
SETTING = (Limit(20, 1.0),)
SAYING = (Limit(20, 1.0), Limit(10, 2.0, field="conversationId"), Limit(5, 5.0, young_hours=24))
"""Messaging rules §5: 20 at once, in one conversation 10, on the first day of an account 5."""
JOINING = (Limit(10, 10.0),)
CHANGING = (Limit(10, 1.0),)
MARKING = (Limit(20, 1 / 3),)
TYPING = (Limit(30, 0.5),)
READING = (Limit(60, 0.1),)
SEARCHING = (Limit(10, 1.0),)

SYNCING = (Limit(30, 0.2),)
CHECKING = (Limit(10, 5.0),)

READS = (NotFound, Unavailable)
WRITES = (NotFound, Forbidden, RequestPending, Overloaded, Unavailable)
CHANGES = (*WRITES, Gone, Conflict)
