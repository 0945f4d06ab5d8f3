"""The collection behind the log: its name, its indexes, and how many conversations are asked about in one trip."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from storage.mongo import ASCENDING, Document, IndexModel

T = TypeVar("T")
Stages = Sequence[Mapping[str, Any]]

COLLECTION = "log"

OPERATIONS = "operations"
KINDS = "kinds"
UNREAD = "unread"

CHUNK = 100
"""Conversations asked about in one aggregation: each is one stage of it, and 1,000 stages are the most there may be."""


def indexes() -> list[IndexModel]:
    """The indexes that the log needs, beside the one of `_id`. It is not correct without `operations`."""
    return [
        IndexModel(
            [("c", ASCENDING), ("u", ASCENDING), ("d", ASCENDING), ("m", ASCENDING)],
            name=OPERATIONS,
            unique=True,
            partialFilterExpression={"m": {"$exists": True}},
        ),
        IndexModel([("c", ASCENDING), ("k", ASCENDING), ("s", ASCENDING)], name=KINDS),
        IndexModel(
            [("c", ASCENDING), ("s", ASCENDING), ("u", ASCENDING), ("n", ASCENDING)],
            name=UNREAD,
            partialFilterExpression={"n": {"$exists": True}},
        ),
    ]


def chunks(things: Iterable[T]) -> Iterator[list[T]]:
    """The things, CHUNK at a time."""
    rest = iter(things)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def union(things: Sequence[T], stages: Callable[[T], Stages]) -> list[Document]:
    """One pipeline over the log that puts the results for each thing one after the other.

    Each part is planned by itself with its own constants, so each is as good as a query of its own.
    """
    pipeline: list[Document] = [dict(stage) for stage in stages(things[0])]
    pipeline += [{"$unionWith": {"coll": COLLECTION, "pipeline": list(stages(thing))}} for thing in things[1:]]
    return pipeline
