"""Recovery codes as they are made and read: 20 letters and digits, too long to be guessed by who has the digests."""

import secrets

HOW_MANY = 10
LENGTH = 20
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike; a code has 99 bits."""


def fresh() -> list[str]:
    """Ten new codes, as they are shown."""
    codes = ("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH)) for _ in range(HOW_MANY))
    return ["-".join(code[start : start + 5] for start in range(0, LENGTH, 5)) for code in codes]


def plain(code: str) -> str:
    """A code however it was typed: without dashes and spaces, in small letters."""
    return "".join(char for char in code.casefold() if char.isalnum())
