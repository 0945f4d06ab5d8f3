"""Finds in a history what must never happen, in one pass over its lines and one over the final logs.

The promise that is checked: a client's view of a conversation is what it heard live merged with what `sync` returned.

- Live, within a session: strictly increasing, nothing twice. Entries that are not messages make no `message:new`.
- A live message may repeat what an earlier session or an answer to `sync` has brought already (an overlap: counted).
- After the first whole answer to `sync` in a session, live messages have no hole. A hole is allowed only when the
  server announced it (`sync:behind`); holes before that answer, that is across a reconnect, are what `sync` is for.
- An answer to `sync` is whole from what was asked to its `last`, or the client would believe it has everything.
- Every member that is online when the load is over has seen everything then; everybody else has after resuming.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from tests.chaos.closing import Judge
from tests.chaos.findings import Report
from tests.chaos.history import Record, Said, read, said_in
from tests.chaos.state import SEEN, SEEN_LATE, Client, Final, Hole, Past, Send, Spot

STRANGER = frozenset({"not_found", "not_member", "forbidden"})
"""Codes by which a server says that one has no business in a conversation."""


class Checker:
    """Reads the records of one run in their order; `report` closes the book."""

    def __init__(self) -> None:
        self._past = Past()
        self._report = Report()
        self._kinds: dict[str, Callable[[Record], None]] = {
            "client": self._client,
            "group": self._group,
            "invoke": self._invoke,
            "ok": self._ok,
            "fail": self._fail,
            "info": self._info,
            "up": self._up,
            "down": self._down,
            "live": self._live,
            "behind": self._behind,
            "entry": self._entry,
            "page": self._page,
            "odd": self._odd,
            "settled": self._settled,
            "ended": self._ended,
            "node": self._node,
            "fault": self._fault,
            "final": self._final,
        }

    def feed(self, record: Record) -> None:
        """Take the next record. Raises KeyError for a kind that no history has."""
        past = self._past
        past.line += 1
        past.began = record["t"] if past.began is None else past.began
        past.ended = record["t"]
        self._kinds[record["kind"]](record)

    def report(self) -> Report:
        """Judge the run by its final logs. Call it once, after the last record."""
        if not self._past.over:
            self._ended({})
        Judge(self._past, self._report).judge()
        return self._report

    def _count(self, what: str, by: int = 1) -> None:
        self._report.counts[what] += by

    def _client(self, record: Record) -> None:
        client = Client(record["client"], record["user"])
        self._past.clients[client.name] = client
        self._past.devices.setdefault(client.user, []).append(client)
        self._count("clients")

    def _group(self, record: Record) -> None:
        for user in record["users"]:
            membership = self._past.membership(record["conversation"], user)
            membership.add(self._past.line)
            membership.founder = True
        self._past.finals.setdefault(record["conversation"], {})
        self._count("conversations")

    def _invoke(self, record: Record) -> None:
        past, conversation = self._past, record["conversation"]
        if record["op"] != "send":
            membership = past.membership(conversation, record["user"])
            if record["op"] == "add":
                membership.out_since = None
            else:
                membership.leaving(past.line)
            return
        said = Said(record["sender"], record["id"], record["body"])
        key = (conversation, said.sender, said.id)
        send = past.sends.get(key)
        if send is None:
            send = Send(record["client"], conversation, said, record["turn"], past.line, record["t"])
            past.sends[key] = send
            self._count("sends")
        send.attempts += 1
        self._count("attempts")

    def _ok(self, record: Record) -> None:
        past, conversation = self._past, record["conversation"]
        if record["op"] != "send":
            membership = past.membership(conversation, record["user"])
            if record["op"] == "add":
                membership.add(past.line)
            else:
                membership.out_since = past.line
            self._count("membership changes")
            return
        send = self._sent(record)
        if send is None:
            return
        self._count("acks")
        if record["duplicate"]:
            self._count("acks of a duplicate")
        if not send.acked:
            send.acked, send.seq = past.line, record["seq"]
            self._count("acked")
            self._report.ack.add(record["t"] - send.at)
            self._check_trespass(send)
        self._place(conversation, record["seq"], send.said, f"the answer to {send.client}", delivered=False)

    def _check_trespass(self, send: Send) -> None:
        membership = self._past.membership(send.conversation, send.said.sender)
        if membership.out_since is not None and membership.out_since < send.first:
            self._report.add(
                "trespass",
                send.conversation,
                send.seq,
                (send.client,),
                f"{send} was accepted at {send.seq}, but its sender had been removed before it was sent",
            )

    def _sent(self, record: Record) -> Send | None:
        key = (record["conversation"], record["sender"], record["id"])
        send = self._past.sends.get(key)
        if send is None:
            self._odd({"client": record["client"], "why": f"an answer for message {record['id']}, which nobody sent"})
        return send

    def _fail(self, record: Record) -> None:
        send = self._sent(record)
        if send is None:
            return
        send.refused += 1
        send.troubled = True
        self._past.errors[self._past.clients[record["client"]].node] = self._past.line
        self._count("refused attempts")
        membership = self._past.membership(send.conversation, send.said.sender)
        if record["code"] in STRANGER and membership.entitled(send):
            sentence = f"{send} was refused as a stranger's ({record['code']}), but its sender is a member"
            self._report.add("turned-away", send.conversation, 0, (send.client,), sentence)

    def _info(self, record: Record) -> None:
        send = self._sent(record)
        if send is None:
            return
        client = self._past.clients[record["client"]]
        if record["answered"]:
            self._past.errors[client.node] = self._past.line
        send.troubled = send.troubled or self._past.errors.get(client.node, 0) > client.since
        self._count("attempts without an answer")

    def _up(self, record: Record) -> None:
        client = self._past.clients[record["client"]]
        self._end_session(client)
        client.session += 1
        client.up = True
        client.node, client.since = record["node"], self._past.line
        self._count("sessions")
        if client.session > 1:
            self._count("reconnects")
        if client.left is not None:
            self._report.away.add(record["t"] - client.left)
            client.left = None

    def _down(self, record: Record) -> None:
        client = self._past.clients[record["client"]]
        client.left = record["t"]
        self._end_session(client)

    def _end_session(self, client: Client) -> None:
        for conversation, stream in client.streams.items():
            silent = stream.silent(client.session)
            if silent:
                hole = Hole(client.name, conversation, silent, live=True, announced=client.behind)
                self._past.holes.append(hole)
            stream.last, stream.whole = 0, None
        client.up, client.behind = False, False
        client.page.clear()

    def _live(self, record: Record) -> None:
        client = self._past.clients[record["client"]]
        conversation, seq, said = record["conversation"], record["seq"], Said(*_said(record))
        stream = client.stream(conversation)
        stream.reserve(seq)
        if seq > stream.last:
            if stream.whole is None and stream.last and seq > stream.last + 1:
                self._count("live holes before the first sync")
            if stream.seen[seq]:
                self._count("overlaps")
            stream.last = seq
        elif stream.heard[seq] == client.session:
            self._report.add(
                "duplicate",
                conversation,
                seq,
                (client.name,),
                f"{client.name} heard {seq} twice in its session {client.session}",
            )
        else:
            self._report.add(
                "nonmonotonic-poll",
                conversation,
                seq,
                (client.name,),
                f"{client.name} heard {seq} after {stream.last} in its session {client.session}",
            )
        stream.heard[seq] = client.session
        self._count("delivered live")
        send = self._see(client, conversation, seq, said)
        if send and client.name != send.client:
            self._report.delivery.add(record["t"] - send.at)

    def _see(self, client: Client, conversation: str, seq: int, said: Said) -> Send | None:
        """A client has a message, live or by `sync`."""
        stream = client.stream(conversation)
        if not stream.seen[seq]:
            stream.seen[seq] = SEEN if self._past.settled is None else SEEN_LATE
        self._place(conversation, seq, said, client.name, delivered=True)
        send = self._past.sends.get((conversation, said.sender, said.id))
        out = self._past.membership(conversation, client.user).out_since
        if out is not None and send is not None and send.first > out:
            self._report.add(
                "leaked",
                conversation,
                seq,
                (client.name,),
                f"{client.name} got {seq}, which was sent after the removal of its user was acknowledged",
            )
        return send

    def _place(self, conversation: str, seq: int, said: Said, who: str, *, delivered: bool) -> None:
        """Somebody has seen this message at this place: everybody must."""
        here = self._past.offsets.setdefault(conversation, {})
        spot = here.get(seq)
        if spot is None:
            spot = here[seq] = Spot(said, who, delivered)
        spot.delivered = spot.delivered or delivered
        if spot.said != said:
            sentence = f"at {seq}, {spot.who} has {spot.said} and {who} has {said}"
            self._report.add("inconsistent-offsets", conversation, seq, (spot.who, who), sentence)
        place = self._past.places.setdefault((conversation, said.sender, said.id), seq)
        if place != seq:
            sentence = f"message {said.id} was seen at {place}, and {who} has it at {seq}"
            self._report.add("duplicate", conversation, seq, (who,), sentence)

    def _behind(self, record: Record) -> None:
        self._past.clients[record["client"]].behind = True
        self._count("announcements of a hole")

    def _entry(self, record: Record) -> None:
        client = self._past.clients[record["client"]]
        conversation, seq = record["conversation"], record["seq"]
        if client.page and seq <= client.page[-1]:
            sentence = f"an answer to sync has {seq} after {client.page[-1]}"
            self._report.add("nonmonotonic-poll", conversation, seq, (client.name,), f"{client.name}: {sentence}")
        client.page.append(seq)
        client.stream(conversation).reserve(seq)
        said = said_in(record)
        if said and record["entry"] == "message":
            self._count("delivered by sync")
            self._see(client, conversation, seq, said)

    def _page(self, record: Record) -> None:
        client = self._past.clients[record["client"]]
        conversation, asked, last = record["conversation"], record["asked"], record["last"]
        got = set(client.page)
        if client.page and min(got) <= asked:
            sentence = f"{client.name} has everything up to {asked}, and sync returned {min(got)}"
            self._report.add("duplicate", conversation, min(got), (client.name,), sentence)
        missing = [seq for seq in range(asked + 1, last + 1) if seq not in got]
        if missing:
            self._past.holes.append(Hole(client.name, conversation, missing, live=False, announced=False))
        client.page.clear()
        self._count("sync pages")
        stream = client.stream(conversation)
        stream.reserve(last)
        if stream.whole is None and not record["more"]:
            stream.whole = last
            self._count("resumed streams")

    def _odd(self, record: Record) -> None:
        self._report.add("malformed", "", 0, (record["client"],), f"{record['client']}: {record['why']}")

    def _settled(self, _: Record) -> None:
        self._past.settled = self._past.line
        for client in self._past.clients.values():
            client.up_when_settled = client.up

    def _ended(self, _: Record) -> None:
        self._past.over = True
        for client in self._past.clients.values():
            client.present = client.up
            self._end_session(client)

    def _node(self, record: Record) -> None:
        self._count(f"node {record['op']}s")

    def _fault(self, record: Record) -> None:
        self._report.faults[record["what"]] += 1

    def _final(self, record: Record) -> None:
        conversation, seq, said = record["conversation"], record["seq"], said_in(record)
        log = self._past.finals.setdefault(conversation, {})
        known = log.setdefault(seq, Final(record["entry"], said))
        if (known.entry, known.said) != (record["entry"], said):
            sentence = f"two readings of the final log differ at {seq}: {known.said} and {said}"
            self._report.add("inconsistent-offsets", conversation, seq, ("the final log",), sentence)
        elif said:
            self._place(conversation, seq, said, "the final log", delivered=False)


def _said(record: Record) -> tuple[str, str, str]:
    return record["sender"], record["id"], record["body"]


def check(records: Iterable[Record]) -> Report:
    """The report on a history."""
    checker = Checker()
    for record in records:
        checker.feed(record)
    return checker.report()


def check_file(path: Path) -> Report:
    """The report on a history file."""
    return check(read(path))
