"""Signatures of addresses that open something for a while: HMAC-SHA-256 over their parts."""

import base64
import hashlib
import hmac


def sign(key: bytes, *parts: str) -> str:
    """The signature of these parts, in this order; 43 characters that fit into an address."""
    # Each part's length goes first: else "ab", "c" and "a", "bc" would have one signature.
    message = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
    return base64.urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).rstrip(b"=").decode()


def fits(key: bytes, signature: str, *parts: str) -> bool:
    """Whether it is the signature of these parts; it takes as long for every wrong one."""
    return hmac.compare_digest(sign(key, *parts).encode(), signature.encode())
