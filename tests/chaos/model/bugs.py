"""Nodes with one bug each, in the method where such a bug would be made. The checker must catch every one."""

from collections import deque
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from tests.chaos.courier import Answered
from tests.chaos.history import Said
from tests.chaos.model.node import PAGE, Cluster, Node, Peer, Pending, Steps
from tests.chaos.model.store import Doc, KeyTaken, SeqTaken


class Bug(Node):
    """A node that breaks the contract. `shows` are the anomalies by which the bug may give itself away."""

    shows: ClassVar[frozenset[str]]


class AckBeforeCommit(Bug):
    """Answers as soon as a message is queued, with the place that it will probably get."""

    shows = frozenset({"lost-write"})

    def admit(self, conversation: str, pending: Pending) -> None:
        if pending.peer is not None:
            _, head = self.heads.get(conversation, (0, self.store.head(conversation)))
            seq = head + len(self.lanes[conversation]) + 1
            pending.doc = Doc(conversation, seq, pending.kind, pending.said)
            self.answer(pending)
            pending.peer = None
            pending.answered = _ignored
        super().admit(conversation, pending)


class PrimaryOnly(Bug):
    """Takes a write for done when the primary alone has it (w:1)."""

    shows = frozenset({"lost-write"})

    def is_settled(self, pending: Pending, doc: Doc) -> bool:
        return True


class PublishBeforeCommit(Bug):
    """Tells everybody when the primary has a message, before the majority does."""

    shows = frozenset({"phantom", "inconsistent-offsets"})

    def settle(self, batch: list[Pending]) -> Steps:
        for pending in batch:
            self.tell(pending)
        yield from super().settle(batch)


class NoDeduplication(Bug):
    """Has no unique index on the client's message id."""

    shows = frozenset({"duplicate"})

    def place(self, conversation: str, pending: Pending) -> None:
        super().place(conversation, pending)
        while pending.duplicate:
            pending.duplicate = False
            pending.copy += 1
            super().place(conversation, pending)


class DeduplicationInMemory(NoDeduplication):
    """Remembers message ids for itself only: a retry on another node is a new message."""

    def __init__(self, name: str, cluster: Cluster, conversations: list[str]) -> None:
        super().__init__(name, cluster, conversations)
        self._known: dict[tuple[str, str, str], Doc] = {}

    def place(self, conversation: str, pending: Pending) -> None:
        key = (conversation, pending.said.sender, pending.said.id)
        known = self._known.get(key)
        if known is not None:
            pending.doc = known
            return
        super().place(conversation, pending)
        if pending.doc is not None:
            self._known[key] = pending.doc


class AckFromTheDuplicateError(Bug):
    """Answers a retry from the entry that is in its way, which may still be rolled back."""

    shows = frozenset({"lost-write", "inconsistent-offsets", "duplicate"})

    def is_settled(self, pending: Pending, doc: Doc) -> bool:
        return pending.duplicate or super().is_settled(pending, doc)


class UnorderedInsert(Bug):
    """Writes a batch in any order (ordered=False), so that its later half may survive alone."""

    shows = frozenset({"log-gap", "nonmonotonic-send"})

    def insert(self, conversation: str, batch: list[Pending]) -> Steps:
        head = self.store.head(conversation)
        for offset, pending in sorted(enumerate(batch), key=lambda pair: -pair[0]):
            yield
            doc = Doc(conversation, head + 1 + offset, pending.kind, pending.said)
            try:
                self.store.insert(doc)
                pending.doc = doc
            except (SeqTaken, KeyTaken):
                self.place(conversation, pending)


class ResumeOffByOne(Bug):
    """Answers `sync` from one place too late."""

    shows = frozenset({"poll-skip", "lost-write"})

    def page(self, peer: Peer, conversation: str, after: int) -> dict[str, Any]:
        return super().page(peer, conversation, after + 1) | {"from": after + 1}


class HeadBeforeSubscribe(Bug):
    """Subscribes a client only when its answer is ready: what is said between is neither in it nor heard."""

    shows = frozenset({"poll-skip", "lost-write"})

    def connected(self, peer: Peer) -> None:
        peer.push("session:ready", {})

    def sync(self, peer: Peer, vector: dict[str, int], answered: Answered) -> Steps:
        yield from super().sync(peer, vector, answered)
        if peer not in self.peers:
            self.peers.append(peer)


class DropWithoutResync(Bug):
    """Drops events for a client that reads slowly, and does not tell it."""

    shows = frozenset({"poll-skip", "lost-write"})

    def overflow(self, peer: Peer) -> None:
        pass


class RenumberAfterAck(Bug):
    """Answers with the place that it tried first, also when another node had taken it."""

    shows = frozenset({"inconsistent-offsets", "duplicate"})

    def place(self, conversation: str, pending: Pending) -> None:
        _, head = self.heads.get(conversation, (0, self.store.head(conversation)))
        super().place(conversation, pending)
        if pending.peer is not None and pending.doc is not None and not pending.duplicate:
            doc = Doc(conversation, head + 1, pending.kind, pending.said)
            data = {
                "id": f"{conversation}:{doc.seq}",
                "seq": doc.seq,
                "conversationId": conversation,
                "senderId": doc.said.sender,
                "clientMessageId": doc.said.id,
                "content": doc.said.body,
            }
            pending.peer.reply(pending.answered, {"ok": True, "data": data})


class MembersCachedForEver(Bug):
    """Asks once who is a member, and never again."""

    shows = frozenset({"leaked", "lost-write"})

    def __init__(self, name: str, cluster: Cluster, conversations: list[str]) -> None:
        super().__init__(name, cluster, conversations)
        self._cache: dict[str, list[str]] = {}

    def audience(self, doc: Doc) -> list[str]:
        return self._cache.setdefault(doc.conversation, super().audience(doc))


class RemovedMayStillSend(Bug):
    """Does not look whether the sender is a member."""

    shows = frozenset({"trespass"})

    def may_send(self, conversation: str, user: str) -> bool:
        return True


class RingWithoutEpoch(Bug):
    """Keeps its memory of the last entries over a restart, in which others went by."""

    shows = frozenset({"poll-skip", "lost-write"})
    _survivors: ClassVar[WeakKeyDictionary[Cluster, dict[str, dict[str, deque[Doc]]]]] = WeakKeyDictionary()

    def __init__(self, name: str, cluster: Cluster, conversations: list[str]) -> None:
        super().__init__(name, cluster, conversations)
        self.ring = self._survivors.setdefault(cluster, {}).setdefault(name, self.ring)


class AnotherPlaceForARetry(Bug):
    """Answers a retry with the place where the log ends now."""

    shows = frozenset({"inconsistent-offsets", "duplicate"})

    def answer(self, pending: Pending) -> None:
        if pending.duplicate and pending.doc is not None:
            head = self.store.committed_head(pending.doc.conversation)
            pending.doc = Doc(pending.doc.conversation, head, pending.kind, pending.said)
        super().answer(pending)


class NoSequencer(Bug):
    """Brings entries to clients as they come in from the other nodes."""

    shows = frozenset({"nonmonotonic-poll", "duplicate"})

    def heard(self, doc: Doc, users: list[str]) -> None:
        self.through(doc, users)


class HoleNotFilled(Bug):
    """Goes on behind a hole as if nothing was missing."""

    shows = frozenset({"poll-skip", "lost-write"})

    def heard(self, doc: Doc, users: list[str]) -> None:
        if doc.seq > self.last[doc.conversation]:
            self.through(doc, users)

    def compare(self) -> None:
        pass


class PublishedTwice(Bug):
    """Publishes a message again when a retry of it comes, and nobody looks whether it was heard before."""

    shows = frozenset({"duplicate", "nonmonotonic-poll"})

    def heard(self, doc: Doc, users: list[str]) -> None:
        if doc.seq <= self.last[doc.conversation] and doc.kind == "message":
            for peer in self.peers:
                if peer.user in users:
                    self.deliver(peer, doc)
        super().heard(doc, users)


class PartThatLooksWhole(Bug):
    """Cuts a long answer to `sync` and does not say so."""

    shows = frozenset({"poll-skip", "lost-write"})

    def cut(self, conversation: str, after: int, docs: list[Doc]) -> dict[str, Any]:
        last = docs[-1].seq if docs else after
        return super().cut(conversation, after, docs[-PAGE:]) | {"more": False, "to": last}


class RefusedAndKept(Bug):
    """Says that there is no room, and takes the message all the same."""

    shows = frozenset({"aborted-read"})

    def receive(self, peer: Peer, event: str, payload: dict[str, Any], answered: Answered) -> None:
        if event == "message:send" and int(payload["clientMessageId"][-2:]) % 10 == 7:
            said = Said(peer.user, payload["clientMessageId"], payload["content"])
            self.admit(payload["conversationId"], Pending("message", said, None, _ignored))
            peer.reply(answered, {"ok": False, "error": {"code": "too_large", "message": "too large"}})
            return
        super().receive(peer, event, payload, answered)


class HandledAtOnce(Bug):
    """Handles the events of one client at the same time, in no order."""

    shows = frozenset({"nonmonotonic-send"})

    def admit(self, conversation: str, pending: Pending) -> None:
        self.cluster.spawn(self, self._admit(conversation, pending))

    def _admit(self, conversation: str, pending: Pending) -> Steps:
        yield
        super().admit(conversation, pending)


class PlaceSkipped(Bug):
    """After a conflict goes on two places further."""

    shows = frozenset({"log-gap"})

    def place(self, conversation: str, pending: Pending) -> None:
        term, head = self.heads.get(conversation, (-1, 0))
        if term == self.store.term and head < self.store.head(conversation):
            self.heads[conversation] = term, self.store.head(conversation) + 1
        super().place(conversation, pending)


def _ignored(_: Any) -> None:
    """The answer goes nowhere."""


BUGS: tuple[type[Bug], ...] = (
    AckBeforeCommit,
    PrimaryOnly,
    PublishBeforeCommit,
    NoDeduplication,
    DeduplicationInMemory,
    AckFromTheDuplicateError,
    UnorderedInsert,
    ResumeOffByOne,
    HeadBeforeSubscribe,
    DropWithoutResync,
    RenumberAfterAck,
    MembersCachedForEver,
    RemovedMayStillSend,
    RingWithoutEpoch,
    AnotherPlaceForARetry,
    NoSequencer,
    HoleNotFilled,
    PublishedTwice,
    PartThatLooksWhole,
    RefusedAndKept,
    HandledAtOnce,
    PlaceSkipped,
)
