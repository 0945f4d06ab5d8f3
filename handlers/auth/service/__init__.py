"""The rules of signing in: accounts and passwords, sessions and tokens, proofs, and what ended."""

from handlers.auth.service.auth import Auth
from handlers.auth.service.challenges import Challenges
from handlers.auth.service.errors import ERRORS
from handlers.auth.service.guard import Guard
from handlers.auth.service.keys import Keys
from handlers.auth.service.pool import PasswordPool
from handlers.auth.service.ports import SecondFactors
from handlers.auth.service.post import Post
from handlers.auth.service.proofs import Proofs
from handlers.auth.service.revocations import Revocations
from handlers.auth.service.sessions import SessionBook
from handlers.auth.service.tickets import Tickets

__all__ = [
    "ERRORS",
    "Auth",
    "Challenges",
    "Guard",
    "Keys",
    "PasswordPool",
    "Post",
    "Proofs",
    "Revocations",
    "SecondFactors",
    "SessionBook",
    "Tickets",
]
