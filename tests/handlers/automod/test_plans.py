"""Every question of AutoMod to its collections is answered by an index, and a group without rules asks none."""

from typing import Any

import pytest

from crypto.ids import new_id
from handlers.automod.store.acts import acts
from handlers.automod.store.held import same, waiting, waiting_of
from storage.redis import RedisError
from tests.handlers.automod.helpers import BLOCK, refused, rule
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import group, said, say
from tests.handlers.chat.test_plans import indexes_of
from tests.harness.servers import Server

ONE, ME = new_id(), new_id()
NEWEST = [("_id", -1)]

QUESTIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "rules": ("automod_rules", {"_id": ONE}, {}, {"_id_"}),
    "same operation": ("automod_held", same(ONE, ME, "device", "op"), {}, {"once"}),
    "held by id": ("automod_held", {"_id": ONE, "scopeId": ONE}, {}, {"_id_"}),
    "queue": (
        "automod_held",
        {**waiting(ONE), "_id": {"$gt": ONE}},
        {"sort": [("_id", 1)], "hint": "queue"},
        {"queue"},
    ),
    "held of a member": ("automod_held", waiting_of(ONE, ME), {"hint": "once"}, {"once"}),
    "held of a person": ("automod_held", {"userId": ME}, {}, {"of"}),
    "acts": ("automod_acts", acts(ONE, ONE), {"sort": NEWEST, "hint": "acts"}, {"acts"}),
    "acts about a person": ("automod_acts", {"userId": ME}, {}, {"of"}),
}


async def test_every_question_is_answered_by_its_index(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    await rule(ada, await group(ada, bob), mentions={"most": 5, "consequence": BLOCK})  # of no collection is no plan
    found = {
        name: await indexes_of(server, collection, where, **options)
        for name, (collection, where, options, _) in QUESTIONS.items()
    }

    assert found == {name: wanted for name, (_, _, _, wanted) in QUESTIONS.items()}


async def test_a_group_without_rules_does_not_even_ask(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    plain, ruled = await group(ada, bob), await group(ada, bob)
    await rule(ada, ruled, mentions={"most": 5, "consequence": BLOCK})
    asked: list[str] = []
    judge = server.service("automod").judge
    real = judge.judge

    async def counted(said_: Any) -> Any:
        asked.append(said_.conversation_id)
        return await real(said_)

    monkeypatch.setattr(judge, "judge", counted)
    await say(bob, plain, "one")
    await say(bob, ruled, "two")

    assert asked == [ruled]


async def test_rules_without_counting_ask_neither_redis_nor_the_database(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    ruled = await group(ada, bob)
    await rule(ada, ruled, mentions={"most": 5, "consequence": BLOCK}, allow=["x"])
    await say(bob, ruled, "one")
    automod = server.service("automod")

    async def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("asked")

    monkeypatch.setattr(automod.library._store, "get", never)
    monkeypatch.setattr(automod.judge._scales._counters, "_seen", never)
    await say(bob, ruled, "two")

    assert await said(ada, ruled) == ["one", "two"]


async def test_without_redis_messages_go_on_and_each_server_counts_alone(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    ruled = await group(ada, bob)
    await rule(ada, ruled, mentionRaid={"most": 2, "seconds": 60, "consequence": BLOCK})

    async def away(*_: Any) -> Any:
        raise RedisError("away")

    monkeypatch.setattr(server.service("automod").judge._scales._counters, "_seen", away)
    await say(bob, ruled, "one", mentionedUserIds=[ada.id])
    await say(bob, ruled, "two", mentionedUserIds=[ada.id])
    full = await refused(bob, ruled, "three", mentionedUserIds=[ada.id])
    await say(bob, ruled, "four")

    assert full.code == "chat.screened"
    assert await said(ada, ruled) == ["one", "two", "four"]
