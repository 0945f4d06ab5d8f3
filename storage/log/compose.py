"""From drafts to documents: numbering, and working out what changes make of the entries that they change."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime

import bson
from bson.raw_bson import RawBSONDocument

from storage.log.entries import FOREVER, Entry, Life, expired, key, possible, visible, whole_ms
from storage.log.errors import NotThere
from storage.log.faults import ENCODING, refusal
from storage.log.heads import Conversation
from storage.log.pending import Pending
from storage.mongo import Document, Int64, UpdateOne, Write


def encode(body: Document) -> RawBSONDocument:
    """A body as it will be stored. Raises Refused when it cannot be."""
    try:
        return RawBSONDocument(bson.encode(body))
    except ENCODING as error:
        raise refusal(error) from None


def check_texts(*texts: str) -> None:
    """Raise Refused unless these can be stored. A text with half a surrogate pair in it cannot."""
    try:
        for text in texts:
            if not text.isascii():
                text.encode()
    except UnicodeError as error:
        raise refusal(error) from None


@dataclass(slots=True)
class Plan:
    """What shall be written for some drafts: `drafts`, `entries` and `documents` run side by side, in order of seq."""

    drafts: list[Pending] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    updates: list[UpdateOne] = field(default_factory=list)
    effects: list[tuple[str, Write]] = field(default_factory=list)
    refused: list[tuple[Pending, Exception]] = field(default_factory=list)

    def add(self, one: Pending, entry: Entry, raw: RawBSONDocument) -> None:
        """Add a draft's entry at the end."""
        self.drafts.append(one)
        self.entries.append(entry)
        self.documents.append(_document(one, entry, raw))


class Numbers:
    """Gives out the next seq and the time of each conversation."""

    def __init__(self, now: datetime) -> None:
        self._now = whole_ms(now)
        self._tails: dict[Conversation, int] = {}

    def next(self, conversation: Conversation) -> int:
        """The seq that the next entry would have."""
        return self._tails.get(conversation, conversation.head) + 1

    def take(self, conversation: Conversation, seq: int) -> datetime:
        """Use that seq up; the time of its entry, never before the one of the entry that this node appended last."""
        self._tails[conversation] = seq
        last = conversation.at
        return self._now if last is None or last < self._now else last


def plain(drafts: Sequence[Pending], now: datetime) -> Plan:
    """The plan for drafts that change nothing beside themselves."""
    plan, numbers = Plan(), Numbers(now)
    for one in drafts:
        draft, seq = one.draft, numbers.next(one.conversation)
        at = numbers.take(one.conversation, seq)
        plan.add(one, _entry(one, seq, at, draft.body, draft.expires_at), one.body)
    return plan


def _entry(one: Pending, seq: int, at: datetime, body: Document, expires: datetime | None) -> Entry:
    draft = one.draft
    life = Life(expires) if draft.life is None else draft.life(at)
    return Entry(
        one.conversation.id,
        seq,
        draft.kind,
        draft.sender,
        draft.device,
        draft.op,
        draft.target,
        body,
        at,
        None if life.expires_at is None else whole_ms(life.expires_at),
        None if life.own_expires_at is None else whole_ms(life.own_expires_at),
    )


def _document(one: Pending, entry: Entry, raw: RawBSONDocument) -> Document:
    conversation, seq = one.conversation, entry.seq
    document: Document = {
        "_id": key(conversation.prefix, seq),
        "c": conversation.binary,
        "s": Int64(seq),
        "k": entry.kind,
        "u": entry.sender,
        "d": entry.device,
        "m": one.op,
        "b": raw,
        "at": entry.at,
    }
    if entry.target is not None:
        document["t"] = Int64(entry.target)
    if entry.expires_at is not None:
        document["x"] = entry.expires_at
    if entry.own_expires_at is not None:
        document["o"] = entry.own_expires_at
        document["r"] = document["w"] = 1
    if one.draft.countable:
        document["n"] = entry.expires_at or FOREVER
    return document


def targets(drafts: Sequence[Pending]) -> list[bytes]:
    """The keys of the entries that these drafts change."""
    return sorted({_target(one) for one in drafts if one.draft.change is not None})


def _target(one: Pending) -> bytes:
    return key(one.conversation.prefix, possible(one.draft.target or 0))


class Composer:
    """The plan for drafts of which some change others or have effects.

    `targets` are the entries to be changed as they are now. Each draft sees what those before it made of them; one that
    is refused leaves nothing behind, and no gap.
    """

    def __init__(self, targets: dict[bytes, Entry], now: datetime) -> None:
        self.plan = Plan()
        self._targets = targets
        self._now = now
        self._numbers = Numbers(now)
        self._places: dict[bytes, int] = {}
        self._changed: dict[bytes, tuple[RawBSONDocument, bool]] = {}

    def compose(self, drafts: Sequence[Pending]) -> Plan:
        """Work through the drafts in order."""
        for one in drafts:
            try:
                self._take(one)
            except Exception as error:  # noqa: BLE001 - whatever a callback raises is the answer to its draft
                self.plan.refused.append((one, error))
        for id_, (raw, uncount) in self._changed.items():
            change: Document = {"$set": {"b": raw}}
            if uncount:
                change["$unset"] = {"n": ""}
            self.plan.updates.append(UpdateOne({"_id": id_}, change))
        return self.plan

    def _take(self, one: Pending) -> None:
        draft, seq = one.draft, self._numbers.next(one.conversation)
        body, raw, expires = draft.body, one.body, draft.expires_at
        if draft.change is not None:
            target = self._current(one)
            # A callback may modify what it is given, and earlier entries of this plan hold that same body.
            body = draft.change(replace(target, body=deepcopy(target.body)), seq)
            raw = encode(body)
            expires = expires or (None if draft.even_expired else target.expires_at)
        effects = draft.effects(seq) if draft.effects is not None else ()

        at = self._numbers.take(one.conversation, seq)
        self._places[key(one.conversation.prefix, seq)] = len(self.plan.entries)
        self.plan.add(one, _entry(one, seq, at, body, expires), raw)
        self.plan.effects.extend(effects)
        if draft.change is not None:
            self._change(_target(one), body, raw, uncount=draft.uncount)

    def _current(self, one: Pending) -> Entry:
        id_ = _target(one)
        place = self._places.get(id_)
        found = self.plan.entries[place] if place is not None else self._targets.get(id_)
        if found is None or (expired(found, self._now) and not one.draft.even_expired):
            raise NotThere(f"there is no entry {one.draft.target} to change")
        return found if one.draft.even_expired else visible(found, self._now)

    def _change(self, id_: bytes, body: Document, raw: RawBSONDocument, *, uncount: bool) -> None:
        place = self._places.get(id_)
        if place is None:
            self._targets[id_] = replace(self._targets[id_], body=body)
            self._changed[id_] = (raw, uncount or self._changed.get(id_, (raw, False))[1])
            return
        document = self.plan.documents[place]
        document["b"] = raw
        if uncount:
            document.pop("n", None)
        self.plan.entries[place] = replace(self.plan.entries[place], body=body)
