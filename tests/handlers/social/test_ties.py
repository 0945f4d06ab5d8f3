"""What other slices ask: who may write to whom, who may see whom, and whether an index answers."""

from typing import Any

import pytest

from handlers.social.service import Social
from handlers.social.store import key_of
from handlers.social.store.blocks import BLOCKS
from handlers.social.store.pairs import PAIRS
from storage.mongo import Document, Mongo
from tests.conftest import People
from tests.handlers.social.helpers import ask, befriend, block
from tests.harness.servers import Server


@pytest.mark.parametrize("tie", ["stranger", "asked", "friend", "muted friend", "blocked", "blocking"])
async def test_who_may_write_to_whom(server: Server, people: People, tie: str) -> None:
    ada, bob = await people("ada", "bob")
    if tie == "asked":
        await ask(ada, bob)
    if tie in {"friend", "muted friend"}:
        friendship = await befriend(ada, bob)
        if tie == "muted friend":
            await bob.ask("PUT", f"/api/friends/{friendship}", {"allows": {"canMessage": False}})
    if tie == "blocked":
        await block(bob, ada)
    if tie == "blocking":
        await block(ada, bob)
    social: Social = server.service("social")

    may = {}
    for preference in ("everyone", "friends", "none"):
        await bob.ask("PUT", "/api/users/me/privacy", {"contactPreference": preference})
        may[preference] = await social.may_contact(ada.id, bob.id)

    expected = {
        "stranger": {"everyone": True, "friends": False, "none": False},
        "asked": {"everyone": True, "friends": False, "none": False},
        "friend": {"everyone": True, "friends": True, "none": False},
        "muted friend": {"everyone": False, "friends": False, "none": False},
        "blocked": {"everyone": False, "friends": False, "none": False},
        "blocking": {"everyone": False, "friends": False, "none": False},
    }
    assert may == expected[tie]
    assert not await social.may_contact(ada.id, "01890a5d-ac96-774b-bcce-b302099a8057")


async def test_what_is_between_two_is_told_as_each_sees_it(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    friendship = await befriend(ada, bob)
    await block(ada, cleo)
    social: Social = server.service("social")

    seen = [await social.friendship(one.id, other.id) for one, other in ((ada, bob), (bob, ada), (bob, cleo))]

    assert [one and (one.id, one.user and one.user.username) for one in seen] == [
        (friendship, "bob"),
        (friendship, "ada"),
        None,
    ]
    mine, theirs = await social.friendship(ada.id, cleo.id), await social.friendship(cleo.id, ada.id)
    assert mine is not None
    assert (mine.status, theirs) == ("blocked", None)
    assert await social.friends_among(ada.id, [bob.id, cleo.id, ada.id]) == {bob.id}
    assert await social.blocked_among(cleo.id, [ada.id, bob.id]) == {ada.id}
    assert await social.friends_among(ada.id, []) == await social.blocked_among(ada.id, []) == set()


INDEXES: dict[str, Any] = {
    "friendships": PAIRS,
    "blocks": BLOCKS,
}


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
    me, other = "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"
    indexes: dict[str, Any] = {
        "friendships": PAIRS,
        "blocks": BLOCKS,
    }
    for name, some in indexes.items():
        await mongo.collection(name).create_indexes(some)
    newest = [("id", -1)]
    both = [{"requesterId": me, "status": "accepted"}, {"recipientId": me, "status": "accepted"}]
    after = {"id": {"$lt": other}}

    await indexed(mongo, "friendships", {"_id": {"$in": [key_of(me, other)]}, "status": "blocked"})
    await indexed(mongo, "friendships", {"id": other, "status": "pending"})
    await indexed(mongo, "friendships", {"$or": both})
    some = {"$in": [me, other]}
    each = [{"requesterId": some, "status": "accepted"}, {"recipientId": some, "status": "accepted"}]
    await indexed(mongo, "friendships", {"$or": each})
    await indexed(mongo, "friendships", {"$or": [one | after for one in both]}, newest)
    await indexed(mongo, "friendships", {"recipientId": me, "status": "pending", "hushed": False, **after}, newest)
    await indexed(mongo, "friendships", {"requesterId": me, "status": "pending"}, newest)
    await indexed(mongo, "friendships", {"blockedBy": me, **after}, newest)
    await indexed(mongo, "friendships", {"$or": [{"requesterId": me}, {"recipientId": me}]})
    await indexed(mongo, "blocks", {"blockerId": me, "blockedUserId": other})
    await indexed(mongo, "blocks", {"blockerId": me, "_id": {"$lt": other}}, [("_id", -1)])
    await indexed(mongo, "blocks", {"blockedUserId": me})


def test_the_key_of_a_pair_does_not_depend_on_who_is_named_first() -> None:
    assert key_of("b", "a") == key_of("a", "b") == "a:b"
