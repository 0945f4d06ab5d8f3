"""Several nodes that write the same logs, the drafts they write, and what must always hold of a log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from crypto.ids import new_id
from storage.log import COLLECTION, Draft, Entry, Log, indexes
from storage.mongo import Document, Mongo

ADA, BOB, EVE = ("0192f000-0000-7000-8000-00000000000" + digit for digit in "123")


def now() -> datetime:
    """The time of day in UTC."""
    return datetime.now(UTC)


async def prepared(mongo: Mongo) -> Mongo:
    """The database with the log's indexes."""
    await mongo.collection(COLLECTION).create_indexes(indexes())
    return mongo


@asynccontextmanager
async def nodes(mongo: Mongo, number: int = 2, *, kind: type[Log] = Log, **options: Any) -> AsyncIterator[list[Log]]:
    """That many running logs over one database; `options` are those of Log."""
    await prepared(mongo)
    options.setdefault("clock", now)
    logs = [kind(mongo, **options) for _ in range(number)]
    for log in logs:
        await log.start()
    try:
        yield logs
    finally:
        await asyncio.gather(*(log.close() for log in logs))


def message(conversation: str, text: str = "", *, sender: str = ADA, op: str | None = None, **more: Any) -> Draft:
    """A countable message."""
    more.setdefault("countable", True)
    return Draft(conversation=conversation, kind="message", sender=sender, op=op, body={"text": text}, **more)


def edit(conversation: str, target: int, text: str, *, sender: str = ADA, op: str | None = None) -> Draft:
    """Sets a message's text."""
    return change(conversation, target, lambda body: {**body, "text": text}, kind="edit", sender=sender, op=op)


def react(conversation: str, target: int, emoji: str, *, sender: str = ADA, op: str | None = None) -> Draft:
    """Adds a reaction to a message."""

    def add(body: Document) -> Document:
        body.setdefault("reactions", []).append(emoji)
        return body

    return change(conversation, target, add, kind="reaction", sender=sender, op=op)


def change(
    conversation: str, target: int, how: Callable[[Document], Document], *, sender: str = ADA, **more: Any
) -> Draft:
    """An entry that changes the body of another."""
    return Draft(
        conversation=conversation, sender=sender, target=target, change=lambda entry, _: how(entry.body), **more
    )


async def whole(log: Log, conversation: str) -> list[Entry]:
    """Every entry of a conversation, read in pages; its seqs are 1, 2, 3 …"""
    entries: list[Entry] = []
    while page := await log.read(conversation, after=len(entries), limit=500):
        entries += page
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), "the log has a hole or a repeat"
    return entries


def texts(entries: Sequence[Entry]) -> list[str]:
    """What the messages say."""
    return [entry.body["text"] for entry in entries if entry.kind == "message"]


def replayed(entries: Sequence[Entry]) -> Mapping[int, Document]:
    """The body of every changed entry as the last change left it."""
    return {entry.target: entry.body for entry in entries if entry.target is not None}


__all__ = [
    "ADA",
    "BOB",
    "EVE",
    "change",
    "edit",
    "message",
    "new_id",
    "nodes",
    "now",
    "prepared",
    "react",
    "replayed",
    "texts",
    "whole",
]
