"""Writes that commit with an entry: all of it or nothing, and the fault of one is not the fault of others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from storage.log import Draft, Log, Refused, Unavailable
from storage.mongo import DeleteOne, Document, IndexModel, InsertOne, Mongo, UpdateOne, Write
from tests.storage.log_nodes import ADA, message, new_id, nodes, texts, whole

MEMBERS = "members"


def joins(conversation: str, user: str, **more: object) -> Draft:
    """An entry whose effect is a membership that remembers the entry's seq."""

    def write(seq: int) -> list[tuple[str, Write]]:
        return [(MEMBERS, InsertOne({"_id": f"{conversation}/{user}", "user": user, "seq": seq, **more}))]

    return Draft(conversation=conversation, kind="member", sender=ADA, body={"joins": user}, effects=write)


async def members(mongo: Mongo) -> list[Document]:
    """Every membership, by seq."""
    return await mongo.collection(MEMBERS).find({}, limit=1000, sort=[("seq", 1)])


async def test_effects_know_the_seq_of_their_entry(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        conversation = new_id()

        await asyncio.gather(*(logs[n % 2].append(joins(conversation, f"user-{n}")) for n in range(30)))

        entries = await whole(logs[0], conversation)
        assert [(entry.body["joins"], entry.seq) for entry in entries] == [
            (member["user"], member["seq"]) for member in await members(mongo)
        ]


async def test_an_entry_and_its_effects_are_written_together_or_not_at_all(mongo: Mongo) -> None:
    class Interrupted(Log):
        """A log that stops working right after the entries were written in the transaction."""

        async def insert(self, documents: Sequence[Document], session: Any = None) -> None:
            await super().insert(documents, session)
            raise RuntimeError("stopped before the effects")

    conversation = new_id()
    async with nodes(mongo, 1, kind=Interrupted) as (log,):
        with pytest.raises(Unavailable):
            await log.append(joins(conversation, "bob"))

    async with nodes(mongo, 1) as (log,):
        assert await log.head(conversation) == 0
        assert await members(mongo) == []
        assert (await log.append(joins(conversation, "bob"))).entry.seq == 1
        assert len(await members(mongo)) == 1


async def test_an_effect_that_the_database_refuses_takes_only_its_own_entry_along(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        await mongo.collection(MEMBERS).create_indexes([IndexModel([("user", 1)], unique=True)])
        await log.append(joins(conversation, "bob"))

        answers = await asyncio.gather(
            log.append(joins(conversation, "eve")),
            log.append(joins(new_id(), "bob")),
            log.append(joins(conversation, "odd", n=1 << 70)),
            log.append(message(conversation, "hello")),
            log.append(joins(conversation, "mallory")),
            return_exceptions=True,
        )

        assert isinstance(answers[1], Refused)
        assert isinstance(answers[2], Refused)
        assert (answers[1].conflict, answers[2].conflict) == (True, False)
        entries = await whole(log, conversation)
        assert [entry.body.get("joins") for entry in entries] == ["bob", "eve", None, "mallory"]
        assert [member["user"] for member in await members(mongo)] == ["bob", "eve", "mallory"]


async def test_effects_before_the_one_that_is_refused_are_undone(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        await log.append(joins(conversation, "bob"))

        def twice(seq: int) -> list[tuple[str, Write]]:
            same = InsertOne({"_id": f"{conversation}/bob"})
            return [("audit", InsertOne({"_id": seq})), (MEMBERS, same)]

        with pytest.raises(Refused):
            await log.append(Draft(conversation=conversation, kind="member", sender=ADA, effects=twice))

        assert await mongo.collection("audit").count({}) == 0
        assert await log.head(conversation) == 1


async def test_effects_that_raise_refuse_their_entry_alone(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()

        def fail(seq: int) -> list[tuple[str, Write]]:
            raise LookupError(seq)

        odd = Draft(conversation=conversation, kind="member", sender=ADA, effects=fail)
        answers = await asyncio.gather(
            log.append(message(conversation, "one")),
            log.append(odd),
            log.append(message(conversation, "two")),
            return_exceptions=True,
        )

        assert isinstance(answers[1], LookupError)
        assert texts(await whole(log, conversation)) == ["one", "two"]


async def test_effects_that_meet_another_writer_are_tried_again(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        collection = mongo.collection("counters")
        await collection.insert({"_id": "all", "n": 0})

        def count(_: int) -> list[tuple[str, Write]]:
            return [("counters", UpdateOne({"_id": "all"}, {"$inc": {"n": 1}}))]

        conversations = [new_id() for _ in range(6)]
        await asyncio.gather(
            *(
                log.append(Draft(conversation=one, kind="card", sender=ADA, effects=count))
                for one in conversations
                for log in logs
                for _ in range(5)
            ),
            *(collection.update_one({"_id": "all"}, {"$inc": {"n": 100}}) for _ in range(20)),
        )

        assert await collection.find_one({"_id": "all"}) == {"_id": "all", "n": 60 + 2000}
        assert await logs[0].heads(conversations) == dict.fromkeys(conversations, 10)


async def test_an_entry_may_have_effects_and_change_another(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        await log.append(joins(conversation, "bob"))
        await log.append(message(conversation, "hello"))

        def leave(seq: int) -> list[tuple[str, Write]]:
            return [
                (MEMBERS, DeleteOne({"user": "bob"})),
                ("audit", InsertOne({"_id": seq})),
                (MEMBERS, InsertOne({"_id": "left", "user": "nobody", "seq": seq})),
            ]

        await log.append(
            Draft(
                conversation=conversation,
                kind="delete",
                sender=ADA,
                target=2,
                change=lambda entry, _: {"was": entry.body["text"]},
                effects=leave,
            )
        )

        assert [member["user"] for member in await members(mongo)] == ["nobody"]
        assert await mongo.collection("audit").find_one({}) == {"_id": 3}
        assert (await whole(log, conversation))[1].body == {"was": "hello"}
