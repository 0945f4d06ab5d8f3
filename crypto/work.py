"""Proof of work: an answer that costs its finder some hashing, and its reader one hash (as hashcash does it)."""

import hashlib

MAX_ANSWER = 32


def is_solved(challenge: str, answer: str, bits: int) -> bool:
    """Whether SHA-256 of `challenge:answer` begins with so many zero bits."""
    digest = hashlib.sha256(f"{challenge}:{answer}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def solve(challenge: str, bits: int) -> str:
    """The smallest number that is an answer, after some 2 to the power of `bits` hashes. For clients and tests."""
    begun = hashlib.sha256(f"{challenge}:".encode())
    number, least = 0, 256 - bits
    while True:
        trial = begun.copy()
        trial.update(b"%d" % number)
        if int.from_bytes(trial.digest(), "big") >> least == 0:
            return str(number)
        number += 1
