"""The users of a run: their clients, who belongs where, and everything they do while nodes die."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import aiohttp

from tests.chaos.client import Client
from tests.chaos.courier import Courier
from tests.chaos.history import Change, History
from tests.chaos.people import Account, HttpRefused, People
from tests.chaos.plan import Plan

TICK_SECONDS = 0.02
CHECK_SECONDS = 1.0
REGISTER_AT_ONCE = 8
CHANGE_ATTEMPTS = 20
CHANGE_PAUSE_SECONDS = 0.3
GONE = 404
"""The status by which a server says that somebody is no member."""


@dataclass(slots=True)
class Room:
    """A conversation, and who is in it as far as was acknowledged."""

    id: str
    owner: Account
    inside: list[Courier]
    outside: list[Courier]
    frozen: bool = False
    """Whether the outcome of a change stayed unknown: then nobody is added or removed any more."""


class Crowd:
    """Everybody."""

    def __init__(self, plan: Plan, people: People, history: History) -> None:
        self.rooms: list[Room] = []
        self.clients: list[Client] = []
        self._plan = plan
        self._people = people
        self._history = history
        self._accounts: dict[str, Account] = {}

    @property
    def acked(self) -> int:
        """Messages that were acknowledged so far."""
        return sum(client.courier.acked for client in self.clients)

    @property
    def pending(self) -> int:
        """Messages that are on their way."""
        return sum(client.courier.pending for client in self.clients)

    @property
    def online(self) -> int:
        """Clients that are connected."""
        return sum(client.courier.online for client in self.clients)

    async def gather(self, http: aiohttp.ClientSession, nodes: Sequence[str]) -> None:
        """Register everybody and make the conversations."""
        chance = self._plan.chance("rooms")
        tag = chance.randrange(16**6)
        names = [f"chaos{tag:06x}{number:03d}" for number in range(self._plan.users)]
        for start in range(0, len(names), REGISTER_AT_ONCE):
            batch = names[start : start + REGISTER_AT_ONCE]
            for account in await asyncio.gather(*(self._people.register(name) for name in batch)):
                self._hire(account, http, nodes)
        for number in range(self._plan.conversations):
            await self._make_room(f"Room {number}", chance)

    def _hire(self, account: Account, http: aiohttp.ClientSession, nodes: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        number = len(self.clients)

        def later(pause: float, call: Callable[[], None]) -> None:
            loop.call_later(pause, call)

        courier = Courier(f"client-{number:03d}", account.id, self._history, later, window=self._plan.window)
        self._accounts[courier.name] = account
        token = partial(self._people.token, account)
        chance = self._plan.chance(f"client {number}")
        self.clients.append(Client(courier, token=token, nodes=nodes, http=http, chance=chance))

    async def _make_room(self, name: str, chance: random.Random) -> None:
        couriers = [client.courier for client in self.clients]
        chosen = chance.sample(couriers, self._plan.members + 2)
        inside, outside = chosen[: self._plan.members], chosen[self._plan.members :]
        owner = self._accounts[inside[0].name]
        conversation = await self._people.group(owner, name, [self._accounts[one.name] for one in inside[1:]])
        self._history.group(conversation, [one.user for one in inside])
        for courier in inside:
            courier.follow(conversation)
        self.rooms.append(Room(conversation, owner, inside, outside))

    async def talk(self, more: Callable[[], bool]) -> None:
        """Say things at the plan's rate until all that it wants is acknowledged and nobody wants `more`."""
        chance = self._plan.chance("talk")
        loop = asyncio.get_running_loop()
        due, last = 0.0, loop.time()
        ends = last + self._plan.seconds
        while self.acked < self._plan.messages or last < ends or more():
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            due = min(due + (now - last) * self._plan.rate, self._plan.rate)
            last = now
            if last >= ends and not more():
                due = max(0.0, min(due, float(self._plan.messages + self._plan.window - self.acked - self.pending)))
            while due >= 1:
                self._say(chance)
                due -= 1

    def _say(self, chance: random.Random) -> None:
        room = chance.choice(self.rooms)
        courier = chance.choice(room.inside)
        if courier.free:
            courier.say(room.id, twice=chance.random() < self._plan.twice)

    async def lose_connections(self) -> None:
        """Now and then a client loses its connection; one that gets no answers gives it up. Until cancelled."""
        chance = self._plan.chance("cuts")
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for client in self.clients:
                client.check()
                if chance.random() < self._plan.cuts:
                    client.cut()

    async def change_members(self) -> None:
        """Add and remove members, one at a time. Until cancelled."""
        chance = self._plan.chance("members")
        while self._plan.changes > 0:
            await asyncio.sleep(1 / self._plan.changes)
            room = chance.choice(self.rooms)
            if room.frozen:
                continue
            adding = bool(room.outside) and (len(room.inside) <= 3 or chance.random() < 0.6)
            if adding:
                await self._change("add", room, chance.choice(room.outside))
            elif len(room.inside) > 3:
                await self._change("remove", room, chance.choice(room.inside[1:]))

    async def _change(self, op: Change, room: Room, courier: Courier) -> None:
        if op == "remove":
            room.inside.remove(courier)
        else:
            room.outside.remove(courier)
        self._history.change(op, room.id, courier.user)
        if not await self._certain(op, room, courier):
            room.frozen = True
            return
        self._history.changed(op, room.id, courier.user)
        if op == "add":
            courier.follow(room.id)
            room.inside.append(courier)
        else:
            courier.forget(room.id)
            room.outside.append(courier)

    async def _certain(self, op: Change, room: Room, courier: Courier) -> bool:
        """Ask for a change until it is certain that it has happened; False when that stays unknown.

        Both may be repeated. An answer that takes too long ends it: that attempt may still do something later.
        """
        call = self._people.add if op == "add" else self._people.remove
        for attempt in range(CHANGE_ATTEMPTS):
            try:
                await call(room.owner, room.id, courier.user)
            except TimeoutError:
                return False
            except HttpRefused as refusal:
                if refusal.status == GONE and op == "remove" and attempt:
                    return True
                if refusal.status < 500:
                    raise
            except (aiohttp.ClientError, OSError):
                pass  # the process was killed, or is: the next attempt finds out what became of this one
            else:
                return True
            await asyncio.sleep(CHANGE_PAUSE_SECONDS)
        return False

    def settled(self) -> bool:
        """Whether everybody is online, has said everything and knows of nothing that it misses."""
        return all(client.courier.settled for client in self.clients)

    def caught_up(self) -> bool:
        """Whether everybody has everything that was acknowledged to anybody."""
        for room in self.rooms:
            head = max((client.courier.reached.get(room.id, 0) for client in self.clients), default=0)
            if any(courier.position(room.id) < head for courier in room.inside):
                return False
        return self.settled()
