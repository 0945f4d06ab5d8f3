"""Changing an entry: in place and in the log at once, one change after the other whoever makes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.log import Appended, Draft, Entry, Life, Log, NotThere, Refused
from storage.mongo import Document, Mongo
from tests.harness.clock import TurnableClock
from tests.storage.log_nodes import ADA, BOB, change, edit, message, new_id, nodes, react, replayed, texts, whole


def after(body: Document, op: str) -> Document:
    """What an operation of `racing` makes of a body."""
    what, value = op.split(":")
    if what == "edit":
        return {**body, "text": value}
    return {**body, "reactions": [*body.get("reactions", []), value]}


async def racing(log: Log, conversation: str, target: int, node: int) -> list[Appended]:
    """Edits and reactions of one node, all at once."""
    drafts = [react(conversation, target, f"{node}-{n}", op=f"react:{node}-{n}") for n in range(20)]
    drafts += [edit(conversation, target, f"{node}-{n}", op=f"edit:{node}-{n}") for n in range(20)]
    return await asyncio.gather(*(log.append(draft) for draft in drafts))


async def test_changes_of_two_nodes_leave_what_the_log_says(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        conversation = new_id()
        await logs[0].append(message(conversation, "first"))
        await logs[0].append(message(conversation, "second"))

        await asyncio.gather(*(racing(logs[n % 2], conversation, 1 + n // 2, n) for n in range(4)))

        entries = await whole(logs[0], conversation)
        assert len(entries) == 2 + 4 * 40
        state: dict[int, Document] = {1: {"text": "first"}, 2: {"text": "second"}}
        for entry in entries[2:]:
            assert entry.target is not None
            assert entry.op is not None
            state[entry.target] = after(state[entry.target], entry.op)
            assert entry.body == state[entry.target]
        assert {entry.seq: entry.body for entry in entries[:2]} == state == replayed(entries)


async def test_messages_and_their_changes_share_a_batch(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation, other = new_id(), new_id()

        answers = await asyncio.gather(
            log.append(message(conversation, "one")),
            log.append(edit(conversation, 1, "two")),
            log.append(message(other, "elsewhere")),
            log.append(react(conversation, 1, "+")),
            log.append(edit(conversation, 1, "three")),
            log.append(message(conversation, "last")),
        )

        entries = await whole(log, conversation)
        assert [entry.kind for entry in entries] == ["message", "edit", "reaction", "edit", "message"]
        assert [entry.body for entry in entries[:4]] == [
            {"text": "three", "reactions": ["+"]},
            {"text": "two"},
            {"text": "two", "reactions": ["+"]},
            {"text": "three", "reactions": ["+"]},
        ]
        assert [done.entry for done in answers if done.entry.conversation == conversation] == entries
        assert texts(await whole(log, other)) == ["elsewhere"]


async def test_a_change_that_raises_is_refused_alone_and_leaves_no_gap(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        await log.append(message(conversation, "hello"))

        def refuse(body: Document) -> Document:
            raise PermissionError(body["text"])

        answers = await asyncio.gather(
            log.append(react(conversation, 1, "a")),
            log.append(change(conversation, 1, refuse, kind="edit")),
            log.append(change(conversation, 1, lambda body: {**body, "n": 1 << 70}, kind="edit")),
            log.append(react(conversation, 9 << 70, "b")),
            log.append(react(conversation, 1, "c")),
            return_exceptions=True,
        )

        assert isinstance(answers[1], PermissionError)
        assert str(answers[1]) == "hello"
        assert isinstance(answers[2], Refused)
        assert isinstance(answers[3], NotThere)
        entries = await whole(log, conversation)
        assert [entry.kind for entry in entries] == ["message", "reaction", "reaction"]
        assert entries[0].body == {"text": "hello", "reactions": ["a", "c"]}


async def test_a_refused_change_alone_writes_nothing(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()

        with pytest.raises(NotThere):
            await log.append(edit(conversation, 1, "nothing is there"))

        assert await log.head(conversation) == 0
        assert (await log.append(message(conversation))).entry.seq == 1


async def test_a_repeated_change_is_made_once(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        conversation = new_id()
        await logs[0].append(message(conversation))

        answers = await asyncio.gather(
            *(logs[number % 2].append(react(conversation, 1, "+", op="operation-1")) for number in range(30))
        )
        later = await logs[1].append(react(conversation, 1, "-", op="operation-1"))

        assert {done.entry.seq for done in [*answers, later]} == {2}
        assert [done.duplicate for done in answers].count(False) == 1
        assert later.duplicate
        assert (await whole(logs[0], conversation))[0].body == {"text": "", "reactions": ["+"]}


async def test_a_repeated_send_is_answered_with_the_message_as_it_is_now(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = new_id()
        await one.append(message(conversation, "before", op="operation-1"))
        await one.append(edit(conversation, 1, "after"))

        again = await other.append(message(conversation, "before", op="operation-1"))

        assert (again.duplicate, again.entry.seq, again.entry.body) == (True, 1, {"text": "after"})


async def test_a_repeated_change_is_answered_although_it_would_not_be_allowed_any_more(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = new_id()
        await one.append(message(conversation, "hello"))

        def once(body: Document) -> Document:
            if "reactions" in body:
                raise PermissionError
            return {**body, "reactions": ["+"]}

        first = await one.append(change(conversation, 1, once, kind="reaction", op="operation-1"))
        again = await other.append(change(conversation, 1, once, kind="reaction", op="operation-1"))
        with pytest.raises(PermissionError):
            await other.append(change(conversation, 1, once, kind="reaction", op="operation-2"))

        assert (again.duplicate, again.entry) == (True, first.entry)


async def test_what_a_change_does_to_its_argument_stays_there(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        await log.append(message(conversation, "hello"))

        def spoil(body: Document) -> Document:
            body["text"] = "spoiled"
            raise PermissionError

        answers = await asyncio.gather(
            log.append(react(conversation, 1, "a")),
            log.append(change(conversation, 1, spoil, kind="edit")),
            log.append(react(conversation, 1, "b")),
            return_exceptions=True,
        )

        assert isinstance(answers[1], PermissionError)
        entries = await whole(log, conversation)
        assert [entry.body.get("reactions") for entry in entries] == [["a", "b"], ["a"], ["a", "b"]]
        assert {entry.body["text"] for entry in entries} == {"hello"}


async def test_a_change_sees_the_whole_entry_and_its_own_place(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        sent = await log.append(message(conversation, "hello", sender=BOB, op="operation-1"))
        seen: list[tuple[Entry, int]] = []

        def look(entry: Entry, seq: int) -> Document:
            seen.append((entry, seq))
            return entry.body

        await log.append(Draft(conversation=conversation, kind="pin", sender=ADA, target=1, change=look))

        assert seen == [(sent.entry, 2)]


async def test_a_change_expires_with_its_message_and_cannot_be_made_later(mongo: Mongo, clock: TurnableClock) -> None:
    async with nodes(mongo, 1, clock=clock.now) as (log,):
        conversation = new_id()
        expires = clock.now() + timedelta(minutes=1)
        await log.append(message(conversation, "secret", expires_at=expires))

        changed = await log.append(edit(conversation, 1, "also secret"))
        clock.advance(minutes=2)
        with pytest.raises(NotThere):
            await log.append(edit(conversation, 1, "too late"))

        assert changed.entry.expires_at == expires
        assert [(entry.kind, entry.body) for entry in await whole(log, conversation)] == [("noop", {}), ("noop", {})]


async def test_how_long_an_entry_lives_is_asked_with_its_time_after_the_guard(
    mongo: Mongo, clock: TurnableClock
) -> None:
    async with nodes(mongo, 1, clock=clock.now) as (log,):
        conversation, span = new_id(), timedelta(days=1)
        await log.append(Draft(conversation=conversation, kind="settings", sender=ADA))

        async def guard(_: Sequence[Entry]) -> None:
            nonlocal span
            span = timedelta(minutes=1)

        draft = message(conversation, "short", guard=guard, known=0, life=lambda at: Life(at + span))
        entry = (await log.append(draft)).entry

        assert entry.expires_at == entry.at + timedelta(minutes=1)
        assert await log.unread([(conversation, 0)], not_from=BOB) == {conversation: 1}
        clock.advance(minutes=2)
        assert await log.unread([(conversation, 0)], not_from=BOB) == {conversation: 0}


async def test_an_entry_may_be_over_for_its_sender_and_stay_for_the_others(mongo: Mongo, clock: TurnableClock) -> None:
    async with nodes(mongo, 1, clock=clock.now) as (log,):
        conversation = new_id()
        sent = await log.append(message(conversation, "read me", life=lambda at: Life(None, at + timedelta(minutes=1))))
        assert (sent.entry.over, (await whole(log, conversation))[0]) == (False, sent.entry)

        clock.advance(minutes=2)

        assert (await whole(log, conversation))[0] == replace(sent.entry, over=True)
        assert (await log.last_messages([conversation]))[conversation].over
        assert await log.unread([(conversation, 0)], not_from=BOB) == {conversation: 1}
        seen: list[bool] = []

        def look(entry: Entry, _: int) -> Document:
            seen.append(entry.over)
            return entry.body

        await log.append(Draft(conversation=conversation, kind="pin", sender=BOB, target=1, change=look))
        assert seen == [True]


async def test_what_has_expired_can_be_emptied_and_the_entry_that_does_so_stays(
    mongo: Mongo, clock: TurnableClock
) -> None:
    async with nodes(mongo, 1, clock=clock.now) as (log,):
        conversation = new_id()
        await log.append(message(conversation, "secret", expires_at=clock.now() + timedelta(minutes=1)))
        clock.advance(minutes=2)

        draft = change(conversation, 1, lambda _: {"gone": True}, kind="delete", even_expired=True, uncount=True)
        done = await log.append(draft)

        assert (done.entry.body, done.entry.expires_at) == ({"gone": True}, None)
        assert [(entry.kind, entry.body) for entry in await whole(log, conversation)] == [
            ("noop", {}),
            ("delete", {"gone": True}),
        ]
        stored = await mongo.collection("log").find_one({"s": 1})
        assert stored is not None
        assert stored["b"] == {"gone": True}


async def test_a_change_can_make_its_message_not_count_as_unread(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()
        for number in range(3):
            await log.append(message(conversation, str(number)))
        assert await log.unread([(conversation, 0)], not_from=BOB) == {conversation: 3}

        gone = change(conversation, 2, lambda body: {"deleted": True, "was": len(body)}, kind="delete")
        gone.uncount = True
        await log.append(gone)
        await log.append(react(conversation, 3, "+"))

        assert await log.unread([(conversation, 0)], not_from=BOB) == {conversation: 2}
        entry = await log.get(conversation, 2)
        assert entry is not None
        assert entry.body == {"deleted": True, "was": 1}
