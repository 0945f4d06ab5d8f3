"""Unread counters against a brute-force recount of the log, after thousands of random operations at once."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from handlers.chat.models.conversations import ListedConversations, NewConversation, NewParticipants, OneParticipant
from handlers.chat.models.messages import ChangedMessage, Message, NewMessage, OneMessage, OneReaction
from handlers.chat.models.reading import Reading
from handlers.chat.service import Chat
from handlers.social.models import NewBlock
from handlers.social.service import Social
from server.actors import Actor
from server.errors import Forbidden, MixeeError, NotFound, Overloaded, Unavailable
from tests.handlers.chat.conftest import Pair, account
from tests.harness.clock import TurnableClock
from tests.harness.people import make_friends
from tests.harness.servers import Server

PEOPLE = 6
DEVICES = 3
OPERATIONS = 10_000
CHECKS = 6
"""How often everybody pauses and everything is counted again."""

Counts = dict[tuple[str, str], tuple[int, int]]
"""Unread messages and mentions, by person and conversation."""


@dataclass
class World:
    """Some people, what they have in common, and what only they know: whom they block and what they have read."""

    pair: Pair
    clock: TurnableClock
    dice: random.Random
    people: list[str]
    groups: list[str] = field(default_factory=list)
    directs: dict[str, tuple[str, str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    said: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    read: dict[tuple[str, str], int] = field(default_factory=dict)
    blocks: set[tuple[str, str]] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    @property
    def server(self) -> Server:
        """One of the two servers, the first most of the time."""
        return self.pair[self.dice.random() < 0.15]

    @property
    def chat(self) -> Chat:
        """The chat of one of the two servers."""
        found: Chat = self.server.service("chat")
        return found

    def actor(self, user: str, device: int = 0) -> Actor:
        """Somebody on one of three devices."""
        return Actor(user, "user", frozenset(), f"session-{device}", f"device-{device}", self.clock.now())

    def somewhere(self, user: str) -> str:
        """A conversation that the person is or was in."""
        return self.dice.choice(self.groups + [one for one, two in self.directs.items() if user in two])


async def certain(world: World, actor: Actor, message: NewMessage) -> Message:
    """Send until it is answered, as a client must: without an answer it may be in the log, and nobody knows it yet."""
    while True:
        try:
            return await (await world.chat.messages.send(actor, message))
        except (Unavailable, Overloaded) as error:
            world.done[f"say: {error.code}"] += 1
            await asyncio.sleep((error.retry_after_ms or 1000) / 1000)


async def say(world: World, user: str) -> None:
    """Somebody says something, perhaps to somebody, perhaps for a while only."""
    where, dice = world.somewhere(user), world.dice
    others = [one for one in world.directs.get(where, world.people) if one != user]
    message = NewMessage(
        conversation_id=where,
        client_message_id=f"unread-{dice.getrandbits(60):x}",
        type="text",
        content=f"by {user[-4:]}",
        mentioned_user_ids=[dice.choice(others)] if dice.random() < 0.2 else [],
        expires_in=dice.randint(30, 400) if dice.random() < 0.15 else None,
    )
    actor = world.actor(user, dice.randrange(DEVICES))
    answer = await certain(world, actor, message)
    world.heads[where] = max(world.heads[where], answer.seq)
    world.said[where].append((answer.id, user))
    if dice.random() < 0.05:
        await (await world.chat.messages.send(actor, message))


async def read(world: World, user: str) -> None:
    """Somebody reads up to a place on one device."""
    where = world.somewhere(user)
    upto = world.dice.randint(max(1, world.heads[where] - 12), world.heads[where])
    answer = await world.chat.receipts.mark(
        world.actor(user), Reading(conversation_id=where, up_to_seq=upto), read=True
    )
    assert answer.read_seq >= upto
    world.read[user, where] = max(world.read.get((user, where), 0), upto)


async def receive(world: World, user: str) -> None:
    """Somebody's device receives, which is not reading."""
    where = world.somewhere(user)
    await world.chat.receipts.mark(
        world.actor(user), Reading(conversation_id=where, up_to_seq=world.heads[where]), read=False
    )


async def take_back(world: World, user: str) -> None:
    """Somebody deletes a message of his own, or the owner of the group any."""
    where = world.somewhere(user)
    mine = [one for one, sender in world.said[where][-30:] if user in {sender, world.owners.get(where)}]
    if mine:
        await (await world.chat.changes.delete(world.actor(user), OneMessage(message_id=world.dice.choice(mine))))


async def change(world: World, user: str) -> None:
    """Somebody edits a message of his own, or reacts to one."""
    where = world.somewhere(user)
    if not world.said[where]:
        return
    message, sender = world.dice.choice(world.said[where][-30:])
    actor = world.actor(user)
    if sender == user:
        edit = ChangedMessage(message_id=message, content=f"edited {world.dice.random()}")
        await (await world.chat.changes.edit(actor, edit))
    else:
        reaction = OneReaction(message_id=message, emoji=world.dice.choice("👍🎉💡"))
        await (await world.chat.changes.react(actor, reaction, on=world.dice.random() < 0.7))


async def block(world: World, user: str) -> None:
    """Somebody blocks another, or no longer does."""
    other = world.dice.choice([one for one in world.people if one != user])
    social: Social = world.server.service("social")
    if (user, other) in world.blocks:
        await social.blocks.unblock(user, other)
        world.blocks.discard((user, other))
    elif len(world.blocks) < 3:
        await social.blocks.block(user, NewBlock(user_id=other))
        world.blocks.add((user, other))


async def come_and_go(world: World, user: str) -> None:
    """Somebody leaves a group, or is removed from it, or is brought into it."""
    where = world.dice.choice(world.groups)
    owner, chat = world.owners[where], world.chat
    if user == owner:
        return
    target = OneParticipant(conversation_id=where, user_id=user)
    by = user if world.dice.random() < 0.5 else owner
    try:
        await chat.participants.remove(world.actor(by), target)
    except MixeeError:
        await chat.participants.add(world.actor(owner), NewParticipants(conversation_id=where, user_ids=[user]))


ACTS = {say: 72, read: 11, receive: 3, take_back: 5, change: 5, block: 1, come_and_go: 3}
ON_ONE_DEVICE = {block, come_and_go}
"""What a person does on the first device only, since the test itself keeps book of it."""


async def live(world: World, user: str, device: int, acts: int) -> None:
    """One device does so many things, one after the other; what is refused is done as well."""
    kinds = {act: weight for act, weight in ACTS.items() if device == 0 or act not in ON_ONE_DEVICE}
    for act in world.dice.choices(list(kinds), list(kinds.values()), k=acts):
        try:
            await act(world, user)
        except MixeeError as error:
            world.done[f"{act.__name__}: {error.code}"] += 1
        else:
            world.done[act.__name__] += 1


async def recount(world: World, now: datetime) -> Counts:
    """Everybody's unread messages, counted from nothing but the stored entries and what the people know."""
    counts: Counts = {}
    for where in [*world.groups, *world.directs]:
        entries = await stored(world.pair[0], where)
        assert [entry["s"] for entry in entries] == list(range(1, len(entries) + 1))
        for user in world.people:
            since = position(entries, user, world.read.get((user, where), 0))
            if since is not None:
                silent = {other for blocker, other in world.blocks if blocker == user}
                open_ = [one for one in entries if one["s"] > since and is_unread(one, user, silent, now)]
                named = sum(user in one["b"].get("mentions", ()) for one in open_)
                counts[user, where] = (len(open_), named)
    return counts


async def stored(server: Server, conversation: str) -> list[dict[str, Any]]:
    """The entries of a conversation as they lie in the database."""
    raw = server.app.mongo.collection("log").raw
    first = UUID(conversation).bytes
    cursor = raw.find({"_id": {"$gte": first + bytes(8), "$lte": first + b"\xff" * 8}}).sort("_id")
    return await cursor.to_list(None)


def position(entries: Iterable[dict[str, Any]], user: str, read: int) -> int | None:
    """Up to where the person has read; None for somebody who is not a member."""
    since: int | None = None
    for entry in entries:
        body = entry["b"]
        if entry["k"] == "member" and user in body.get("users", ()):
            since = entry["s"] if body["action"] in {"created", "added"} else None
        elif entry["k"] == "message" and entry["u"] == user and since is not None:
            since = entry["s"]
    return None if since is None else max(since, read)


def is_unread(entry: dict[str, Any], user: str, silent: set[str], now: datetime) -> bool:
    """Whether an entry is something that somebody else said and that the person may still read."""
    body = entry["b"]
    return (
        entry["k"] == "message"
        and entry["u"] != user
        and entry["u"] not in silent
        and user not in body.get("hiddenFrom", ())
        and "deletedAt" not in body
        and (entry.get("x") is None or entry["x"] > now)
    )


async def counted(world: World, server: Server) -> Counts:
    """What the server counts."""
    chat: Chat = server.service("chat")
    counts: Counts = {}
    for user in world.people:
        page = await chat.listing.page(world.actor(user), ListedConversations(limit=100))
        counts |= {(user, one.id): (one.unread, one.mentions) for one in page.conversations}
    return counts


async def new_world(pair: Pair, clock: TurnableClock, seed: int) -> World:
    """People with two groups of all and a direct conversation for some pairs."""
    people = [(await account(pair[0], "person")).id for _ in range(PEOPLE)]
    world = World(pair, clock, random.Random(seed), people)
    for owner in people[:2]:
        wanted = NewConversation(type="group", name="All", participant_ids=people)
        made = await world.chat.conversations.create(world.actor(owner), wanted)
        world.groups.append(made.id)
        world.owners[made.id] = owner
    for one, other in itertools.pairwise(people):
        await make_friends(pair[0], one, other)
        wanted = NewConversation(type="direct", participant_ids=[other])
        made = await world.chat.conversations.create(world.actor(one), wanted)
        world.directs[made.id] = (one, other)
    for where in [*world.groups, *world.directs]:
        world.heads[where], world.said[where] = 1, []
    return world


async def fall_out(world: World, user: str, other: str) -> None:
    """Begin with what chance may bring late or never: somebody blocks another, and leaves a group."""
    where = next(one for one, two in world.directs.items() if set(two) == {user, other})
    await world.chat.participants.remove(
        world.actor(user), OneParticipant(conversation_id=world.groups[0], user_id=user)
    )
    await world.server.service("social").blocks.block(user, NewBlock(user_id=other))
    world.blocks.add((user, other))
    unheard = NewMessage(conversation_id=where, client_message_id="unread-unheard", type="text", content="Hello?")
    await (await world.chat.messages.send(world.actor(other), unheard))
    for refused, here in ((Forbidden, where), (NotFound, world.groups[0])):
        message = unheard.model_copy(update={"conversation_id": here})
        with pytest.raises(refused):
            await (await world.chat.messages.send(world.actor(user), message))


@pytest.mark.timeout(180)
async def test_r25_unread_counters_equal_a_recount_after_ten_thousand_random_operations(
    pair: Pair, clock: TurnableClock
) -> None:
    world = await new_world(pair, clock, seed=20_261_124)
    await fall_out(world, world.people[2], world.people[3])

    devices = [(user, device) for user in world.people for device in range(DEVICES)]
    for _ in range(CHECKS):
        acts = OPERATIONS // CHECKS // len(devices) + 1
        await asyncio.gather(*(live(world, user, device, acts) for user, device in devices))
        clock.advance(seconds=40)
        for server in pair:
            await counted(world, server)  # each server writes its own notes down before it counts
        with clock.still():  # or a message expires after it was counted and before it is counted again
            found = [await counted(world, server) for server in pair]
            expected = await recount(world, clock.now())
        assert found == [expected, expected], world.done

    assert sum(world.done.values()) >= OPERATIONS
    assert {act.__name__ for act in ACTS} <= world.done.keys()
