"""Where the stories happen: two servers in this process, five people with three devices, and a push service."""

import asyncio
import os
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from handlers.chat.models.conversations import ListedConversations, NewConversation
from handlers.chat.service import Chat
from handlers.push.models import AFTER, SENT, Note, Outcome, Registration, Target
from handlers.push.service import Push
from handlers.users.models import Account
from run import CORE
from server.actors import Actor, Caller
from server.errors import Overloaded, Unavailable
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server
from tests.properties.device import Device
from tests.properties.truth import Counts, Deeds, logs_of, recount

PEOPLE = 5
DEVICES = 3
"""Of each person. The last one always sleeps, and is pushed."""
TOKEN_SECONDS = 86_400
LONGEST = timedelta(hours=20)
"""After so long on the clock everybody signs in again."""
SETTLED_SECONDS = 30.0
HERE = Caller("http", "127.0.0.1", "Stories")


class Recorder:
    """Stands for a push service: takes every note, and remembers the last badge of each device."""

    def __init__(self) -> None:
        self.badges: dict[str, int] = {}

    async def send(self, target: Target, note: Note) -> Outcome:
        """Take a note."""
        self.badges[target.session_id] = note.badge
        return SENT

    async def close(self) -> None:
        """There is nothing to close."""


class Place:
    """Two servers, people and their devices. Each story has conversations of its own, and leaves nothing."""

    def __init__(self, pair: tuple[Server, Server], clock: TurnableClock) -> None:
        self.pair = pair
        self.clock = clock
        self.people: list[str] = []
        self.devices: dict[tuple[int, int], Device] = {}
        self.deeds = Deeds()
        self.conversations: list[str] = []
        self.members: list[list[int]] = []
        """Who may be in a conversation, its owner first."""
        self.recorder = Recorder()
        self._accounts: list[Account] = []
        self._actors: dict[tuple[int, int], Actor] = {}
        self._tokens: dict[tuple[int, int], str] = {}
        self._since = clock.now()

    @classmethod
    async def open(cls, database: str) -> "Place":
        """Start the servers, on the storage that the environment names."""
        os.environ["MIXEE_AUTH_ACCESS_SECONDS"] = str(TOKEN_SECONDS)
        os.environ["MIXEE_PUSH_ACK_SECONDS"] = "0"
        os.environ["MIXEE_PUSH_AT_ONCE"] = "2"
        clock, folder = TurnableClock(running=True), Path(tempfile.mkdtemp(prefix="mixee-stories-"))
        one = await servers.start(CORE, database=database, data_dir=folder, clock=clock)
        other = await servers.start(CORE, database=database, data_dir=folder, clock=clock)
        place = cls((one, other), clock)
        for number in range(PEOPLE):
            users = one.service("users")
            account: Account = await users.draft(
                username=f"person_{number}", email=f"person{number}@example.com", display_name=f"Person {number}"
            )
            await users.create(account)
            place.people.append(account.id)
            place._accounts.append(account)
        for server in (one, other):
            push: Push = server.service("push")
            vars(push)["_senders"]["fcm"] = place.recorder
            server.service("chat").when_read(push.intake.read)
        await place._sign_in()
        return place

    async def close(self) -> None:
        """Stop the servers."""
        for device in self.devices.values():
            await device.sleep()
        await self.pair[0].app.mongo.drop()
        for server in reversed(self.pair):
            await server.stop()

    def actor(self, user: int, device: int = 0) -> Actor:
        """Somebody as a service sees him."""
        return self._actors[user, device]

    def chat(self, which: int = 0) -> Chat:
        """The chat of one of the two servers."""
        found: Chat = self.pair[which].service("chat")
        return found

    async def head(self, conversation: str) -> int:
        """The last entry of a conversation."""
        return (await self.chat().heads([conversation]))[conversation]

    async def begin(self) -> None:
        """Begin a story: two groups and two direct conversations, and everybody's devices are awake."""
        if self.clock.now() - self._since > LONGEST:
            await self._sign_in()
        self.deeds, self.conversations, self.members = Deeds(), [], []
        for owner, others in ((0, [1, 2, 3, 4]), (1, [0, 2])):
            await self._create("group", owner, others, name="Crew")
        for one, other in ((0, 1), (2, 3)):
            await self._create("direct", one, [other])
        for device in self.devices.values():
            device.forget()
        awake = [one for one in self.devices if one[1] < DEVICES - 1]
        await asyncio.gather(*(self.wake(*one) for one in awake))

    async def end(self) -> None:
        """End a story: nothing of it is left."""
        mongo = self.pair[0].app.mongo
        for blocker, other in self.deeds.blocks:
            await self.pair[0].service("social").blocks.unblock(blocker, other)
        for server in self.pair:
            await self._write_down(server)
        for where, entries in (await logs_of(mongo, self.conversations)).items():
            await mongo.collection("log").delete_many({"_id": {"$in": [one["_id"] for one in entries]}})
            await mongo.collection("members").delete_many({"conversationId": where})
            await mongo.collection("conversations").delete_many({"_id": where})
        await mongo.collection("push_matters").delete_many({"userId": {"$in": self.people}})
        await mongo.collection("push_targets").update_many({}, {"$set": {"badge": 0}})
        self._forget_badges()

    async def wake(self, user: int, number: int) -> None:
        """Let a device connect, or if it is connected begin anew."""
        device = self.devices[user, number]
        if device.awake:
            await device.catch_up()
        else:
            await device.wake(self.pair[(user + number) % 2].url, self._tokens[user, number])

    async def check(self) -> None:
        """Wait until server, devices and pushes say what a recount says. Raises AssertionError with what differs."""
        wrong = ""
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLED_SECONDS
        while loop.time() < until:
            await self._settle()
            with self.clock.still():
                wrong = await self._differences()
            if not wrong:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(wrong)

    async def _create(self, kind: Any, owner: int, others: list[int], **more: Any) -> None:
        wanted = NewConversation(type=kind, participant_ids=[self.people[one] for one in others], **more)
        while True:
            try:
                made = await self.chat().conversations.create(self.actor(owner), wanted)
                break
            except (Unavailable, Overloaded):  # the machine has too much to do; whether it was made is not certain
                await asyncio.sleep(0.1)
        self.conversations.append(made.id)
        self.members.append([owner, *others])

    async def _sign_in(self) -> None:
        """Sessions for every device; the last of each person is where he is pushed."""
        self._since = self.clock.now()
        for user, account in enumerate(self._accounts):
            for number in range(DEVICES):
                name = f"device-{user}-{number}"
                session, tokens = await self.pair[0].service("auth").book.open(account, HERE, name)
                self._tokens[user, number] = tokens.access_token
                self._actors[user, number] = Actor(
                    account.id, "user", frozenset(), session.id, name, self.clock.now() + LONGEST
                )
                if (user, number) in self.devices:
                    await self.devices[user, number].sleep()
                self.devices[user, number] = Device(account.id, name)
            push: Push = self.pair[0].service("push")
            wanted = Registration(platform="fcm", token=f"registration-token-of-person-{user}")
            await push.register(self.actor(user, DEVICES - 1), wanted)
        self._forget_badges()

    def _forget_badges(self) -> None:
        """Nobody has a conversation: every device shows nothing."""
        self.recorder.badges = {self.actor(user, DEVICES - 1).session_id: 0 for user in range(PEOPLE)}

    async def _settle(self) -> None:
        """Let everything come to rest: what expired is swept away, what was told is heard, what is due is pushed."""
        await self.chat().timers.sweep()
        for which, server in enumerate(self.pair):
            await self.chat(which)._notes.settle()
            await self._write_down(server)
        await asyncio.gather(*(self._hear(device) for device in self.devices.values() if device.awake))
        for server in self.pair:
            await self._write_down(server)
        workers = [server.service("push").worker for server in self.pair]
        due = True
        while due:
            due = bool(sum(await asyncio.gather(*(worker.sweep() for worker in workers))))
            self.clock.advance(seconds=AFTER.total_seconds())
            due = bool(sum(await asyncio.gather(*(worker.sweep() for worker in workers)))) or due

    async def _hear(self, device: Device) -> None:
        if device.behind:
            await device.catch_up()
        await device.settle()

    async def _write_down(self, server: Server) -> None:
        await server.app.relay.settle()
        await server.service("push").intake.settle()

    async def _differences(self) -> str:
        """What is not as a recount says; empty when everything is."""
        now, found = self.clock.now(), []
        logs = await logs_of(self.pair[0].app.mongo, self.conversations)
        views = await asyncio.gather(*(self._views(user) for user in range(PEOPLE)))
        for user, person in enumerate(self.people):
            truth = recount(logs, person, self.deeds, now)
            for name, counts in views[user].items():
                if counts != truth:
                    found.append(f"{name} of person {user} says {counts}, and a recount {truth}")
            told = self.recorder.badges[self.actor(user, DEVICES - 1).session_id]
            if told != truth.badge:
                found.append(f"the last push to person {user} said {told}, and a recount {truth.badge}")
        return "\n".join(found)

    async def _views(self, user: int) -> Mapping[str, Counts]:
        now, actor = self.clock.now(), self.actor(user)
        chat, other = self.chat(user % 2), self.chat((user + 1) % 2)
        unread: dict[str, tuple[int, int]] = {}
        for archived in (False, True):
            page = await chat.listing.page(actor, ListedConversations(archived=archived, limit=100))
            unread |= {one.id: (one.unread, one.mentions) for one in page.conversations}
        notice = await other.notices.of(actor, self.conversations[0], 1)
        views = {"the list": Counts(unread, page.total), "the server": Counts(unread, notice.badge.number)}
        for (owner, number), device in self.devices.items():
            if owner == user and device.awake:
                views[f"device {number}"] = Counts(device.counted(now), device.badge(now))
        return {name: Counts(self._here(view.unread), view.badge) for name, view in views.items()}

    def _here(self, unread: Mapping[str, tuple[int, int]]) -> Mapping[str, tuple[int, int]]:
        """Of the conversations of this story: one may have been made twice, when it was not certain whether it was."""
        return {one: counts for one, counts in unread.items() if one in self.conversations}
