"""What the checker says: the violations by name, each with a sentence, and the numbers of the run."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NAMES = {
    "lost-write": "acknowledged but not in the final log, or in it and never seen by a member's client",
    "duplicate": "one message twice: at two places of a log, or live twice in one session",
    "inconsistent-offsets": "one place of a log with two different messages",
    "nonmonotonic-poll": "a client's stream that goes backwards",
    "poll-skip": "a hole in a client's stream that nobody announced",
    "nonmonotonic-send": "one sender's messages in another order than they were sent",
    "aborted-read": "a message that was refused for certain, seen all the same",
    "phantom": "delivered, but not in the final log",
    "leaked": "delivered to somebody whose removal was acknowledged before it was sent",
    "trespass": "accepted from somebody whose removal was acknowledged before",
    "turned-away": "refused as a stranger, though the addition was acknowledged before it was sent",
    "log-gap": "a place of the final log that holds nothing",
    "malformed": "something that no server may send",
}
"""The anomalies, under Jepsen's names where it has one."""

MAX_KEPT = 100
"""Violations of one name that are kept with their sentence; all are counted."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must never happen."""

    name: str
    conversation: str
    seq: int
    """The place in the log; 0 when it has none."""
    clients: tuple[str, ...]
    sentence: str

    def document(self) -> dict[str, Any]:
        """The violation as JSON."""
        return {
            "name": self.name,
            "conversation": self.conversation,
            "seq": self.seq,
            "clients": list(self.clients),
            "sentence": self.sentence,
        }


class Spread:
    """Latencies in buckets that grow by a tenth, so that a percentile costs no sorting."""

    _GROWTH = math.log(1.1)
    _LEAST = 0.0001

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0

    def add(self, seconds: float) -> None:
        """Count one latency."""
        self._buckets[int(math.log(max(seconds, self._LEAST) / self._LEAST) / self._GROWTH)] += 1
        self.count += 1

    def quantile(self, share: float) -> float:
        """Seconds that this share of all latencies stays below (within a tenth); 0 when there are none."""
        left = share * self.count
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return self._LEAST * math.exp((bucket + 1) * self._GROWTH)
        return 0.0

    def document(self) -> dict[str, float]:
        """Count and percentiles in milliseconds."""
        quantiles = {f"p{round(share * 100)}": round(self.quantile(share) * 1000, 1) for share in (0.5, 0.95, 0.99)}
        return {"count": self.count, **quantiles}


@dataclass(slots=True)
class Report:
    """What was found in a history."""

    violations: list[Violation] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    """How many violations of each name, also those beyond MAX_KEPT."""
    counts: Counter[str] = field(default_factory=Counter)
    ack: Spread = field(default_factory=Spread)
    delivery: Spread = field(default_factory=Spread)
    away: Spread = field(default_factory=Spread)
    """From the end of a client's session to the beginning of its next one."""
    faults: Counter[str] = field(default_factory=Counter)
    """Faults that were put in, by kind."""
    ran: dict[str, str] = field(default_factory=dict)
    """Versions of what ran, when that is known."""

    @property
    def clean(self) -> bool:
        """Whether nothing happened that must not."""
        return not self.found

    def add(self, name: str, conversation: str, seq: int, clients: tuple[str, ...], sentence: str) -> None:
        """Note a violation."""
        if name not in NAMES:
            raise ValueError(f"{name} is not the name of an anomaly")
        self.found[name] += 1
        if self.found[name] <= MAX_KEPT:
            self.violations.append(Violation(name, conversation, seq, clients, sentence))

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "clean": self.clean,
            "found": dict(self.found),
            "versions": self.ran,
            "counts": dict(sorted(self.counts.items())),
            "ackMs": self.ack.document(),
            "deliveryMs": self.delivery.document(),
            "awayMs": self.away.document(),
            "faults": dict(sorted(self.faults.items())),
            "violations": [one.document() for one in self.violations],
        }

    def table(self) -> str:
        """The report for a reader at a terminal."""
        rows = [(name, str(count)) for name, count in sorted(self.counts.items())]
        for title, spread in (("ack", self.ack), ("delivery", self.delivery), ("away", self.away)):
            numbers = spread.document()
            rows.append((f"{title} p50 / p95 / p99 (ms)", f"{numbers['p50']} / {numbers['p95']} / {numbers['p99']}"))
        rows += [(f"fault: {name}", str(count)) for name, count in sorted(self.faults.items())]
        rows += [(f"violations: {name}", str(self.found[name])) for name in NAMES]
        width = max(len(title) for title, _ in rows)
        lines = [f"{title:<{width}}  {value}" for title, value in rows]
        return "\n".join([*lines, *(f"! {one.name}: {one.sentence}" for one in self.violations[:20])])
