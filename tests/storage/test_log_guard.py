"""Guards: nobody writes after the entry that removed them, whatever the caller's node believed."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from storage.log import Draft, Entry, Hooks, Log, Unavailable
from storage.mongo import Mongo
from tests.storage.log_nodes import ADA, BOB, EVE, message, new_id, nodes, texts, whole


class Removed(Exception):
    """The sender is not a member any more."""


def membership(conversation: str, user: str, *, member: bool = True) -> Draft:
    """An entry that lets a user in or puts it out."""
    return Draft(conversation=conversation, kind="member", sender=ADA, body={"user": user, "member": member})


class Guarded:
    """A message with a guard that remembers what it was shown."""

    def __init__(self, conversation: str, sender: str, text: str = "", *, known: int | None = None) -> None:
        self.shown: list[list[int]] = []
        self._sender = sender
        self.draft = message(conversation, text, sender=sender, guard=self._check, known=known)

    async def _check(self, missed: Sequence[Entry]) -> None:
        self.shown.append([entry.seq for entry in missed])
        for entry in reversed(missed):
            if entry.body.get("user") == self._sender:
                if not entry.body["member"]:
                    raise Removed(self._sender)
                return


async def group(log: Log, *users: str) -> str:
    """A conversation with these members; entry n lets the n-th of them in."""
    conversation = new_id()
    for user in users:
        await log.append(membership(conversation, user))
    return conversation


async def test_a_member_removed_through_another_node_is_refused(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = await group(one, ADA, BOB)
        await one.append(message(conversation, "hello", sender=BOB))
        await other.append(membership(conversation, BOB, member=False))

        stale, fine = Guarded(conversation, BOB, "still here?"), Guarded(conversation, ADA, "bye")
        refused = one.submit(stale.draft)
        accepted = one.submit(fine.draft)

        with pytest.raises(Removed):
            await refused
        assert (await accepted).entry.seq == 5
        assert stale.shown == fine.shown == [[4]]
        assert texts(await whole(one, conversation)) == ["hello", "bye"]


async def test_a_removal_that_came_up_with_the_message_of_another_is_not_forgotten(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = await group(one, ADA, BOB)
        await other.append(membership(conversation, BOB, member=False))
        await one.append(message(conversation, "nobody asked a guard"))

        stale = Guarded(conversation, BOB)
        with pytest.raises(Removed):
            await one.append(stale.draft)

        assert stale.shown == [[3]]


async def test_a_removal_queued_in_front_of_a_message_is_seen_by_its_guard(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = await group(log, ADA, BOB)

        removal = log.submit(membership(conversation, BOB, member=False))
        before, after = Guarded(conversation, ADA, "hello"), Guarded(conversation, BOB)
        accepted, refused = log.submit(before.draft), log.submit(after.draft)

        assert (await removal).entry.seq == 3
        assert (await accepted).entry.seq == 4
        with pytest.raises(Removed):
            await refused
        assert before.shown == after.shown == [[3]]


async def test_a_guard_is_asked_about_what_came_after_that_which_its_caller_knows(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = await group(log, ADA, BOB, EVE)
        await log.append(message(conversation))
        await log.append(membership(conversation, EVE, member=False))

        drafts = {known: Guarded(conversation, BOB, known=known) for known in (0, 2, 3, 4, 5)}
        fresh = Guarded(conversation, BOB)
        for guarded in [*drafts.values(), fresh]:
            await log.append(guarded.draft)

        shown = {known: guarded.shown for known, guarded in drafts.items()}
        assert shown == {0: [[1, 2, 3, 5]], 2: [[3, 5]], 3: [[5]], 4: [[5]], 5: []}
        assert fresh.shown == []


async def test_the_first_message_on_a_node_is_judged_by_all_there_was(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = await group(one, ADA, BOB)

        first, second = Guarded(conversation, BOB), Guarded(conversation, BOB)
        await other.append(first.draft)
        await other.append(second.draft)

        assert first.shown == [[1, 2]]
        assert second.shown == []


async def test_a_guard_is_not_asked_about_messages_of_other_nodes(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = await group(one, ADA, BOB)
        await one.append(message(conversation))
        await other.append(message(conversation))

        guarded = Guarded(conversation, BOB)
        done = await one.append(guarded.draft)

        assert done.entry.seq == 5
        assert guarded.shown == []


async def test_a_repeat_is_answered_although_its_sender_was_removed_since(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = await group(one, ADA, BOB)
        sent = Guarded(conversation, BOB, "hello", known=2)
        sent.draft.op = "operation-1"
        first = await one.append(sent.draft)
        await other.append(membership(conversation, BOB, member=False))
        await one.append(message(conversation, "this node knows now"))

        again = await one.append(sent.draft)

        assert sent.shown == [[4]]
        assert (again.duplicate, again.entry) == (True, first.entry)
        assert await one.head(conversation) == 5


class Overtake(Hooks):
    """Has another node append something whenever this one is about to."""

    def __init__(self, other: Log, drafts: Sequence[Draft]) -> None:
        self._other = other
        self._drafts = list(drafts)

    async def before_insert(self, entries: Sequence[Entry]) -> None:
        if self._drafts and entries[-1].kind == "message":
            await self._other.append(self._drafts.pop(0))


async def test_a_guard_that_agreed_is_asked_again_about_what_is_new_only(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (other,):
        conversation = await group(other, ADA, BOB)
        overtaking = [message(conversation), membership(conversation, EVE), membership(conversation, BOB, member=False)]
        async with nodes(mongo, 1, hooks=Overtake(other, overtaking)) as (one,):
            guarded = Guarded(conversation, BOB, known=1)
            with pytest.raises(Removed):
                await one.append(guarded.draft)

        assert guarded.shown == [[2], [4], [5]]
        assert await other.head(conversation) == 5


async def test_a_guard_that_does_not_answer_holds_nobody_up_for_long(mongo: Mongo) -> None:
    async with nodes(mongo, 2, attempt=0.6) as (one, other):
        conversation = await group(one, ADA, BOB)
        await other.append(membership(conversation, EVE))

        async def sleep(_: Sequence[Entry]) -> None:
            await asyncio.Event().wait()

        stuck = one.submit(message(conversation, "never", guard=sleep))
        free = one.submit(message(conversation, "now"))

        with pytest.raises(Unavailable):
            await stuck
        assert (await free).entry.seq == 4
        assert texts(await whole(one, conversation)) == ["now"]


class Chat:
    """A node's server: it decides by members it remembers, and learns of others' changes late or never."""

    def __init__(self, log: Log, conversation: str, users: Sequence[str]) -> None:
        self._log = log
        self._conversation = conversation
        self._members = dict.fromkeys(users, True)
        self._known = len(users)

    async def send(self, user: str) -> None:
        """Say something, if this node believes that the user may."""
        if not self._members[user]:
            return
        known = self._known
        await asyncio.sleep(0)
        guarded = Guarded(self._conversation, user, user, known=known)
        try:
            await self._log.append(guarded.draft)
        except Removed:
            self._members[user] = False

    async def remove(self, user: str) -> None:
        """Put a user out; this node knows of it a moment after it is so."""
        await self._log.append(membership(self._conversation, user, member=False))
        await asyncio.sleep(0)
        self._members[user] = False


@pytest.mark.parametrize("seed", range(4))
async def test_there_is_no_message_by_anyone_after_their_removal(mongo: Mongo, seed: int) -> None:
    chance = random.Random(seed)
    users = [f"user-{number}" for number in range(12)]
    async with nodes(mongo, 2, lanes=1, max_batch=20) as logs:
        conversation = await group(logs[0], *users)
        servers = [Chat(log, conversation, users) for log in logs]

        async def talk(user: str, server: Chat) -> None:
            for _ in range(12):
                await server.send(user)

        async def remove(user: str) -> None:
            for _ in range(chance.randrange(40)):
                await asyncio.sleep(0.001)
            await chance.choice(servers).remove(user)

        talks = [talk(user, server) for user in users for server in servers]
        await asyncio.gather(*talks, *(remove(user) for user in users[:9]))

        removed: set[str] = set()
        for entry in await whole(logs[0], conversation):
            if entry.kind == "member" and not entry.body["member"]:
                removed.add(entry.body["user"])
            assert entry.kind != "message" or entry.sender not in removed
        assert removed == set(users[:9])
