"""What devices are told."""

from server.models import Id, Instant, Output


class PreKey(Output):
    """A one-time key."""

    key_id: int
    public_key: str


class SignedPreKey(Output):
    """A key with the signature of the identity key."""

    key_id: int
    public_key: str
    signature: str


class DeviceBundle(Output):
    """What begins a session with a device."""

    device_id: int
    registration_id: int
    signed_pre_key: SignedPreKey
    pre_key: PreKey | None
    """Null when the device's one-time keys are used up."""
    pq_pre_key: SignedPreKey
    """A one-time key, or the one of last resort."""


class Bundle(Output):
    """What begins sessions with a person's devices."""

    user_id: Id
    identity_key: str
    devices: list[DeviceBundle]


class Bundles(Output):
    """The keys of several people."""

    bundles: list[Bundle]
    missing: list[Id]
    """Who has none, or none for you."""
    limited: list[Id]
    """Whose keys you have fetched too often: ask again in ten minutes."""


class DeviceMade(Output):
    """The number of a device."""

    device_id: int


class LinkToken(Output):
    """Lets one device join the account."""

    token: str
    expires_at: Instant


class OwnDevice(Output):
    """One of one's own devices."""

    device_id: int
    registration_id: int
    name: str
    created_at: Instant
    last_seen_day: str
    is_current: bool


class OwnDevices(Output):
    """One's own devices."""

    identity_key: str
    devices: list[OwnDevice]


class KeyCount(Output):
    """One-time keys of the device that asks that were not given out."""

    count: int
    pq_count: int


class ChangedIdentity(Output):
    """Somebody's identity key, which is another one now."""

    user_id: Id
    identity_key: str
    log_index: int


class CurrentIdentity(Output):
    """Somebody's identity key."""

    user_id: Id
    identity_key: str


class CurrentIdentities(Output):
    """Of the people who were asked about: those whose key is another one than you think."""

    elements: list[CurrentIdentity]


class ChangedDevices(Output):
    """Devices that an account has gained or lost."""

    user_id: Id
    added: list[int]
    removed: list[int]


class Provision(Output):
    """What a new device needs in order to join."""

    token: str
    message: str
    expires_at: Instant


class Departed(Output):
    """Devices that are gone, by the names that only the server knows."""

    user_id: Id
    keys: list[str]


class LogHead(Output):
    """The log as it is now, signed."""

    size: int
    root_hash: str
    timestamp: Instant
    key_id: str
    public_key: str
    """Ed25519, 32 bytes."""
    signature: str
    """Over `mixee identity log v1`, a zero byte, size and time (milliseconds since 1970) in 8 bytes each, the root."""


class LogProof(Output):
    """That an identity key is in the log."""

    index: int
    size: int
    user_id: Id
    identity_key: str
    logged_at: Instant
    salt: str
    """The entry is: the 16 bytes of the user's id, the 33 of the key, the time (milliseconds since 1970) in 8, and
    these 16. Without them nobody can tell from the tree who is in it."""
    path: list[str]


class LogConsistency(Output):
    """That a tree is the beginning of a larger one."""

    first: int
    second: int
    path: list[str]
