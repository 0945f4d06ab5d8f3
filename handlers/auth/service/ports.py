"""What this slice asks of slices that are built after it."""

from collections.abc import Sequence
from typing import Protocol

from handlers.auth.models import FactorKind


class SecondFactors(Protocol):
    """What an account asks for besides its password."""

    async def kinds(self, user_id: str) -> Sequence[FactorKind]:
        """The kinds of proof that the account takes as a second factor; none when a password is enough."""
        ...
