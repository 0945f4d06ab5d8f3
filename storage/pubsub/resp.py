"""Redis's protocol by hand: commands as bytes, and what its errors mean."""

from collections.abc import Sequence

PING = b"*1\r\n$4\r\nPING\r\n"


def command(*words: bytes) -> bytes:
    """A command with its arguments."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def head_of_publication(channel: bytes) -> bytes:
    """SPUBLISH up to the channel; `tail_of_publication` follows."""
    return b"*3\r\n$8\r\nSPUBLISH\r\n$%d\r\n%b\r\n" % (len(channel), channel)


def tail_of_publication(payload: bytes) -> bytes:
    """The rest of SPUBLISH: the same for every channel."""
    return b"$%d\r\n%b\r\n" % (len(payload), payload)


def subscriptions(channels: Sequence[bytes]) -> bytes:
    """SSUBSCRIBE to channels of one slot."""
    return command(b"SSUBSCRIBE", *channels)


def cancellations(channels: Sequence[bytes]) -> bytes:
    """SUNSUBSCRIBE from channels of one slot."""
    return command(b"SUNSUBSCRIBE", *channels)


def has_moved(error: Exception) -> bool:
    """Whether the error says that another server of the cluster has the slot."""
    return str(error).startswith("MOVED ")


def may_pass(error: Exception) -> bool:
    """Whether the error is one of a cluster or server that is just changing."""
    return str(error).startswith(
        ("MOVED ", "ASK ", "CLUSTERDOWN ", "MASTERDOWN ", "TRYAGAIN ", "LOADING ", "READONLY ")
    )
