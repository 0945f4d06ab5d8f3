"""The second half of the checker: what only the final logs can tell."""

from tests.chaos.findings import Report
from tests.chaos.state import SEEN, Client, Final, Hole, Past, Send


class Judge:
    """Holds everything that was promised and seen against the final logs, and reports what does not agree."""

    def __init__(self, past: Past, report: Report) -> None:
        self._past = past
        self._report = report
        self._where = {
            (conversation, final.said.sender, final.said.id): seq
            for conversation, log in past.finals.items()
            for seq, final in log.items()
            if final.said
        }

    def judge(self) -> None:
        """Add all violations and the counts that belong to the end of a run."""
        for conversation, log in self._past.finals.items():
            self._check_density(conversation, log)
            self._check_deliveries(conversation, log)
            self._check_everybody_saw(conversation, log)
        self._check_sends()
        self._check_order()
        for hole in self._past.holes:
            self._check_hole(hole)
        counts = self._report.counts
        counts["final entries"] = sum(len(log) for log in self._past.finals.values())
        counts["clients absent at the end"] = sum(not one.present for one in self._past.clients.values())
        counts["seconds"] = round(self._past.ended - (self._past.began or 0.0))

    def _send(self, conversation: str, final: Final) -> Send | None:
        return self._past.sends.get((conversation, final.said.sender, final.said.id)) if final.said else None

    def _check_density(self, conversation: str, log: dict[int, Final]) -> None:
        """Every place from 1 to the head holds an entry."""
        for seq in range(1, max(log, default=0) + 1):
            if seq not in log:
                sentence = f"the final log of {conversation} holds nothing at {seq}"
                self._report.add("log-gap", conversation, seq, (), sentence)

    def _check_deliveries(self, conversation: str, log: dict[int, Final]) -> None:
        """Whatever any client got is in the final log."""
        for seq, spot in self._past.offsets.get(conversation, {}).items():
            if spot.delivered and seq not in log:
                sentence = f"message {spot.said.id} was delivered at {seq} and is not in the final log"
                self._report.add("phantom", conversation, seq, (spot.who,), sentence)

    def _check_everybody_saw(self, conversation: str, log: dict[int, Final]) -> None:
        """Every message was seen by every client of everybody who was certainly a member when it was sent."""
        listeners = [
            (client, membership)
            for client, membership in self._past.listeners(conversation)
            if client.present or client.up_when_settled
        ]
        for seq, final in log.items():
            if final.said is None:
                continue
            send = self._send(conversation, final)
            acked = send.acked if send else 0
            for client, membership in listeners:
                if membership.entitled(send):
                    self._check_saw(client, conversation, seq, in_time=0 < acked < (self._past.settled or 0))

    def _check_saw(self, client: Client, conversation: str, seq: int, *, in_time: bool) -> None:
        stream = client.streams.get(conversation)
        mark = stream.saw(seq) if stream else 0
        if not mark:
            sentence = f"{client.name} never got {seq}, neither live nor by sync"
            self._report.add("lost-write", conversation, seq, (client.name,), sentence)
        elif mark != SEEN and client.up_when_settled and in_time:
            sentence = f"{client.name} was online to the end and got {seq} only by a sync that it was forced to make"
            self._report.add("lost-write", conversation, seq, (client.name,), sentence)

    def _check_sends(self) -> None:
        """What was acknowledged is in the final log; what was refused is nowhere."""
        for key, send in self._past.sends.items():
            if send.acked and key not in self._where:
                sentence = f"{send} was acknowledged at {send.seq} and is not in the final log"
                self._report.add("lost-write", send.conversation, send.seq, (send.client,), sentence)
            elif send.aborted and key in self._past.places:
                place = self._past.places[key]
                sentence = f"{send} was refused for certain and is at {place}"
                self._report.add("aborted-read", send.conversation, place, (send.client,), sentence)
            if not send.acked:
                self._report.counts["refused" if send.aborted else "never answered"] += 1

    def _check_order(self) -> None:
        """One client's messages in one conversation lie in the log in the order in which it sent them."""
        last: dict[tuple[str, str], tuple[Send, int]] = {}
        for key, send in self._past.sends.items():
            seq = self._where.get(key)
            if seq is None or send.troubled:
                continue
            before, place = last.get((send.client, send.conversation), (send, 0))
            if seq < place:
                sentence = f"{before} (its message {before.turn}) is at {place}, after its message {send.turn} at {seq}"
                self._report.add("nonmonotonic-send", send.conversation, seq, (send.client,), sentence)
            else:
                last[send.client, send.conversation] = send, seq

    def _check_hole(self, hole: Hole) -> None:
        """A hole counts when it hides what its client had a right to."""
        log = self._past.finals.get(hole.conversation, {})
        membership = self._past.membership(hole.conversation, self._past.clients[hole.client].user)
        hidden = []
        for seq in hole.seqs:
            final = log.get(seq)
            if final is None or (hole.live and final.said is None):
                continue
            if membership.entitled(self._send(hole.conversation, final)):
                hidden.append(seq)
        if hidden and hole.live and hole.announced:
            self._report.counts["announced live holes"] += len(hidden)
        elif hidden:
            how = "did not hear live, though nothing was announced," if hole.live else "asked for, and sync left out,"
            sentence = f"{hole.client} {how} {len(hidden)} entries from {hidden[0]} to {hidden[-1]}"
            self._report.add("poll-skip", hole.conversation, hidden[0], (hole.client,), sentence)
