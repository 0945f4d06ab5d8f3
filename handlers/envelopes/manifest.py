"""What the engine may know of envelopes."""

from handlers.chat.service import Chat
from handlers.envelopes.events import EVENTS
from handlers.envelopes.routes import routes
from handlers.envelopes.service import ERRORS, Envelopes
from handlers.envelopes.settings import EnvelopesSettings
from handlers.envelopes.store import (
    ENVELOPE_INDEXES,
    ENVELOPES,
    QUEUE_INDEXES,
    QUEUES,
    SENT,
    SENT_INDEXES,
    EnvelopeStore,
)
from handlers.keys.events import DevicesGone
from handlers.keys.service import Keys
from handlers.users.events import UserErased
from server.slices import Hears, Kit, Personal, Slice, Stored


def _build(kit: Kit) -> Envelopes:
    return Envelopes(
        EnvelopeStore(envelopes=kit.collection(ENVELOPES), queues=kit.collection(QUEUES), sent=kit.collection(SENT)),
        keys=kit.service(Keys),
        chat=kit.service(Chat),
        spend=kit.spend,
        transact=kit.mongo.transact,
        publish=kit.publish,
        clock=kit.clock,
        settings=kit.settings(EnvelopesSettings),
    )


async def _gone(envelopes: Envelopes, event: DevicesGone) -> None:
    await envelopes.gone(event.payload.keys)


async def _erased(envelopes: Envelopes, event: UserErased) -> None:
    await envelopes.forget(event.payload.user_id)


manifest = Slice(
    name="envelopes",
    service=Envelopes,
    build=_build,
    needs=("chat", "keys"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(ENVELOPES, Personal(("userId", "sender"), erase="delete"), ENVELOPE_INDEXES),
        Stored(QUEUES, Personal(("userId",), erase="delete"), QUEUE_INDEXES),
        Stored(SENT, Personal(("userId",), erase="delete"), SENT_INDEXES),
    ),
    settings=EnvelopesSettings,
    errors=ERRORS,
    hears=(Hears(DevicesGone, _gone), Hears(UserErased, _erased)),
)
