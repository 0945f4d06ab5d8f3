"""Every question to the collections of the chat is answered by an index."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.ids import new_id
from handlers.chat.store.audit import acts
from handlers.chat.store.carriers import carrying
from handlers.chat.store.conversations import encrypted_of
from handlers.chat.store.drafts import drafts_of
from handlers.chat.store.editions import due, edits_of
from handlers.chat.store.index import changing, deleted_for, mentioning
from handlers.chat.store.links import open_links
from handlers.chat.store.members import in_large, member_key
from handlers.chat.store.pins import pinned_in
from handlers.chat.store.scheduled import to_send, waiting
from handlers.chat.store.stars import stars_of
from handlers.chat.store.threads import follows_of, replying, summing, unread_in
from handlers.chat.store.timers import expired_by, over_by, unused
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, say
from tests.harness.servers import Server

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ONE, OTHER, ME = new_id(), new_id(), new_id()


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Every stage of a plan."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for value in plan.values():
            yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


async def indexes_of(server: Server, collection: str, where: dict[str, Any], **options: Any) -> set[str]:
    """The indexes that the winning plan of a question reads; it must not read the whole collection."""
    plan = await server.app.mongo.collection(collection).raw.find(where, **options).explain()
    found = list(stages(plan["queryPlanner"]["winningPlan"]))
    names = {stage["stage"] for stage in found}
    assert "COLLSCAN" not in names, found
    if "IDHACK" in names:
        return {"_id_"}
    return {stage["indexName"] for stage in found if "indexName" in stage}


QUESTIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "conversation by id": ("conversations", {"_id": ONE}, {}, {"_id_"}),
    "conversation of a pair": ("conversations", {"pair": f"{ONE}/{OTHER}"}, {}, {"pair"}),
    "member by id": ("members", {"_id": member_key(ONE, ME), "active": True}, {}, {"_id_"}),
    "members of a conversation": (
        "members",
        {"conversationId": ONE, "active": True},
        {"sort": [("joinSeq", 1)]},
        {"conversation"},
    ),
    "conversations of a person": ("members", {"userId": ME, "active": True}, {}, {"user"}),
    "large conversations of people": (
        "members",
        in_large([ME, OTHER]),
        {"projection": {"_id": 0, "userId": 1, "conversationId": 1}, "hint": "large"},
        {"large"},
    ),
    "what was done to a group": ("chat_audit", acts(ONE, 9), {"sort": [("seq", -1)]}, {"acts"}),
    "link by its digest": ("chat_links", {"digest": "x"}, {}, {"digest"}),
    "links of a group": ("chat_links", open_links(ONE, NOW), {"sort": [("createdAt", -1)]}, {"of_group"}),
    "who waits": ("chat_join_requests", {"conversationId": ONE}, {"sort": [("at", 1)]}, {"queue"}),
    "where somebody waits": ("chat_join_requests", {"userId": ME}, {}, {"user"}),
    "mentions": (
        "log",
        mentioning(ME, [(ONE, 5), (OTHER, 9)], not_from=[ME], now=NOW),
        {"hint": "mentions"},
        {"mentions"},
    ),
    "encrypted conversations": (
        "conversations",
        encrypted_of([ONE, OTHER]),
        {"projection": {"_id": 1}, "hint": "encrypted"},
        {"encrypted"},
    ),
    "unread messages that one has deleted for oneself": (
        "log",
        deleted_for(ME, [(ONE, 5), (OTHER, 9)], not_from=[ME], now=NOW),
        {"hint": "gone"},
        {"gone"},
    ),
    "polls that are due": ("log", due(NOW), {"sort": [("b.poll.due", 1)], "hint": "pollsDue"}, {"pollsDue"}),
    "stars": ("stars", stars_of(ME, None, None), {"sort": [("at", -1), ("_id", -1)]}, {"mine"}),
    "stars, next page": ("stars", stars_of(ME, None, (NOW, "x")), {"sort": [("at", -1), ("_id", -1)]}, {"mine"}),
    "stars here": (
        "stars",
        stars_of(ME, ONE, (NOW, "x")),
        {"sort": [("at", -1), ("_id", -1)], "hint": "mine_there"},
        {"mine_there"},
    ),
    "stars of a message": ("stars", {"conversationId": ONE, "messageSeq": 5}, {}, {"message"}),
    "drafts": (
        "chat_drafts",
        drafts_of(ME, (NOW, "x")),
        {"sort": [("updatedAt", -1), ("_id", -1)]},
        {"mine"},
    ),
    "messages whose timer begins": ("log", unused(ONE, ME, 9), {"hint": "timersUnused"}, {"timersUnused"}),
    "messages that have expired": ("log", expired_by(NOW), {"sort": [("x", 1)], "hint": "expiring"}, {"expiring"}),
    "messages that are over for their sender": (
        "log",
        over_by(NOW),
        {"sort": [("o", 1)], "hint": "overForSender"},
        {"overForSender"},
    ),
    "scheduled messages of one here": (
        "scheduled",
        waiting(ME, ONE),
        {"sort": [("dueAt", 1), ("_id", 1)]},
        {"mine"},
    ),
    "scheduled messages that are due": ("scheduled", to_send(NOW), {"sort": [("dueAt", 1), ("_id", 1)]}, {"due"}),
    "edits of a message": ("log", edits_of(ONE, 5), {"sort": [("s", 1)], "hint": "targets"}, {"targets"}),
    "messages that carry an upload": (
        "log",
        carrying(ME, after=None, now=NOW),
        {"sort": [("_id", 1)], "hint": "attached"},
        {"attached"},
    ),
    "replies in a thread": (
        "log",
        replying((ONE, 5), viewer=ME, after=0, before=99, now=NOW),
        {"sort": [("s", -1)], "hint": "threads"},
        {"threads"},
    ),
    "unread replies in threads": (
        "log",
        unread_in(ME, [((ONE, 5), 7), ((OTHER, 2), 9)], not_from=[OTHER], now=NOW),
        {"hint": "threads"},
        {"threads"},
    ),
    "threads that one follows": (
        "thread_follows",
        follows_of(ME, None, (NOW, "x")),
        {"sort": [("at", -1), ("_id", -1)]},
        {"mine"},
    ),
    "threads that one follows here": (
        "thread_follows",
        follows_of(ME, ONE, None),
        {"sort": [("at", -1), ("_id", -1)], "hint": "mine_there"},
        {"mine_there"},
    ),
    "who follows a thread": ("thread_follows", {"conversationId": ONE, "rootSeq": 5}, {}, {"thread"}),
    "pins": ("pins", pinned_in(ONE), {"sort": [("messageSeq", 1)]}, {"message"}),
    "changes of a message": ("log", changing(ONE, 5, before=9), {"hint": "targets"}, {"targets"}),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_is_answered_by_its_index(server: Server, people: People, question: str) -> None:
    ada, bob = await people("ada", "bob")
    await say(ada, await direct(ada, bob), "hello there")
    collection, where, options, wanted = QUESTIONS[question]

    assert await indexes_of(server, collection, where, **options) == wanted


async def test_the_order_of_lists_is_read_by_id(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)

    found = await indexes_of(server, "conversations", {"_id": {"$in": [conversation, ONE]}})

    assert found <= {"_id_", "activity"}


async def test_a_thread_is_counted_without_reading_a_message(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    root = await say(ada, conversation)
    for _ in range(3):
        await say(bob, conversation, threadRootId=root["id"])

    log = server.app.mongo.collection("log").raw
    pipeline = summing(conversation, [root["seq"]], bob.id, 1, NOW)
    explained = await log.database.command(
        {"explain": {"aggregate": "log", "pipeline": pipeline, "cursor": {}, "hint": "threads"}}
    )

    found = list(stages(explained))
    assert {stage["indexName"] for stage in found if "indexName" in stage} == {"threads"}
    assert not {"FETCH", "COLLSCAN"} & {stage["stage"] for stage in found}
