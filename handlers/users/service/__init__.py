"""The rules of accounts: their life, who sees what of them, finding and suggesting people, and reports."""

from handlers.users.service.accounts import Users
from handlers.users.service.discovery import Discovery
from handlers.users.service.errors import ERRORS, BadCursor, BadField, NoSuchUser, NotYourself
from handlers.users.service.ports import Relations, Sessions, Transact
from handlers.users.service.reports import Reports
from handlers.users.store import Taken

__all__ = [
    "ERRORS",
    "BadCursor",
    "BadField",
    "Discovery",
    "NoSuchUser",
    "NotYourself",
    "Relations",
    "Reports",
    "Sessions",
    "Taken",
    "Transact",
    "Users",
]
