"""Every question to the collections of this slice is answered by an index."""

from datetime import UTC, datetime
from typing import Any

from crypto.ids import new_id
from tests.handlers.chat.test_plans import indexes_of
from tests.harness.servers import Server

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ME, ONE = new_id(), new_id()

QUESTIONS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("push_targets", {"_id": ONE}, {}, "_id_"),
    ("push_targets", {"_id": {"$in": [ONE, ME]}}, {}, "_id_"),
    ("push_targets", {"userId": {"$in": [ME, ONE]}}, {}, "user"),
    ("push_targets", {"digest": "x", "_id": {"$ne": ONE}}, {}, "digest"),
    ("push_matters", {"due": {"$lte": NOW}, "until": {"$lte": NOW}}, {"sort": [("due", 1)]}, "due"),
    ("push_matters", {"conversationId": ONE, "userId": ME, "due": {"$exists": False}}, {}, "conversation"),
    ("push_matters", {"conversationId": ONE}, {}, "conversation"),
    ("push_targets", {"userId": {"$in": [ME, ONE]}, "badge": {"$ne": 0}}, {}, "user"),
    ("push_targets", {"_id": ONE, "token": "x", "told": {"$in": [1, None]}}, {}, "_id_"),
    ("push_matters", {"_id": f"{ONE}/{ME}", "$or": [{"pushed": {"$gt": 0}}, {"due": {"$exists": True}}]}, {}, "_id_"),
    ("push_matters", {"_id": {"$in": [f"{ONE}/{ME}"]}}, {}, "_id_"),
    (
        "push_nodes",
        {"at": {"$lte": NOW}, "$or": [{"until": None}, {"until": {"$lte": NOW}}]},
        {"sort": [("at", 1)]},
        "at",
    ),
    ("push_matters", {"sessionId": {"$in": [ONE]}}, {}, "session"),
    ("push_matters", {"userId": ME}, {}, "user"),
    ("push_matters", {"userId": ME, "notice": True, "due": {"$exists": False}}, {}, "user"),
]


async def test_every_question_is_answered_by_an_index(server: Server) -> None:
    for collection, where, options, index in QUESTIONS:
        assert await indexes_of(server, collection, where, **options) == {index}, where
