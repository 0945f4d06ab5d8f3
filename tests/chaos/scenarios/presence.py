"""F9: processes die under people who are online on several, and devices flap; friends see what is true, and no more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.chaos.cluster import Node
from tests.chaos.devices import Device, Watcher
from tests.chaos.harness import Place
from tests.chaos.people import Account
from tests.chaos.scenarios.outcome import Outcome
from tests.chaos.town import Town, town

NAME = "F9 presence"
NODES = 3
POLL_SECONDS = 0.05
START_SECONDS = 120.0
FRIENDS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Presences:
    """How many kills and people, how many flapping devices and cycles, and the settings of presence."""

    kills: int = 30
    doubles: int = 30
    """People with devices at two processes."""
    singles: int = 15
    """People with one device."""
    devices: int = 1_000
    cycles: int = 30
    span: float = 2.0
    """Seconds that a flapping device is there at most, each time."""
    at_once: int = 50
    lease: float = 4.0
    beat: float = 1.0
    grace: float = 3.0
    slack: float = 3.0
    """What the machine may add to lease and grace, in seconds."""


FULL = Presences()
SHORT = Presences(
    kills=2, doubles=6, singles=3, devices=20, cycles=3, span=0.5, lease=2.0, beat=0.5, grace=2.0, slack=10.0
)


def since_it_came(statuses: Sequence[str]) -> Sequence[str]:
    """What was told from the first time that a device was there: a new friend is told at once, and is offline."""
    return statuses[statuses.index("online") :] if "online" in statuses else statuses


class _Square:
    """Where everybody is, and what may be said of it."""

    def __init__(self, here: Town, options: Presences, outcome: Outcome) -> None:
        self._here = here
        self._options = options
        self._outcome = outcome
        self._tasks: set[asyncio.Task[None]] = set()
        self.watchers: list[Watcher] = []
        self._devices: list[tuple[Device, int]] = []
        """Devices and the numbers of the processes at which they stay."""
        self.slowest = 0.0

    async def gather(self) -> None:
        """Let a watcher stay at each process, and everybody else at theirs."""
        nodes = self._here.cluster.nodes
        token = self._here.people.token
        watching = await self._here.register("watcher", NODES)
        doubles = await self._here.register("double", self._options.doubles)
        singles = await self._here.register("single", self._options.singles)
        await self.befriend(watching, [*doubles, *singles])
        self.watchers = [
            Watcher(account, f"w-{number}", [nodes[number].front], token) for number, account in enumerate(watching)
        ]
        for number, account in enumerate([*doubles, *singles]):
            places = (number, number + 1) if account in doubles else (number,)
            for place in {one % NODES for one in places}:
                self._devices.append((Device(account, f"d-{place}", [nodes[place].front], token), place))
        for device in [*self.watchers, *(device for device, _ in self._devices)]:
            self._tasks.add(asyncio.create_task(device.stay()))
        await self.sees(dict.fromkeys(self._people(), "online"), self.watchers, START_SECONDS, "everybody is there")

    async def befriend(self, watching: Sequence[Account], others: Iterable[Account]) -> None:
        """Make the watching friends of all others."""
        turns = asyncio.Semaphore(FRIENDS_AT_ONCE)

        async def tie(one: Account, other: Account) -> None:
            async with turns:
                await self._here.people.befriend(one, other)

        await asyncio.gather(*(tie(other, one) for one in watching for other in others))

    async def sees(self, truth: Mapping[str, str], watchers: Sequence[Watcher], seconds: float, what: str) -> float:
        """Wait until these watchers see what is true; how long that took. Too long is noted."""
        began = time.monotonic()
        while any(watcher.sees(user) != status for watcher in watchers for user, status in truth.items()):
            if time.monotonic() - began > seconds:
                wrong = [
                    f"{watcher.name} sees {watcher.sees(user)} for {user}, who is {status}"
                    for watcher in watchers
                    for user, status in truth.items()
                    if watcher.sees(user) != status
                ]
                self._outcome.broken.append(f"{what}: after {seconds:.0f} s {len(wrong)} are wrong: {wrong[:3]}")
                break
            await asyncio.sleep(POLL_SECONDS)
        return time.monotonic() - began

    async def kill(self, number: int) -> None:
        """Kill one process, see who is taken for gone; start it again, see that they are taken for here."""
        node = self._here.cluster.nodes[number]
        lost = {device.account.id for device, place in self._devices if place == number}
        kept = {device.account.id for device, place in self._devices if place != number}
        gone = lost - kept
        truth = dict.fromkeys(kept, "online") | dict.fromkeys(gone, "offline")
        others = [watcher for place, watcher in enumerate(self.watchers) if place != number]
        marks = {watcher: len(watcher.log) for watcher in others}
        bound = self._options.lease + self._options.grace + self._options.slack
        self._outcome.faults["kill"] += 1
        await self._here.cluster.kill(node)
        await self._never(lambda: self._false_offline(marks, kept))
        took = await self.sees(truth, others, bound, f"death of {node.name}")
        self.slowest = max(self.slowest, took)
        await self._here.cluster.start(node)
        await self._everybody_back(node)
        await self.sees(dict.fromkeys(truth, "online"), self.watchers, bound, f"return of {node.name}")
        self._false_offline(marks, kept)
        for watcher in others:
            told = watcher.told(marks[watcher])
            for user in gone:
                if told.get(user, []) != ["offline", "online"]:
                    self._outcome.broken.append(
                        f"{watcher.name} was told {told.get(user)} of {user}, who left and came"
                    )

    async def _never(self, check: Callable[[], None]) -> None:
        """For as long as a false burial would take at most."""
        await asyncio.sleep(self._options.lease)
        check()

    def _false_offline(self, marks: Mapping[Watcher, int], kept: set[str]) -> None:
        for watcher, mark in marks.items():
            for user, statuses in watcher.told(mark).items():
                if user in kept and "offline" in statuses:
                    self._outcome.broken.append(
                        f"{watcher.name} was told that {user} is offline, who was here all along"
                    )

    async def _everybody_back(self, node: Node) -> None:
        ends = time.monotonic() + START_SECONDS
        while not all(one.up for one in [*self.watchers, *(device for device, _ in self._devices)]):
            if time.monotonic() > ends:
                raise TimeoutError(f"devices did not come back to {node.name}")
            await asyncio.sleep(POLL_SECONDS)

    def _people(self) -> set[str]:
        return {device.account.id for device, _ in self._devices}

    async def flap(self) -> None:
        """Devices of people with one each come and go; friends are told at most one thing in each grace period."""
        options, people = self._options, await self._here.register("flapper", self._options.devices)
        watcher = self.watchers[0]
        await self.befriend([watcher.account], people)
        urls = self._here.cluster.urls
        devices = [Device(one, "flap", urls, self._here.people.token) for one in people]
        mark, began = len(watcher.log), time.monotonic()
        turns = asyncio.Semaphore(options.at_once)
        await asyncio.gather(*(device.flap(options.cycles, options.span, turns) for device in devices))
        truth = dict.fromkeys((one.id for one in people), "online")
        bound = options.lease + options.grace + options.slack
        await self.sees(truth, [watcher], bound, "devices that flapped and stay")
        told, most = watcher.told(mark), (time.monotonic() - began) / options.grace + 1
        self._outcome.faults["flap"] += len(devices) * options.cycles
        steady = 0
        for device in devices:
            statuses = since_it_came(told.get(device.account.id, []))
            if len(statuses) > most:
                self._outcome.broken.append(f"{device.account.id} flapped, and {len(statuses)} changes were told")
            if device.longest_gap < options.grace / 2:
                steady += 1
                if "offline" in statuses:
                    self._outcome.broken.append(
                        f"{device.account.id} was away {device.longest_gap:.1f} s and told offline"
                    )
        self._outcome.figures["flapping"] = (
            f"{len(devices):,} devices, {sum(map(len, told.values())):,} changes told, "
            f"{steady:,} devices never away for half a grace period"
        )
        await self._go(devices, watcher, bound)

    async def _go(self, devices: Sequence[Device], watcher: Watcher, bound: float) -> None:
        """All leave for good, and that is told once of each."""
        mark = len(watcher.log)
        for device in devices:
            device.leave()
        truth = dict.fromkeys((device.account.id for device in devices), "offline")
        await self.sees(truth, [watcher], bound, "devices that left")
        wrong = {user: statuses for user, statuses in watcher.told(mark).items() if user in truth}
        if any(statuses != ["offline"] for statuses in wrong.values()):
            self._outcome.broken.append("of some who left more was told than that they are offline")

    async def close(self) -> None:
        """Everybody leaves."""
        for device in [*self.watchers, *(device for device, _ in self._devices)]:
            device.leave()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def _square(here: Town, options: Presences, outcome: Outcome) -> AsyncIterator[_Square]:
    one = _Square(here, options, outcome)
    try:
        await one.gather()
        yield one
    finally:
        await one.close()


async def play(options: Presences, place: Place) -> Outcome:
    """Do it."""
    began = time.monotonic()
    outcome = Outcome(scenario=NAME, seconds=0.0)
    settings = {
        "MIXEE_PRESENCE_LEASE_SECONDS": str(options.lease),
        "MIXEE_PRESENCE_BEAT_SECONDS": str(options.beat),
        "MIXEE_PRESENCE_GRACE_SECONDS": str(options.grace),
        "MIXEE_PRESENCE_QUIET_SECONDS": str(options.grace),
    }
    async with town(place, NODES, settings=settings) as here, _square(here, options, outcome) as square:
        await asyncio.sleep(options.lease)  # before that no process would bury another
        for number in range(options.kills):
            await square.kill(number % NODES)
        outcome.figures["true again within"] = (
            f"{square.slowest:.1f} s (at most {options.lease + options.grace:.0f} s of lease and grace, "
            f"and {options.slack:.0f} s)"
        )
        await square.flap()
    outcome.seconds = time.monotonic() - began
    return outcome
