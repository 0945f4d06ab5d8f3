"""Where random values come from: the system, or in a test a recorded list."""

import secrets
from collections.abc import Callable
from typing import Literal

Kind = Literal["x25519", "mlkem1024_seed", "mlkem768_seed", "encaps_m", "signature", "chain_id", "sender_key"]
"""What a random value is for, so that a replay can tell a value drawn out of turn."""

Draw = Callable[[Kind, int], bytes]
"""Gives that many random bytes."""


def system(kind: Kind, size: int) -> bytes:
    """Bytes of the system's generator."""
    del kind
    return secrets.token_bytes(size)
