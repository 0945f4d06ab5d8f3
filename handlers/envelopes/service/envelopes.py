"""Takes what devices send, keeps it in the queues of devices, and hands it over."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from crypto.directory import base64, unbase64
from crypto.ids import new_id
from handlers.chat.models.reading import Reading
from handlers.chat.service import Chat, Way
from handlers.envelopes.events import EnvelopeArrived, EnvelopeDelivered
from handlers.envelopes.models import (
    MAX_CIPHERTEXT,
    Acknowledged,
    Envelope,
    NewSealed,
    Post,
    Receipt,
    Said,
    Sent,
    WantedEnvelopes,
)
from handlers.envelopes.models import Envelopes as Page
from handlers.envelopes.service.comparing import check
from handlers.envelopes.service.errors import CiphertextTooLarge
from handlers.envelopes.settings import EnvelopesSettings
from handlers.envelopes.store import EnvelopeStore
from handlers.keys.models.stored import Device, Roster
from handlers.keys.service import Keys
from handlers.users.service import Transact
from server.actors import Actor
from server.clock import Clock
from server.errors import Invalid, MixeeError, NotFound
from server.events import Devices, Publisher
from server.routes import Limit
from server.slices import Spender

log = logging.getLogger("mixee.e2ee")

TRIM_EVERY = 64
"""Places of a queue after which it is cut to its bound."""
TO_ONE = Limit(60, 1, by="target")
"""What one person sends to another's devices."""


class Envelopes:
    """Carries what it cannot read."""

    def __init__(
        self,
        store: EnvelopeStore,
        *,
        keys: Keys,
        chat: Chat,
        spend: Spender,
        transact: Transact,
        publish: Publisher,
        clock: Clock,
        settings: EnvelopesSettings,
    ) -> None:
        self._store = store
        self._directory = keys.directory
        self._chat = chat
        self._spend = spend
        self._transact = transact
        self._publish = publish
        self._clock = clock
        self._most = settings.max_waiting
        self._lasting = timedelta(days=settings.lasting_days)

    async def send(self, actor: Actor, new: NewSealed) -> Sent:
        """Carry something encrypted.

        Raises NoDevice, NotFound (not a member, or a recipient is none), NotEncrypted, EpochPassed, Restricted,
        RequestPending, SlowDown, Forbidden (the sender blocks the other), DevicesStale, DevicesDiffer,
        CiphertextTooLarge, Invalid, RateLimited, Overloaded, Unavailable.
        """
        way = await self._chat.sealed.enter(actor, new.conversation_id, epoch=new.membership_epoch)
        self._fits(way, new)
        named = new.named()
        if not named.keys() <= set(way.members):
            raise NotFound("There is no such member in this conversation.")
        whole = () if new.passing else way.members
        device, rosters = await self._directory.sending(actor, {*named, *whole})
        # What goes to a whole group counts once for the group: a bucket for each of 500 members would cost more.
        targets = [new.conversation_id] if new.to_group else sorted(named.keys() - {actor.user_id})
        await self._spend("e2ee.send", [(f"{actor.user_id}/{one}", TO_ONE) for one in targets])
        check(named, rosters, sender=actor.user_id, device=device, everybody=whole)
        _must_be_small(new)
        needs_sync = actor.user_id not in named and len(rosters[actor.user_id].devices) > 1
        if new.online:
            return await self._pass(actor, device, way, new, rosters, needs_sync=needs_sync)
        before = await self._store.said(actor.user_id, device.key, new.client_message_id)
        if before is not None:
            return _answer(before, needs_sync=needs_sync, duplicate=True)
        said, duplicate = await self._say(actor, device, way, new)
        if new.to_group:
            return _answer(said, needs_sync=needs_sync, duplicate=duplicate)
        posts = self._posts(new, said, actor=actor, device=device, way=way, rosters=rosters)
        await self._keep(actor, device, new, posts, said)
        return _answer(said, needs_sync=needs_sync, duplicate=False)

    async def waiting(self, actor: Actor, wanted: WantedEnvelopes) -> Page:
        """What waits for the device that asks, the oldest first. Raises NoDevice."""
        _, device = await self._directory.own(actor)
        now = self._clock.now()
        found = await self._store.waiting(device.key, after=wanted.after, now=now, limit=wanted.limit + 1)
        return Page(envelopes=[_shown(one) for one in found[: wanted.limit]], more=len(found) > wanted.limit)

    async def acknowledge(self, actor: Actor, done: Acknowledged) -> None:
        """The device has these: they go, and their senders are told. Raises NoDevice."""
        _, device = await self._directory.own(actor)
        taken = await self._store.take(device.key, done.ids)
        read: dict[str, int] = {}
        for post in taken:
            if post.seq is not None and post.sender != actor.user_id:
                read[post.conversation_id] = max(post.seq, read.get(post.conversation_id, 0))
        shown = {one for one, seq in read.items() if await self._delivered(actor, one, seq)}
        for post in taken:
            if post.message_id is not None and post.conversation_id in shown and post.sender != actor.user_id:
                await self._tell_delivered(device, post)

    async def gone(self, devices: Sequence[str]) -> None:
        """Devices are gone: what waits for them goes too."""
        await self._store.drop(devices)

    async def forget(self, user_id: str) -> None:
        """Remove everything of a person who is erased."""
        await self._store.forget(user_id)

    def _fits(self, way: Way, new: NewSealed) -> None:
        if way.direct and new.to_group:
            raise Invalid("In a direct conversation there is a ciphertext for each device: leave out type.")
        if not way.direct and not new.to_group and not new.passing:
            raise Invalid("In a group messages have the type 7; what is for single devices is silent.")

    async def _say(self, actor: Actor, device: Device, way: Way, new: NewSealed) -> tuple[Said, bool]:
        """Append the message of the conversation, if it is one; whether it was there before."""
        if new.silent:
            return Said(None, None, self._clock.now()), False
        sealed: dict[str, object] = {"device": device.number}
        if new.content is not None and new.distribution_id is not None:
            sealed |= {"key": new.distribution_id, "content": unbase64(new.content)}
        message = await (
            await self._chat.sealed.say(
                actor, way, sealed, op=new.client_message_id, expires_in=new.expires_in, epoch=new.membership_epoch
            )
        )
        return Said(message.id, message.seq, message.created_at), message.duplicate

    def _posts(
        self, new: NewSealed, said: Said, *, actor: Actor, device: Device, way: Way, rosters: Mapping[str, Roster]
    ) -> list[Post]:
        """The envelopes, but for those who must not get them."""
        found = []
        for recipient in new.recipients:
            roster = rosters.get(recipient.user_id)
            if roster is None or recipient.user_id in way.unheard:
                continue
            for one in recipient.messages or []:
                target = roster.numbered(one.destination_device_id)
                if target is None:
                    continue
                found.append(
                    Post(
                        id=new_id(),
                        user_id=recipient.user_id,
                        device=target.key,
                        sign_in=target.sign_in,
                        conversation_id=new.conversation_id,
                        message_id=said.message_id,
                        seq=said.seq,
                        client_message_id=new.client_message_id,
                        type=one.type,
                        sender=actor.user_id,
                        sender_device=device.number,
                        sender_sign_in=device.sign_in,
                        content=unbase64(one.content),
                        client_timestamp=new.timestamp,
                        at=said.at,
                        urgent=new.urgent,
                    )
                )
        return found

    async def _keep(self, actor: Actor, device: Device, new: NewSealed, posts: Sequence[Post], said: Said) -> None:
        """Put envelopes into their queues, once, and tell the devices."""
        await self._store.prepare({one.device: one.user_id for one in posts})
        placed = await self._transact(partial(self._once, actor, device, new, posts, said))
        for post in placed:
            if post.order % TRIM_EVERY == 0 and post.order > self._most:
                await self._store.trim(post.device, post.order - self._most)
        for post in placed:
            await self._publish(EnvelopeArrived(_shown(post), to=Devices(post.user_id, [post.sign_in])))

    async def _once(
        self, actor: Actor, device: Device, new: NewSealed, posts: Sequence[Post], said: Said
    ) -> list[Post]:
        """In a unit of work: nothing when the same was kept meanwhile; what is for devices that are gone is dropped."""
        if await self._store.said(actor.user_id, device.key, new.client_message_id) is not None:
            return []
        until = said.at + self._lasting
        rosters = await self._directory.rosters({one.user_id for one in posts})
        there = {one.key for roster in rosters.values() for one in roster.devices}
        placed = await self._store.add([one for one in posts if one.device in there], until)
        await self._store.note(actor.user_id, device.key, new.client_message_id, said, until)
        return placed

    async def _pass(
        self,
        actor: Actor,
        device: Device,
        way: Way,
        new: NewSealed,
        rosters: Mapping[str, Roster],
        *,
        needs_sync: bool,
    ) -> Sent:
        """Tell devices that are connected, and keep nothing."""
        said = Said(None, None, self._clock.now())
        for post in self._posts(new, said, actor=actor, device=device, way=way, rosters=rosters):
            await self._publish(EnvelopeArrived(_shown(post), to=Devices(post.user_id, [post.sign_in])))
        return _answer(said, needs_sync=needs_sync, duplicate=False)

    async def _delivered(self, actor: Actor, conversation_id: str, seq: int) -> bool:
        """Move the watermark of what has arrived; whether the others may know of it."""
        try:
            reading = Reading(conversation_id=conversation_id, up_to_seq=seq)
            await self._chat.receipts.mark(actor, reading, read=False)
            return await self._chat.receipts.shows(actor, conversation_id)
        except NotFound:
            return False
        except MixeeError as error:
            log.warning("a receipt is not told: %s", error)
            return False

    async def _tell_delivered(self, device: Device, post: Post) -> None:
        receipt = Receipt(
            conversation_id=post.conversation_id,
            message_id=post.message_id or "",
            client_message_id=post.client_message_id,
            user_id=post.user_id,
            device_id=device.number,
            delivered_at=self._clock.now(),
        )
        await self._publish(EnvelopeDelivered(receipt, to=Devices(post.sender, [post.sender_sign_in])))


def _must_be_small(new: NewSealed) -> None:
    """Raises CiphertextTooLarge."""
    contents = [new.content] if new.content is not None else []
    contents += [one.content for recipient in new.recipients for one in recipient.messages or []]
    if any(len(unbase64(one)) > MAX_CIPHERTEXT for one in contents):
        raise CiphertextTooLarge(f"A ciphertext has at most {MAX_CIPHERTEXT} bytes: send large things as attachments.")


def _answer(said: Said, *, needs_sync: bool, duplicate: bool) -> Sent:
    return Sent(
        message_id=said.message_id,
        seq=said.seq,
        server_timestamp=said.at,
        needs_sync=needs_sync,
        duplicate=duplicate,
    )


def _shown(post: Post) -> Envelope:
    return Envelope(
        id=post.id,
        order=post.order,
        conversation_id=post.conversation_id,
        message_id=post.message_id,
        seq=post.seq,
        type=post.type,
        source_user_id=post.sender,
        source_device_id=post.sender_device,
        client_timestamp=post.client_timestamp,
        server_timestamp=post.at,
        urgent=post.urgent,
        content=base64(post.content),
    )
