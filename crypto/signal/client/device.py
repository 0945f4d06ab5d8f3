"""A device that talks through a Mixee server: registers, begins sessions, sends, receives, keeps its keys filled.

It is unaudited, for bots and tests. What it sends as text is JSON of its own: `text`, or `keys` of a conversation.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from crypto.directory import base64, unbase64
from crypto.signal import wire
from crypto.signal.client.chest import Chest
from crypto.signal.client.handshake import Bundle, KeyPair, SignedKey
from crypto.signal.client.randomness import Draw, system
from crypto.signal.client.session import Record
from crypto.signal.client.store import Store
from crypto.signal.errors import NoSession, ProtocolError, UntrustedIdentity
from crypto.signal.wire import Address

ROUNDS = 3
"""Attempts at one message while the list of devices is wrong."""
REFILL_BELOW = 10


class Refused(Exception):
    """What the server refuses, with what is needed to go on."""

    def __init__(self, code: str, data: Mapping[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class Courier(Protocol):
    """The way to the server, signed in as this device, through whichever door."""

    async def ask(self, command: str, given: Mapping[str, Any]) -> Any:
        """The result of a command, named as in the server's documents. Raises Refused."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """What a device of somebody says; or why it cannot be read."""

    user: str
    device: int
    conversation: str
    text: str | None
    why: str = ""


class Device:
    """One device. What it does goes in turns, so that no key is used twice."""

    def __init__(
        self,
        user: str,
        courier: Courier,
        store: Store,
        *,
        now: Callable[[], datetime],
        draw: Draw = system,
    ) -> None:
        """`now`: the time, with its zone."""
        self.user = user
        self.courier = courier
        self.store = store
        self.draw = draw
        self.chest = Chest(store, draw)
        self.turn = asyncio.Lock()
        self.now = now

    async def register(self, *, keys: int = 100) -> None:
        """Become the first device of the account. Raises Refused."""
        await self._join("keys.register", self.chest.pair(), keys=keys, first=True)

    async def link(self, identity: KeyPair, token: str, *, keys: int = 100) -> None:
        """Join the account that has this identity, with a token of its first device. Raises Refused."""
        await self._join("keys.link", identity, keys=keys, token=token)

    async def _join(self, command: str, identity: KeyPair, *, keys: int, first: bool = False, **more: Any) -> None:
        registration = self.chest.registration()
        body = {"registrationId": registration, "name": base64(b"python"), **self.chest.first(identity, keys), **more}
        if first:
            body["identityKey"] = base64(identity.public)
        made = await self.courier.ask(command, body)
        self.chest.settle(UUID(self.user), made["deviceId"], registration, identity)

    async def refill(self, *, keys: int = 100) -> bool:
        """Upload more one-time keys when few are left; whether that was so. Raises Refused."""
        count = await self.courier.ask("keys.count", {})
        if min(count["count"], count["pqCount"]) >= REFILL_BELOW:
            return False
        await self.courier.ask("keys.upload", self.chest.one_time(self.chest.me().keys, keys))
        return True

    async def send(self, conversation: str, others: Sequence[str], text: str) -> Any:
        """Say something to these people's devices and to one's own others. Raises Refused, ProtocolError."""
        async with self.turn:
            return await self.carry(conversation, [*others, self.user], {"text": text})

    async def receive(self) -> list[Received]:
        """Everything that waits, which then does not wait any more. Raises Refused."""
        found: list[Received] = []
        async with self.turn:
            while True:
                page = await self.courier.ask("envelopes.waiting", {"limit": 50})
                found += [one for envelope in page["envelopes"] if (one := self._opened(envelope)) is not None]
                if page["envelopes"]:
                    ids = [envelope["id"] for envelope in page["envelopes"]]
                    await self.courier.ask("envelopes.acknowledge", {"ids": ids})
                if not page["more"]:
                    return found

    def stamp(self) -> str:
        """The time, as it travels."""
        return self.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def accept(self, user: str) -> None:
        """Trust whatever identity somebody has now: sessions with him begin anew."""
        self.store.put(dict.fromkeys((f"trust/{user}", f"peers/{user}", *self._sessions(user))))

    def peers(self, user: str) -> dict[int, int] | None:
        """The devices of somebody with their registration ids, as far as is known."""
        found = self.store.get(f"peers/{user}")
        return None if found is None else {int(number): one for number, one in json.loads(found).items()}

    async def carry(
        self, conversation: str, users: Sequence[str], content: Mapping[str, str], *, silent: bool = False
    ) -> Any:
        """Bring content to all devices of these people, in this turn. Raises Refused, ProtocolError."""
        body = {"conversationId": conversation, "clientMessageId": uuid4().hex, "silent": silent}
        for _ in range(ROUNDS):
            await self.meet(users, conversation)
            recipients = self._sealed(users, json.dumps(content).encode())
            try:
                sent = {**body, "timestamp": self.stamp(), "recipients": recipients}
                return await self.courier.ask("envelopes.send", sent)
            except Refused as refusal:
                await self.mend(refusal, conversation)
        raise NoSession("The list of devices changes all the time.")

    async def meet(self, users: Sequence[str], conversation: str) -> None:
        """Have sessions with all devices of people who are not known yet. Raises Refused, ProtocolError."""
        for user in users:
            if self.peers(user) is None:
                await self._fetch(user, "*", conversation)

    async def mend(self, refusal: Refused, conversation: str) -> bool:
        """Learn from a refusal which devices there are; whether any has gone. Raises it when it is of another kind."""
        if refusal.code not in {"envelopes.devices_differ", "envelopes.devices_stale"}:
            raise refusal
        gone = False
        for wrong in refusal.data["recipients"]:
            user, known = wrong["userId"], self.peers(wrong["userId"]) or {}
            stale = wrong.get("staleDevices", [])
            for number in [*wrong.get("extraDevices", []), *stale]:
                known.pop(number, None)
                self.store.put({f"session/{user}/{number}": None})
                gone = True
            self._know(user, known)
            for number in [*wrong.get("missingDevices", []), *stale]:
                await self._fetch(user, str(number), conversation)
        return gone

    def _sealed(self, users: Sequence[str], plain: bytes) -> list[dict[str, Any]]:
        """A ciphertext for each device. The sessions are kept before anything leaves."""
        me, now, recipients = self.chest.me(), self.now(), []
        turned: dict[str, bytes | None] = {}
        for user in users:
            messages = []
            for number in sorted(self.peers(user) or {}):
                record = Record.from_bytes(self.store.get(f"session/{user}/{number}") or b"")
                record, sent = record.encrypt(me, Address(UUID(user), number), plain, self.draw, now)
                turned[f"session/{user}/{number}"] = record.to_bytes()
                messages.append(
                    {
                        "type": sent.kind,
                        "destinationDeviceId": number,
                        "destinationRegistrationId": sent.registration_id,
                        "content": base64(sent.content),
                    }
                )
            if messages or user != self.user:
                recipients.append({"userId": user, "messages": messages})
        self.store.put(turned)
        return recipients

    async def _fetch(self, user: str, which: str, conversation: str) -> None:
        wanted = {"userId": user, "deviceId": which, "conversationId": conversation}
        try:
            found = await self.courier.ask("keys.bundle", wanted)
        except Refused as refusal:
            if refusal.code != "keys.none":
                raise
            self._know(user, self.peers(user) or {})
            return
        identity, known = unbase64(found["identityKey"]), self.peers(user) or {}
        self._must_trust(user, identity)
        self.store.put({f"trust/{user}": identity})
        for one in found["devices"]:
            bundle = _bundle(user, identity, one)
            record = self._record(user, bundle.address.device).begin(self.chest.me(), bundle, self.draw, self.now())
            self.store.put({f"session/{user}/{bundle.address.device}": record.to_bytes()})
            known[bundle.address.device] = bundle.registration_id
        self._know(user, known)

    def _opened(self, envelope: Mapping[str, Any]) -> Received | None:
        """What an envelope says; None when it is for this client alone."""
        user, number, where = envelope["sourceUserId"], envelope["sourceDeviceId"], envelope["conversationId"]
        try:
            content = json.loads(self._unsealed(user, number, envelope["type"], unbase64(envelope["content"])))
        except (ProtocolError, ValueError) as error:
            return Received(user, number, where, None, str(error))
        if "keys" in content:
            self.store.put({f"told/{user}/{number}/{uuid4().hex}": content["keys"].encode()})
            return None
        return Received(user, number, where, content["text"])

    def _unsealed(self, user: str, number: int, kind: int, content: bytes) -> bytes:
        me, other, record = self.chest.me(), Address(UUID(user), number), self._record(user, number)
        used: Mapping[str, bytes | None] = {}
        if kind == wire.PREKEY:
            first = wire.read_prekey(content)
            self._must_trust(user, first.identity_key)
            if not record.knows(first):
                keys, used = self.chest.opens(first)
                record = record.accept(me, first, keys)
            message, registration = first.message, first.registration_id
            used = {**used, f"trust/{user}": first.identity_key}  # kept once the message has proved it
        else:
            message, registration = wire.read_signal(content), None
        record, plain = record.decrypt(me, other, message, self.draw)
        self.store.put({f"session/{user}/{number}": record.to_bytes(), **used})
        if registration is not None and (known := self.peers(user)) is not None:
            self._know(user, {**known, number: registration})
        return plain

    def _must_trust(self, user: str, identity: bytes) -> None:
        """Raises UntrustedIdentity when somebody has another identity than before."""
        known = self.store.get(f"trust/{user}")
        if known is not None and known != identity:
            raise UntrustedIdentity("This person has another identity key: accept it after comparing safety numbers.")

    def _record(self, user: str, number: int) -> Record:
        found = self.store.get(f"session/{user}/{number}")
        return Record.from_bytes(found) if found is not None else Record()

    def _sessions(self, user: str) -> list[str]:
        return self.store.names(f"session/{user}/")

    def _know(self, user: str, devices: Mapping[int, int]) -> None:
        self.store.put({f"peers/{user}": json.dumps(dict(devices)).encode()})


def _bundle(user: str, identity: bytes, found: Mapping[str, Any]) -> Bundle:
    prekey = found["preKey"]
    return Bundle(
        address=Address(UUID(user), found["deviceId"]),
        registration_id=found["registrationId"],
        identity=identity,
        signed_prekey=_key(found["signedPreKey"]),
        kyber_prekey=_key(found["pqPreKey"]),
        prekey=(prekey["keyId"], unbase64(prekey["publicKey"])) if prekey else None,
    )


def _key(found: Mapping[str, Any]) -> SignedKey:
    return SignedKey(found["keyId"], unbase64(found["publicKey"]), unbase64(found["signature"]))
