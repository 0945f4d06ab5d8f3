"""Every question about contacts is answered by an index."""

from typing import Any

from handlers.contacts.store import ALLOWANCES, INDEX, MATCHES, WAITS
from storage.mongo import Document, Mongo


def stages(plan: Document) -> set[str]:
    """Every stage of a winning plan."""
    found = {plan["stage"]} if "stage" in plan else set()
    for inner in [plan.get("inputStage"), *plan.get("inputStages", [])]:
        found |= stages(inner) if inner else set()
    return found


async def indexed(mongo: Mongo, name: str, where: Document, sort: list[tuple[str, int]] | None = None) -> None:
    plan = (await mongo.collection(name).explain(where, sort=sort))["queryPlanner"]["winningPlan"]
    used = stages(plan)
    assert "COLLSCAN" not in used, (name, where, plan)
    assert "SORT" not in used, (name, where, plan)


async def test_every_question_is_answered_by_an_index(mongo: Mongo) -> None:
    me, now = "01890a5d-ac96-774b-bcce-b302099a8057", "now"
    indexes: dict[str, Any] = {
        "contact_index": INDEX,
        "contact_matches": MATCHES,
        "contact_waits": WAITS,
        "contact_allowances": ALLOWANCES,
    }
    for name, some in indexes.items():
        await mongo.collection(name).create_indexes(some)

    await indexed(mongo, "contact_index", {"hash": {"$in": ["a", "b"]}})
    await indexed(mongo, "contact_index", {"userId": me, "_id": {"$nin": []}})
    await indexed(mongo, "contact_matches", {"ownerId": me, "_id": {"$gt": me}}, [("_id", 1)])
    await indexed(mongo, "contact_matches", {"_id": {"$in": [me]}})
    untold = {"userId": me, "tellUntil": {"$gt": now}, "_id": {"$gt": me}}
    await indexed(mongo, "contact_matches", untold, [("_id", 1)])
    await indexed(mongo, "contact_matches", {"userId": me})
    await indexed(mongo, "contact_waits", {"hash": {"$in": ["a", "b"]}, "until": {"$gt": now}})
    await indexed(mongo, "contact_waits", {"ownerId": me})
    await indexed(mongo, "contact_allowances", {"_id": me, "version": 3})
