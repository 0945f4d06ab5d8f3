"""Histories written by hand, for the tests of the checker."""

from collections.abc import Sequence

from tests.chaos.checker import check
from tests.chaos.findings import Report
from tests.chaos.history import History, Record, Said

ROOM = "room"


class Story:
    """Two members, Ann and Ben, with one device each; a stranger, Cid; and short ways to say what happens."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._now = 0.0
        self.history = History(self.records.append, self._clock)
        for name in ("ann", "ben", "cid"):
            self.history.client(name, name)
        self.history.group(ROOM, ["ann", "ben"])
        for name in ("ann", "ben"):
            self.resume(name, 0, [])

    def _clock(self) -> float:
        self._now += 0.01
        return self._now

    def resume(self, name: str, asked: int, seqs: Sequence[int], *, last: int | None = None) -> None:
        """A new session of a client, and the answer to its first sync."""
        self.history.up(name, "node")
        self.page(name, asked, seqs, last=last)

    def page(self, name: str, asked: int, seqs: Sequence[int], *, last: int | None = None, more: bool = False) -> None:
        """An answer to sync that holds Ann's messages of these numbers."""
        for seq in seqs:
            self.history.entry(name, ROOM, seq, "message", words(seq))
        whole = max([*seqs, asked]) if last is None else last
        self.history.page(name, ROOM, asked=asked, first=asked + 1, last=whole, more=more)

    def send(self, number: int) -> None:
        """Ann sends her message of that number."""
        self.history.send("ann", ROOM, words(number), number)

    def acked(self, number: int, seq: int | None = None, *, duplicate: bool = False) -> None:
        """It is acknowledged, at the place of the same number or another."""
        self.history.sent("ann", ROOM, words(number), seq or number, duplicate=duplicate)

    def heard(self, seq: int, *names: str, number: int | None = None) -> None:
        """Clients hear a message of Ann live."""
        for name in names or ("ann", "ben"):
            self.history.live(name, ROOM, seq, words(number or seq))

    def said(self, *numbers: int) -> None:
        """Ann says something, and all goes well."""
        for number in numbers:
            self.send(number)
            self.acked(number)
            self.heard(number)

    def end(self, *seqs: int) -> Report:
        """The final log holds these; the report."""
        self.history.settled()
        for seq in seqs:
            self.history.final(ROOM, seq, "message", words(seq))
        return check(self.records)


def words(number: int) -> Said:
    return Said("ann", f"message-{number}", f"words {number}")


def names(report: Report) -> dict[str, int]:
    return dict(report.found)
