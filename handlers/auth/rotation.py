"""What a refresh token that comes in means for its session."""

from datetime import datetime, timedelta
from typing import Literal

from crypto.tokens import RefreshToken, digest
from handlers.auth.models import Session

Verdict = Literal["next", "again", "replayed", "unknown"]

MAX_TWINS = 5
"""Tokens of one generation: how often an answer may get lost within the grace."""


def judge(session: Session, token: RefreshToken, now: datetime, *, grace: timedelta, same_device: bool) -> Verdict:
    """What to do with a token that this server made for this session.

    `next`: it is of the running generation; go on. `again`: it is of the one before, its answer may have got lost on
    the way; give the same device a twin of the running one. `replayed`: it was used before, and whoever has it now may
    be a thief. `unknown`: it never was one of this session's.
    """
    presented = digest(token.secret)
    if token.generation == session.generation:
        return "next" if presented in session.digests else "unknown"
    if token.generation > session.generation:
        return "unknown"
    lost = token.generation == session.generation - 1 and presented in session.previous
    if lost and same_device and now - session.rotated_at <= grace:
        return "again"
    return "replayed"
