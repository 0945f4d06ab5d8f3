"""Every question of safety to its collections is answered by an index."""

from datetime import UTC, datetime
from typing import Any

from crypto.ids import new_id
from tests.handlers.chat.test_plans import indexes_of
from tests.harness.servers import Server

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ONE, ME = new_id(), new_id()

QUESTIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "case of a reporter": ("safety_cases", {"reporterId": ME, "target": ONE}, {}, {"once"}),
    "queue of cases": (
        "safety_cases",
        {"status": "open", "_id": {"$gt": ONE}},
        {"sort": [("_id", 1)], "hint": "queue"},
        {"queue"},
    ),
    "cases about a person": ("safety_cases", {"userId": ME}, {}, {"about"}),
    "cases by a person": ("safety_cases", {"reporterId": ME}, {}, {"once"}),
    "evidence that is over": ("safety_evidence", {"expiresAt": {"$lte": NOW}}, {}, {"due"}),
    "evidence with a person": ("safety_evidence", {"messages.senderId": ME}, {}, {"senders"}),
    "measures of a person": (
        "safety_measures",
        {"userId": ME, "_id": {"$lt": ONE}},
        {"sort": [("_id", -1)], "hint": "of"},
        {"of"},
    ),
    "running suspension": (
        "safety_measures",
        {"userId": ME, "kind": "suspension", "active": True},
        {"hint": "suspended"},
        {"suspended"},
    ),
    "suspensions that are over": (
        "safety_measures",
        {"kind": "suspension", "active": True, "until": {"$lte": NOW}},
        {"sort": [("until", 1)]},
        {"due"},
    ),
    "appeals against measures": ("safety_appeals", {"measureId": {"$in": [ONE, ME]}}, {}, {"once"}),
    "queue of appeals": (
        "safety_appeals",
        {"status": "open", "_id": {"$gt": ONE}},
        {"sort": [("_id", 1)], "hint": "queue"},
        {"queue"},
    ),
    "appeals of a person": ("safety_appeals", {"userId": ME}, {}, {"of"}),
    "audit log": ("safety_audit", {"_id": {"$lt": 5}}, {"sort": [("_id", -1)]}, {"_id_"}),
    "audit log of a moderator": ("safety_audit", {"by": ME}, {"sort": [("_id", -1)], "hint": "by"}, {"by"}),
    "audit log about a person": ("safety_audit", {"userId": ME}, {"sort": [("_id", -1)], "hint": "about"}, {"about"}),
}


async def test_every_question_is_answered_by_its_index(server: Server) -> None:
    found = {
        name: await indexes_of(server, collection, where, **options)
        for name, (collection, where, options, _) in QUESTIONS.items()
    }

    assert found == {name: wanted for name, (_, _, _, wanted) in QUESTIONS.items()}
