"""What devices may do with envelopes."""

from handlers.chat.service import EpochPassed, NotEncrypted, RequestPending, Restricted, SlowDown
from handlers.envelopes.models import Acknowledged, NewSealed, Sent, WantedEnvelopes
from handlers.envelopes.models import Envelopes as Page
from handlers.envelopes.service import CiphertextTooLarge, DevicesDiffer, DevicesStale, Envelopes
from handlers.keys.service import NoDevice
from server.actors import Actor
from server.errors import NotFound, Overloaded, RateLimited, Unavailable
from server.routes import Limit, Routes

routes = Routes("envelopes")

ROOM = 512_000
"""Bytes of what one request carries over HTTP; over the socket it is `limits.maxEventBytes` of `session:ready`."""
_SENDING = (Limit(60, 0.5),)
_READING = (Limit(60, 0.2),)


@routes.command(
    "POST /api/conversations/{conversationId}/e2ee/messages",
    event="e2ee:send",
    needs="chat:write",
    limits=_SENDING,
    errors=(
        *(NoDevice, NotFound, NotEncrypted, EpochPassed, Restricted, RequestPending, SlowDown),
        *(DevicesDiffer, DevicesStale, CiphertextTooLarge, RateLimited, Overloaded, Unavailable),
    ),
    room=ROOM,
)
async def send(envelopes: Envelopes, actor: Actor, body: NewSealed) -> Sent:
    """Say something in an encrypted conversation.

    It must name exactly the devices that there are; otherwise nothing is sent, and `data.recipients` says whose devices
    are missing, extra, or stale (set up anew). In a group there is one ciphertext, type 7, for
    everybody who was told the sender's key, and `membershipEpoch` must be the conversation's `seq`.
    """
    return await envelopes.send(actor, body)


@routes.command("GET /api/e2ee/envelopes", event="e2ee:waiting", needs="chat:read", limits=_READING, errors=(NoDevice,))
async def waiting(envelopes: Envelopes, actor: Actor, body: WantedEnvelopes) -> Page:
    """Fetch what waits for this device, the oldest first. It waits until it is acknowledged, for 30 days at most."""
    return await envelopes.waiting(actor, body)


@routes.command(
    "POST /api/e2ee/envelopes/ack", event="e2ee:ack", needs="chat:write", limits=_READING, errors=(NoDevice,)
)
async def acknowledge(envelopes: Envelopes, actor: Actor, body: Acknowledged) -> None:
    """Say that this device has these envelopes: they go, and the devices that sent them are told."""
    await envelopes.acknowledge(actor, body)
