"""Devices of the reference client talk through the running server: what is said arrives, and nobody else reads it."""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from crypto.directory import base64
from crypto.signal.client.circle import Circle
from crypto.signal.client.device import Device, Received, Refused
from crypto.signal.client.fingerprint import display
from crypto.signal.client.store import SQLiteStore
from crypto.signal.errors import NoSession, UntrustedIdentity
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import shown
from tests.handlers.envelopes.helpers import circle, secret
from tests.handlers.keys.helpers import another
from tests.harness.people import Door, Person, Refusal

KEYS = 3
"""One-time keys of each kind."""
BOTH = pytest.mark.parametrize("desk", ["http", "socket"], indirect=True)
"""Through either door."""
MARKER = "zq-nobody-else-may-read-this"


class Way:
    """A courier through one of the doors, signed in as one device."""

    def __init__(self, person: Person, kind: str) -> None:
        self.person = person
        self._door = Door(kind)

    async def ask(self, command: str, given: Mapping[str, Any]) -> Any:
        try:
            return await self._door(self.person, command, given)
        except Refusal as refusal:
            raise Refused(refusal.code, refusal.data) from refusal


class Desk:
    """Makes devices, each with a file of its own."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._keys: dict[str, bytes] = {}
        self._stores: list[SQLiteStore] = []

    def store(self, name: str) -> SQLiteStore:
        """The store of that name, opened anew."""
        key = self._keys.setdefault(name, secrets.token_bytes(32))
        self._stores.append(SQLiteStore(self._folder / f"{name}.db", key))
        return self._stores[-1]

    def device(self, person: Person, name: str | None = None) -> Device:
        """A device of a sign-in, not registered yet."""
        store, clock = self.store(name or secrets.token_hex(4)), person.server.app.clock
        return Device(person.id, Way(person, self._kind), store, now=clock.now)

    async def first(self, person: Person, name: str | None = None) -> Device:
        """The first device of somebody."""
        device = self.device(person, name)
        await device.register(keys=KEYS)
        return device

    async def next(self, first: Device, person: Person) -> Device:
        """Another device of the same person: it gets the identity from the first one, however that is done."""
        token = (await first.courier.ask("keys.link_token", {}))["token"]
        device = self.device(await another(person))
        await device.link(first.chest.me().keys, token, keys=KEYS)
        return device

    def close(self) -> None:
        for store in self._stores:
            store.close()


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Makes devices that use one of the doors."""
    one = Desk(tmp_path, getattr(request, "param", "http"))
    yield one
    one.close()


async def texts(device: Device) -> list[str | None]:
    return [one.text for one in await device.receive()]


@BOTH
async def test_two_people_with_two_devices_each_talk_and_devices_come_and_go(people: People, desk: Desk) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await desk.first(ada), await desk.first(bob)
    tablet, watch = await desk.next(phone, ada), await desk.next(laptop, bob)
    where = await secret(ada, bob)
    socket = await ada.socket()

    await phone.send(where, [bob.id], "hello")
    for device, number in ((laptop, 1), (watch, 2), (tablet, None)):
        assert await device.receive() == [Received(ada.id, 1, where, "hello")]
        if number is not None:
            receipt = await socket.next("e2ee:receipt")
            assert (receipt["userId"], receipt["deviceId"]) == (bob.id, number)
    await watch.send(where, [ada.id], "hi")
    await laptop.send(where, [ada.id], "hi too")
    assert await texts(phone) == ["hi", "hi too"]
    assert await texts(tablet) == ["hi", "hi too"]
    assert await texts(laptop) == ["hi"]
    for turn in range(3):
        await phone.send(where, [bob.id], f"there {turn}")
        await laptop.send(where, [ada.id], f"back {turn}")
        assert await texts(laptop) == [f"there {turn}"]
        assert await texts(phone) == [f"back {turn}"]

    third = await desk.next(laptop, bob)
    await phone.send(where, [bob.id], "also to the new one")
    assert await texts(third) == ["also to the new one"]
    await laptop.courier.ask("keys.remove", {"deviceId": 2})
    await phone.send(where, [bob.id], "not to the watch")
    assert (await texts(laptop))[-1] == "not to the watch"
    assert phone.peers(bob.id) is not None
    assert sorted(phone.peers(bob.id) or {}) == [1, 3]
    mine, theirs = phone.chest.me(), laptop.chest.me()
    numbers = [
        display(mine.address.user, mine.keys.public, theirs.address.user, theirs.keys.public),
        display(theirs.address.user, theirs.keys.public, mine.address.user, mine.keys.public),
    ]
    assert numbers[0] == numbers[1]


@BOTH
async def test_a_group_talks_and_begins_a_new_distribution_when_somebody_or_a_device_has_left(
    people: People, desk: Desk
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    phone, laptop, desktop = [await desk.first(one) for one in (ada, bob, cyd)]
    watch = await desk.next(laptop, bob)
    where, epoch = await circle(ada, bob, cyd)
    everybody = [ada.id, bob.id, cyd.id]
    circles = {one: Circle(one, where) for one in (phone, laptop, watch, desktop)}

    for speaker, text in ((phone, "first"), (watch, "second"), (phone, "third")):
        await circles[speaker].say(text, members=everybody, epoch=epoch)
    before = circles[phone].distribution

    for device, person in ((laptop, bob), (desktop, cyd)):
        assert await device.receive() == []
        found = reversed((await person.ask("GET", f"/api/conversations/{where}/messages"))["messages"])
        assert [circles[device].read(one) for one in found] == ["first", "second", "third"]
    await ada.ask("DELETE", f"/api/conversations/{where}/participants/{cyd.id}")
    with pytest.raises(Refused, match=r"chat\.membership_epoch") as refused:
        await circles[phone].say("late", members=everybody, epoch=epoch)
    now = refused.value.data["membershipEpoch"]
    await circles[phone].say("without cyd", members=[ada.id, bob.id], epoch=now)
    after = circles[phone].distribution
    assert after != before

    (await desktop.receive(), await laptop.receive(), await watch.receive())
    message = (await bob.ask("GET", f"/api/conversations/{where}/messages"))["messages"][0]
    assert circles[laptop].read(message) == "without cyd"
    with pytest.raises(NoSession):
        circles[desktop].read(message)

    await laptop.courier.ask("keys.remove", {"deviceId": 2})
    await circles[phone].say("without the watch", members=[ada.id, bob.id], epoch=now)
    assert circles[phone].distribution not in {before, after}
    await laptop.receive()
    message = (await bob.ask("GET", f"/api/conversations/{where}/messages"))["messages"][0]
    assert circles[laptop].read(message) == "without the watch"
    with pytest.raises(NoSession):
        circles[watch].read(message)


async def test_another_identity_is_not_trusted_until_it_is_accepted(people: People, desk: Desk) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await desk.first(ada), await desk.first(bob)
    where = await secret(ada, bob)
    await phone.send(where, [bob.id], "before")
    assert await texts(laptop) == ["before"]

    fresh = desk.device(bob)
    identity, registration = fresh.chest.pair(), fresh.chest.registration()
    body = {"registrationId": registration, "name": "eA==", **fresh.chest.first(identity, 2)}
    await bob.ask("PUT", "/api/e2ee/identity", {**body, "identityKey": base64(identity.public)})
    fresh.chest.settle(laptop.chest.me().address.user, 1, registration, identity)
    with pytest.raises(UntrustedIdentity):
        await phone.send(where, [bob.id], "after")
    await fresh.send(where, [ada.id], "it is me")
    (refused,) = await phone.receive()
    assert (refused.text, "another identity" in refused.why) == (None, True)

    phone.accept(bob.id)
    await phone.send(where, [bob.id], "after")
    assert await texts(fresh) == ["after"]
    await fresh.send(where, [ada.id], "thanks")
    assert await texts(phone) == ["thanks"]


async def test_a_device_goes_on_from_its_file_and_fifty_messages_at_once_are_fifty(people: People, desk: Desk) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await desk.first(ada, "phone"), await desk.first(bob, "laptop")
    where = await secret(ada, bob)

    for turn in range(5):
        await desk.device(ada, "phone").send(where, [bob.id], str(turn))
        assert await texts(desk.device(bob, "laptop")) == [str(turn)]
        await desk.device(bob, "laptop").send(where, [ada.id], "yes")
        assert await texts(desk.device(ada, "phone")) == ["yes"]
    await asyncio.gather(*(phone.send(where, [bob.id], f"at once {turn}") for turn in range(50)))

    found = await texts(laptop)
    assert sorted(str(one) for one in found) == sorted(f"at once {turn}" for turn in range(50))
    assert await laptop.courier.ask("keys.count", {}) == {"count": KEYS - 1, "pqCount": KEYS - 1}
    assert [await laptop.refill(keys=10), await laptop.refill()] == [True, False]


async def test_the_server_holds_no_word_of_what_was_said(
    people: People, desk: Desk, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada, bob = await people("ada", "bob")
    phone, laptop = await desk.first(ada), await desk.first(bob)
    where = await secret(ada, bob)
    room, epoch = await circle(ada, bob)
    await phone.send(where, [bob.id], MARKER)
    await Circle(phone, room).say(MARKER, members=[ada.id, bob.id], epoch=epoch)
    app = ada.server.app

    dump = "".join(
        [
            str(await app.mongo.collection(name).find({}, limit=5_000))
            for name in await app.mongo.database.list_collection_names()
        ]
    )
    keys = [key async for key in app.redis.scan_iter(match=f"{app.namespace}*", count=1_000)]
    texts_of_redis = str([await app.redis.get(key) for key in keys if await app.redis.type(key) == b"string"])

    assert where in dump
    assert MARKER not in texts_of_redis
    assert MARKER not in dump
    assert MARKER not in caplog.text
    assert (await shown(bob, where))["lastMessage"]["content"] == ""
    assert [one.text for one in await laptop.receive()] == [MARKER]
