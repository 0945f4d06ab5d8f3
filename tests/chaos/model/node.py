"""A model server that keeps the contract, written so that each promise is one small method that a bug can replace.

Work that takes time is a generator: between two of its steps anything else may happen, the death of the node too.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

from tests.chaos.courier import Answered
from tests.chaos.history import Said
from tests.chaos.model.store import Doc, KeyTaken, RolledBack, SeqTaken, Store

Steps = Generator[None, None, None]

PAGE = 12
"""Entries of one conversation in an answer to `sync`."""
RING = 30
"""Entries of one conversation that a node keeps to answer from memory."""


class Peer(Protocol):
    """A client's connection, seen from the node."""

    user: str

    def push(self, event: str, payload: dict[str, Any]) -> None:
        """Send an event to the client."""
        ...

    def reply(self, answered: Answered, answer: dict[str, Any]) -> None:
        """Send an answer to the client."""
        ...


class Cluster(Protocol):
    """What a node can reach."""

    store: Store

    def spawn(self, node: "Node", steps: Steps) -> None:
        """Begin work that takes time; it ends when the node dies."""
        ...

    def publish(self, sender: "Node", doc: Doc, users: list[str]) -> None:
        """Tell the other nodes, perhaps."""
        ...


@dataclass(slots=True)
class Pending:
    """Something to append, and whom to answer."""

    kind: str
    said: Said
    peer: Peer | None
    answered: Answered
    doc: Doc | None = None
    duplicate: bool = False
    copy: int = 0


class Node:
    """One server process."""

    def __init__(self, name: str, cluster: Cluster, conversations: list[str]) -> None:
        self.name = name
        self.cluster = cluster
        self.peers: list[Peer] = []
        self.heads: dict[str, tuple[int, int]] = {}
        self.lanes: dict[str, deque[Pending]] = {one: deque() for one in conversations}
        self.busy: set[str] = set()
        self.filling: set[str] = set()
        self.last = {one: cluster.store.committed_head(one) for one in conversations}
        self.ring: dict[str, deque[Doc]] = {one: deque(maxlen=RING) for one in conversations}

    @property
    def store(self) -> Store:
        """The database."""
        return self.cluster.store

    def connected(self, peer: Peer) -> None:
        """A client is there: from here on it hears what is said."""
        self.peers.append(peer)
        peer.push("session:ready", {})

    def disconnected(self, peer: Peer) -> None:
        """A client is gone."""
        if peer in self.peers:
            self.peers.remove(peer)

    def receive(self, peer: Peer, event: str, payload: dict[str, Any], answered: Answered) -> None:
        """An event of a client, in the order in which it sent them."""
        if event == "sync":
            self.cluster.spawn(self, self.sync(peer, payload["conversations"], answered))
            return
        conversation = payload["conversationId"]
        said = Said(peer.user, payload["clientMessageId"], payload["content"])
        if not self.may_send(conversation, peer.user):
            peer.reply(answered, _refusal("not_member"))
        elif len(self.lanes[conversation]) >= 40:
            self.overloaded(conversation, Pending("message", said, peer, answered))
        else:
            self.admit(conversation, Pending("message", said, peer, answered))

    def may_send(self, conversation: str, user: str) -> bool:
        """Whether the user is a member."""
        return user in self.store.members(conversation)

    def overloaded(self, _: str, pending: Pending) -> None:
        """There is no room: the message is refused."""
        if pending.peer:
            pending.peer.reply(pending.answered, _refusal("overloaded"))

    def admit(self, conversation: str, pending: Pending) -> None:
        """Queue something for the log of a conversation."""
        self.lanes[conversation].append(pending)
        if conversation not in self.busy:
            self.busy.add(conversation)
            self.cluster.spawn(self, self.lane(conversation))

    def lane(self, conversation: str) -> Steps:
        """Append what has gathered, batch by batch."""
        while self.lanes[conversation]:
            batch = list(self.lanes[conversation])
            self.lanes[conversation].clear()
            yield from self.append(conversation, batch)
            for pending in batch:
                yield
                self.answer(pending)
                yield
                self.tell(pending)
        self.busy.discard(conversation)

    def append(self, conversation: str, batch: list[Pending]) -> Steps:
        """Bring a batch into the log, in order, and wait until the majority has it."""
        while True:
            try:
                yield from self.insert(conversation, batch)
                yield from self.settle(batch)
            except RolledBack:
                self.heads.pop(conversation, None)
                continue
            return

    def insert(self, conversation: str, batch: list[Pending]) -> Steps:
        """Write a batch to one primary: each entry at the place after the one before. Raises RolledBack."""
        term = self.store.term
        for pending in batch:
            yield
            if self.store.term != term:
                raise RolledBack
            self.place(conversation, pending)

    def place(self, conversation: str, pending: Pending) -> None:
        """Write one entry at the first free place, or find it there already."""
        while True:
            term, head = self.heads.get(conversation, (-1, 0))
            seq = head + 1 if term == self.store.term else self.store.head(conversation) + 1
            doc = Doc(conversation, seq, pending.kind, pending.said, pending.copy)
            try:
                self.store.insert(doc)
            except SeqTaken:
                self.heads.pop(conversation, None)
            except KeyTaken:
                found = self.store.find(doc.key)
                pending.duplicate = pending.duplicate or found is not pending.doc
                pending.doc = found
                return
            else:
                self.heads[conversation] = self.store.term, seq
                pending.doc = doc
                return

    def settle(self, batch: list[Pending]) -> Steps:
        """Wait until the majority has every entry. Raises RolledBack when it never will."""
        for pending in batch:
            while pending.doc is None or not self.is_settled(pending, pending.doc):
                yield

    def is_settled(self, _: Pending, doc: Doc) -> bool:
        """Whether the majority has the entry. Raises RolledBack when it never will."""
        return self.store.is_committed(doc)

    def answer(self, pending: Pending) -> None:
        """Acknowledge an entry."""
        if pending.doc is not None and pending.peer is not None:
            data = _message(pending.doc) | {"duplicate": pending.duplicate}
            pending.peer.reply(pending.answered, {"ok": True, "data": data})
        elif pending.doc is not None:
            pending.answered({"ok": True})

    def tell(self, pending: Pending) -> None:
        """Publish an entry to everybody who may see it."""
        if pending.doc is not None:
            users = self.audience(pending.doc)
            self.cluster.publish(self, pending.doc, users)
            self.heard(pending.doc, users)

    def audience(self, doc: Doc) -> list[str]:
        """Who may see an entry."""
        return sorted(user for user, joined in self.store.members(doc.conversation).items() if joined < doc.seq)

    def heard(self, doc: Doc, users: list[str]) -> None:
        """An entry was published, here or by another node: let it through in order, once, without a hole."""
        last = self.last[doc.conversation]
        if doc.seq == last + 1:
            self.through(doc, users)
        elif doc.seq > last:
            self.repair(doc.conversation)

    def repair(self, conversation: str) -> None:
        """Something is missing here: read it from the log."""
        if conversation not in self.filling:
            self.filling.add(conversation)
            self.cluster.spawn(self, self.fill(conversation))

    def fill(self, conversation: str) -> Steps:
        """Let everything through that is committed and was not heard."""
        yield
        self.filling.discard(conversation)
        for doc in self.store.committed(conversation, self.last[conversation]):
            if doc.seq == self.last[conversation] + 1:
                self.through(doc, self.audience(doc))

    def through(self, doc: Doc, users: list[str]) -> None:
        """The next entry of a conversation."""
        self.last[doc.conversation] = doc.seq
        self.ring[doc.conversation].append(doc)
        if doc.kind != "message":
            return
        for peer in self.peers:
            if peer.user in users:
                self.deliver(peer, doc)

    def deliver(self, peer: Peer, doc: Doc) -> None:
        """Bring a message to one client."""
        peer.push("message:new", _message(doc))

    def compare(self) -> None:
        """From time to time: is anything committed that was not heard here?"""
        for conversation, last in self.last.items():
            if self.store.committed_head(conversation) > last:
                self.repair(conversation)

    def overflow(self, peer: Peer) -> None:
        """A client does not read, and something for it was dropped: tell it."""
        peer.push("sync:behind", {"conversationIds": []})

    def sync(self, peer: Peer, vector: dict[str, int], answered: Answered) -> Steps:
        """Answer what a client missed. It hears what is said since it connected, so nothing falls between."""
        pages = []
        for conversation, after in vector.items():
            yield
            if peer.user in self.store.members(conversation):
                pages.append(self.page(peer, conversation, after))
        yield
        peer.reply(answered, {"ok": True, "data": {"conversations": pages, "left": []}})

    def page(self, peer: Peer, conversation: str, after: int) -> dict[str, Any]:
        """What comes after that place in one conversation."""
        ring = self.ring[conversation]
        if ring and ring[0].seq <= after + 1 and self.store.members(conversation)[peer.user] <= after:
            docs = [doc for doc in ring if doc.seq > after]
        else:
            docs = self.store.committed(conversation, after, peer.user)
        return self.cut(conversation, after, docs)

    def cut(self, conversation: str, after: int, docs: list[Doc]) -> dict[str, Any]:
        """A page of at most PAGE entries, which says whether there are more."""
        kept = docs[:PAGE]
        return {
            "conversationId": conversation,
            "from": after + 1,
            "to": kept[-1].seq if kept else after,
            "entries": [_entry(doc) for doc in kept],
            "more": len(docs) > len(kept),
        }


def _message(doc: Doc) -> dict[str, Any]:
    return {
        "id": f"{doc.conversation}:{doc.seq}",
        "seq": doc.seq,
        "conversationId": doc.conversation,
        "senderId": doc.said.sender,
        "clientMessageId": doc.said.id,
        "content": doc.said.body,
    }


def _entry(doc: Doc) -> dict[str, Any]:
    entry: dict[str, Any] = {"seq": doc.seq, "kind": doc.kind}
    return entry | {"message": _message(doc)} if doc.kind == "message" else entry


def _refusal(code: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": code}}
