"""What devices may do about keys."""

from datetime import timedelta

from handlers.keys.models.answers import (
    Bundle,
    Bundles,
    CurrentIdentities,
    DeviceMade,
    KeyCount,
    LinkToken,
    LogConsistency,
    LogHead,
    LogProof,
    OwnDevices,
)
from handlers.keys.models.uploads import (
    FirstDevice,
    KnownIdentities,
    LinkedDevice,
    OneDevice,
    Upload,
    WantedBundle,
    WantedBundles,
    WantedConsistency,
    WantedDigest,
    WantedLink,
    WantedProof,
)
from handlers.keys.service import (
    AlreadyThere,
    BadKeys,
    BadToken,
    Differs,
    Keys,
    NoDevice,
    NoKeys,
    NotFirst,
    TooManyDevices,
)
from server.actors import Actor
from server.errors import NotFound, RateLimited, Unavailable
from server.routes import Limit, Routes

routes = Routes("keys")

ROOM = 512_000
"""Bytes of a full upload over HTTP: 100 one-time keys of each kind take some 250,000."""

_FRESH = timedelta(minutes=10)
"""A stolen token must not take the identity of an account."""
_REGISTERING = (Limit(6, 30, strict=True),)
_LINKING = (Limit(6, 120, strict=True, pool="keys.linking"),)
_RESETTING = (Limit(5, 60, strict=True),)
_UPLOADS = (Limit(10, 6),)
_READS = (Limit(60, 1),)
_FETCHES = (Limit(100, 0.5),)
_CHECKS = (Limit(100, 60, by="address"),)
_PROOFS = (Limit(60, 1),)


@routes.command(
    "POST /api/e2ee/devices",
    event="e2ee:register",
    needs="keys:write",
    status=201,
    limits=_REGISTERING,
    errors=(AlreadyThere, BadKeys, Unavailable),
    room=ROOM,
)
async def register(keys: Keys, actor: Actor, body: FirstDevice) -> DeviceMade:
    """Begin to encrypt: publish the identity key of the account and the keys of this device, which becomes device 1."""
    return await keys.devices.register(actor, body)


@routes.command(
    "POST /api/e2ee/devices/link-token",
    event="e2ee:link_token",
    needs="keys:write",
    status=201,
    limits=_LINKING,
    errors=(NoDevice, NotFirst, TooManyDevices),
)
async def link_token(keys: Keys, actor: Actor, body: WantedLink) -> LinkToken:
    """Let another device join, from the first one: the token holds for ten minutes, and once.

    With `to` and `message` the server hands the token and the message to a device that is signed in and connected.
    """
    return await keys.devices.link_token(actor, body)


@routes.command(
    "POST /api/e2ee/devices/link",
    event="e2ee:link",
    needs="keys:write",
    status=201,
    limits=_LINKING,
    errors=(NoDevice, AlreadyThere, TooManyDevices, BadKeys, BadToken, Unavailable),
    room=ROOM,
)
async def link(keys: Keys, actor: Actor, body: LinkedDevice) -> DeviceMade:
    """Join as another device of the account, with a token from the first one and keys signed by the same identity."""
    return await keys.devices.link(actor, body)


@routes.command("GET /api/e2ee/devices", event="e2ee:devices", needs="keys:read", limits=_READS, errors=(NoDevice,))
async def devices(keys: Keys, actor: Actor) -> OwnDevices:
    """List your devices for encrypted conversations."""
    return await keys.devices.listed(actor)


@routes.command(
    "DELETE /api/e2ee/devices/{deviceId}",
    event="e2ee:remove_device",
    needs="keys:write",
    limits=_UPLOADS,
    errors=(NoDevice, NotFound, NotFirst),
)
async def remove(keys: Keys, actor: Actor, body: OneDevice) -> None:
    """Remove a device: its keys and what waits for it are dropped, and it is signed out.

    The first device removes any other one, a device itself. The first one stays.
    """
    await keys.devices.remove(actor, body.device_id)


@routes.command(
    "PUT /api/e2ee/identity",
    event="e2ee:identity",
    needs="keys:write",
    fresh=_FRESH,
    limits=_RESETTING,
    errors=(NoDevice, BadKeys, Unavailable),
    room=ROOM,
)
async def reset(keys: Keys, actor: Actor, body: FirstDevice) -> DeviceMade:
    """Begin anew with another identity key, when the first device is lost: this one takes its place.

    All other devices are removed and signed out, all keys dropped. Friends are told that the key has changed.
    """
    return await keys.devices.reset(actor, body)


@routes.command(
    "PUT /api/e2ee/keys",
    event="e2ee:upload",
    needs="keys:write",
    limits=_UPLOADS,
    errors=(NoDevice, BadKeys),
    room=ROOM,
)
async def upload(keys: Keys, actor: Actor, body: Upload) -> None:
    """Upload fresh keys of this device: all of them are kept, or none when one is no good.

    A list that is not empty takes the place of all one-time keys of its kind. A full upload is larger than a socket
    event may be: send it over HTTP, or in parts.
    """
    await keys.prekeys.upload(actor, body)


@routes.command("GET /api/e2ee/keys/count", event="e2ee:count", needs="keys:read", limits=_READS, errors=(NoDevice,))
async def count(keys: Keys, actor: Actor) -> KeyCount:
    """How many one-time keys of this device are left: upload more when there are less than ten."""
    return await keys.prekeys.count(actor)


@routes.command(
    "POST /api/e2ee/keys/check",
    event="e2ee:check",
    needs="keys:read",
    limits=_READS,
    errors=(NoDevice, Differs),
)
async def check(keys: Keys, actor: Actor, body: WantedDigest) -> None:
    """Find out whether the server has the keys that this device thinks it has."""
    await keys.prekeys.compare(actor, body)


@routes.command(
    "POST /api/e2ee/keys/batch",
    event="e2ee:bundles",
    needs="keys:read",
    limits=_FETCHES,
    errors=(NotFound, Unavailable),
)
async def bundles(keys: Keys, actor: Actor, body: WantedBundles) -> Bundles:
    """Fetch the keys of up to 50 people's devices, to begin sessions with all of them."""
    return await keys.prekeys.bundles(actor, body)


@routes.command(
    "GET /api/e2ee/keys/{userId}/{deviceId}",
    event="e2ee:bundle",
    needs="keys:read",
    limits=_FETCHES,
    errors=(NoKeys, NotFound, RateLimited, Unavailable),
)
async def bundle(keys: Keys, actor: Actor, body: WantedBundle) -> Bundle:
    """Fetch the keys of a person's device, or of all (`*`), to begin sessions.

    Each one-time key is given out once. Of each device you get keys six times at once, then every ten minutes.
    """
    return await keys.prekeys.bundle(actor, body)


@routes.command(
    "POST /api/e2ee/identities/check",
    event="e2ee:identities",
    needs="keys:read",
    limits=_CHECKS,
    errors=(NotFound,),
)
async def identities(keys: Keys, actor: Actor, body: KnownIdentities) -> CurrentIdentities:
    """Find out whose identity key has changed, of up to 1,000 people (over the socket as many as fit)."""
    return await keys.identities(actor, body)


@routes.command("GET /api/e2ee/identity-log/head", event="e2ee:log_head", needs="keys:read", limits=_PROOFS)
async def log_head(keys: Keys) -> LogHead:
    """The log of all identity keys as it is now: a Merkle tree (RFC 6962), its root signed."""
    return await keys.log.head()


@routes.command(
    "GET /api/e2ee/identity-log/proof",
    event="e2ee:log_proof",
    needs="keys:read",
    limits=_PROOFS,
    errors=(NoKeys, NotFound),
)
async def log_proof(keys: Keys, actor: Actor, body: WantedProof) -> LogProof:
    """That a person's identity key is in the log, and where."""
    return await keys.log.proof(actor, body)


@routes.command(
    "GET /api/e2ee/identity-log/consistency", event="e2ee:log_consistency", needs="keys:read", limits=_PROOFS
)
async def log_consistency(keys: Keys, body: WantedConsistency) -> LogConsistency:
    """That nothing in the log was changed or taken away since it was smaller."""
    return await keys.log.consistency(body)
