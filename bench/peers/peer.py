"""What a benchmark needs of a server, whichever it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.machine import cpus
from bench.programs import Program
from bench.websocket import text

HOST = "127.0.0.1"
TEXT = "The quick brown fox jumps over the lazy dog, 123."


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who may connect: who he is, and what shows it."""

    user_id: str
    token: str


@dataclass(slots=True)
class Peer:
    """A running server: the programs to end, and below them the processes that count."""

    name: str
    port: int
    programs: list[Program]
    pids: list[int]
    """The processes whose CPU counts: those that serve, not the one that watches over workers."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Ids of members by the ids of groups, for servers which are told by the client where it belongs."""

    def auth(self, guest: Guest) -> bytes:
        """What a client says in its CONNECT."""
        rooms = [group for group, members in self.groups.items() if guest.user_id in members]
        said: dict[str, Any] = {"token": guest.token}
        return orjson.dumps(said | {"rooms": rooms} if rooms else said)

    def message(self, group: str, number: int, ack: int) -> bytes:
        """The frame that says something in a group; every Socket.IO server gets the same."""
        said = {
            "conversationId": group,
            "type": "text",
            "content": TEXT,
            "clientMessageId": f"bench-{number:012d}",
        }
        return text(b"42%d" % ack + orjson.dumps(["message:send", said]))

    def cpu(self) -> float:
        """Seconds of CPU that it took so far."""
        return sum(cpus(self.pids))

    def stop(self) -> None:
        """End its processes."""
        for program in self.programs:
            program.stop()


def ids(guests: Sequence[Guest]) -> list[str]:
    """Who these are."""
    return [one.user_id for one in guests]
