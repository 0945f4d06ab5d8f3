"""Devices that send bytes which nobody can read: what is encrypted in them is tried elsewhere."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto.directory import base64
from tests.handlers.keys.helpers import Keyring, encrypts, linked
from tests.harness.people import Person, befriend

_ids = itertools.count(1)
NOON = "2026-11-28T12:00:00.000Z"


@dataclass
class Device:
    """A sign-in with its keys and its number."""

    person: Person
    ring: Keyring
    number: int

    @property
    def user_id(self) -> str:
        return self.person.id

    async def waiting(self, **more: Any) -> list[Any]:
        """What waits for it."""
        params = {name: str(value) for name, value in more.items()}
        page = await self.person.ask("GET", "/api/e2ee/envelopes", params=params)
        envelopes: list[Any] = page["envelopes"]
        return envelopes

    async def contents(self) -> list[str]:
        """The contents of what waits for it."""
        return [one["content"] for one in await self.waiting()]

    async def send(self, body: dict[str, Any]) -> Any:
        """Send something over HTTP; what was answered, or a Refusal."""
        rest = {name: value for name, value in body.items() if name != "conversationId"}
        return await self.person.ask("POST", f"/api/conversations/{body['conversationId']}/e2ee/messages", rest)


async def first(person: Person) -> Device:
    """The person's sign-in begins to encrypt."""
    return Device(person, await encrypts(person), 1)


async def next_of(device: Device) -> Device:
    """Another device of the same account."""
    return Device(*await linked(device.person, device.ring))


async def secret(one: Person, other: Person) -> str:
    """The encrypted conversation of two friends."""
    await befriend(one, other)
    wanted = {"type": "direct", "participantIds": [other.id], "isEncrypted": True}
    made = await one.ask("POST", "/api/conversations", wanted)
    assert made["isEncrypted"] is True
    return str(made["id"])


async def circle(owner: Person, *others: Person) -> tuple[str, int]:
    """An encrypted group, and its epoch."""
    await befriend(owner, *others)
    wanted = {
        "type": "group",
        "name": "Circle",
        "participantIds": [one.id for one in others],
        "isEncrypted": True,
    }
    made = await owner.ask("POST", "/api/conversations", wanted)
    return str(made["id"]), int(made["seq"])


def fresh_id() -> str:
    return f"sealed-{next(_ids):06d}"


def of_each(devices: Sequence[Device], content: str, *, kind: int = 2) -> list[dict[str, Any]]:
    """The recipients of a message: a ciphertext for each device."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in devices:
        found.setdefault(one.user_id, []).append(
            {
                "type": kind,
                "destinationDeviceId": one.number,
                "destinationRegistrationId": one.ring.registration_id,
                "content": base64(f"{content} for {one.person.name} {one.number}".encode()),
            }
        )
    return [{"userId": user_id, "messages": messages} for user_id, messages in found.items()]


def pairwise(conversation: str, devices: Sequence[Device], content: str = "sealed", **more: Any) -> dict[str, Any]:
    """A message with a ciphertext for each of these devices."""
    return {
        "conversationId": conversation,
        "clientMessageId": fresh_id(),
        "timestamp": NOON,
        "recipients": of_each(devices, content),
        **more,
    }


DISTRIBUTION = "0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60"


def to_group(conversation: str, epoch: int, devices: Sequence[Device], content: str, **more: Any) -> dict[str, Any]:
    """A message to a group: one ciphertext, and the devices that can read it."""
    found: dict[str, list[list[int]]] = {}
    for one in devices:
        found.setdefault(one.user_id, []).append([one.number, one.ring.registration_id])
    return {
        "conversationId": conversation,
        "clientMessageId": fresh_id(),
        "timestamp": NOON,
        "type": 7,
        "content": base64(content.encode()),
        "distributionId": DISTRIBUTION,
        "membershipEpoch": epoch,
        "recipients": [{"userId": user_id, "devices": some} for user_id, some in found.items()],
        **more,
    }


def sealed_for(device: Device, content: str = "sealed") -> str:
    """What a device gets of a message."""
    return base64(f"{content} for {device.person.name} {device.number}".encode())
