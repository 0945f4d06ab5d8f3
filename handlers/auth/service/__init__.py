"""The rules of signing in: accounts and passwords, sessions and tokens, proofs, and what ended."""

from handlers.auth.service.auth import Auth
from handlers.auth.service.errors import ERRORS
from handlers.auth.service.keys import Keys
from handlers.auth.service.pool import PasswordPool
from handlers.auth.service.post import Post
from handlers.auth.service.proofs import Proofs
from handlers.auth.service.revocations import Revocations
from handlers.auth.service.sessions import SessionBook

__all__ = ["ERRORS", "Auth", "Keys", "PasswordPool", "Post", "Proofs", "Revocations", "SessionBook"]
