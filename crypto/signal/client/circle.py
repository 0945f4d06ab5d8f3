"""Talking to a group: one ciphertext for all, under a chain that a device tells the others, and begins anew in time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from pydantic import ConfigDict, TypeAdapter

from crypto.directory import base64, unbase64
from crypto.signal import wire
from crypto.signal.client.device import ROUNDS, Device, Refused
from crypto.signal.client.groups import SenderChain, SenderKeys
from crypto.signal.errors import NoSession, UntrustedIdentity

Told = dict[str, list[int]]
"""The devices that know a chain, by person."""


class Circle:
    """A device's side of one encrypted group."""

    def __init__(self, device: Device, conversation: str) -> None:
        self._device = device
        self._store = device.store
        self._conversation = conversation

    @property
    def distribution(self) -> str | None:
        """Under which the device speaks here; None before it has spoken."""
        chains = self._own().chains
        return str(chains[0].distribution) if chains else None

    async def say(self, text: str, *, members: Sequence[str], epoch: int) -> Any:
        """Say something to the members' devices, as of the epoch.

        When somebody has left whom the chain was told, or one of his devices, another one is begun. Raises Refused
        (`chat.membership_epoch`: look who is in the group, and say it again), ProtocolError.
        """
        async with self._device.turn:
            body = {"conversationId": self._conversation, "clientMessageId": uuid4().hex, "membershipEpoch": epoch}
            if set(self._told()) - set(members):
                self._begin()
            for _ in range(ROUNDS):
                await self._device.meet(members, self._conversation)
                await self._tell(members)
                try:
                    return await self._device.courier.ask("envelopes.send", {**body, **self._sealed(text, members)})
                except Refused as refusal:
                    if await self._device.mend(refusal, self._conversation):
                        self._begin()
            raise NoSession("The list of devices changes all the time.")

    def read(self, message: Mapping[str, Any]) -> str:
        """What a message of the group says (as `message:new` or the history has it). Raises ProtocolError."""
        sent = wire.read_group(unbase64(message["encryptedContent"]))
        user, number = message["senderId"], message["sourceDeviceId"]
        if str(sent.distribution) != message["keyId"]:
            raise UntrustedIdentity("The message is of another distribution than it says.")
        name = f"chain/{user}/{number}/{sent.distribution}"
        keys, plain = self._heard(user, number, name).unseal(sent)
        self._store.put({name: _bytes(keys)})
        text: str = json.loads(plain)["text"]
        return text

    def _heard(self, user: str, number: int, name: str) -> SenderKeys:
        """The chains of a sender, with those that he has told since."""
        keys = _keys(self._store.get(name))
        for told in self._store.names(f"told/{user}/{number}/"):
            found = wire.read_distribution(unbase64((self._store.get(told) or b"").decode()))
            if name.endswith(str(found.distribution)):
                keys = keys.add(SenderChain.of(found))
                self._store.put({name: _bytes(keys), told: None})
        return keys

    async def _tell(self, members: Sequence[str]) -> None:
        """Tell the chain to the devices that do not know it."""
        keys, told = self._own(), self._told()
        if not keys.chains:
            self._begin()
            keys, told = self._own(), {}
        untold = [user for user in members if set(self._device.peers(user) or {}) - set(told.get(user, []))]
        if not untold:
            return
        content = {"keys": base64(keys.chains[0].tell().to_bytes())}
        await self._device.carry(self._conversation, untold, content, silent=True)
        self._keep(keys, told | {user: sorted(self._device.peers(user) or {}) for user in untold})

    def _sealed(self, text: str, members: Sequence[str]) -> dict[str, Any]:
        keys, message = self._own().seal(json.dumps({"text": text}).encode(), self._device.draw)
        self._keep(keys, self._told())
        devices = {user: sorted((self._device.peers(user) or {}).items()) for user in members}
        return {
            "type": wire.SENDER_KEY,
            "content": base64(message.to_bytes()),
            "distributionId": str(message.distribution),
            "timestamp": self._device.stamp(),
            "recipients": [
                {"userId": user, "devices": [list(one) for one in some]}
                for user, some in devices.items()
                if some or user != self._device.user
            ],
        }

    def _begin(self) -> None:
        self._keep(
            SenderKeys((SenderChain.begin(UUID(bytes=self._device.draw("chain_id", 16)), self._device.draw),)), {}
        )

    def _own(self) -> SenderKeys:
        return _keys(self._store.get(f"own/{self._conversation}"))

    def _told(self) -> Told:
        found = self._store.get(f"whom/{self._conversation}")
        told: Told = json.loads(found) if found is not None else {}
        return told

    def _keep(self, keys: SenderKeys, told: Told) -> None:
        self._store.put(
            {f"own/{self._conversation}": _bytes(keys), f"whom/{self._conversation}": json.dumps(told).encode()}
        )


_KEYS = TypeAdapter(tuple[SenderKeys], config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))


def _bytes(keys: SenderKeys) -> bytes:
    return _KEYS.dump_json((keys,))


def _keys(found: bytes | None) -> SenderKeys:
    return SenderKeys() if found is None else _KEYS.validate_json(found)[0]
