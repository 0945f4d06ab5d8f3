"""Which server holds which partition, as a Redis Cluster says; a single Redis holds them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.pubsub.link import Link, Refused
from storage.pubsub.partitions import PARTITIONS, SLOT_OF_PARTITION
from storage.pubsub.place import Address, Place


@dataclass(frozen=True, slots=True)
class Topology:
    """The server of each partition; None for one that nobody serves right now."""

    servers: Sequence[Address | None]
    cluster: bool

    @classmethod
    def single(cls, address: Address) -> "Topology":
        """One Redis for everything."""
        return cls([address] * PARTITIONS, cluster=False)


async def read_topology(place: Place, candidates: Sequence[Address]) -> Topology:
    """Ask the first of these servers that answers. Raises the last OSError when none does."""
    trouble: OSError = ConnectionError("no server is known")
    for address in candidates:
        try:
            return await _ask(place, address)
        except OSError as error:
            trouble = error
    raise trouble


async def _ask(place: Place, address: Address) -> Topology:
    link = await Link.open(place, address, Link())
    try:
        rows = await link.ask(b"CLUSTER", b"SLOTS")
    except Refused as error:
        # Cluster support is disabled, or the command is unknown or not allowed.
        if str(error).startswith(("ERR ", "NOPERM ")):
            return Topology.single(address)
        raise
    finally:
        link.abort()
    return _parsed(rows, address[0])


def _parsed(rows: Sequence[Sequence[Any]], asked: str) -> Topology:
    servers: list[Address | None] = [None] * PARTITIONS
    for first, last, primary, *_ in rows:
        host = (primary[0] or b"").decode()
        # A server that does not know its own name leaves it out: it is the one that was asked.
        address = (host if host not in {"", "?"} else asked, int(primary[1]))
        for partition, slot in enumerate(SLOT_OF_PARTITION):
            if first <= slot <= last:
                servers[partition] = address
    return Topology(servers, cluster=True)
