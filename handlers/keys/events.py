"""What this slice tells."""

from handlers.keys.models.answers import ChangedDevices, ChangedIdentity, Departed, KeyCount, Provision
from server.events import Event


class KeysLow(Event[KeyCount], name="e2ee:keys_low"):
    """This device has few one-time keys left: upload more. Told once, to this device alone, until it has done so."""


class DevicesChanged(Event[ChangedDevices], name="e2ee:devices_changed"):
    """Your account has gained or lost a device for encrypted conversations."""


class IdentityChanged(Event[ChangedIdentity], name="identity:changed"):
    """You or a friend of yours has another identity key: safety numbers have changed, sessions begin anew."""


class ProvisionSent(Event[Provision], name="e2ee:provision"):
    """Your first device lets this one join: what it needs, encrypted for it. Told to this device alone."""


class DevicesGone(Event[Departed], name="e2ee:devices_gone", durable=True):
    """Devices are gone for good: whatever waits for them must go. For other slices."""


EVENTS = (KeysLow, DevicesChanged, IdentityChanged, ProvisionSent, DevicesGone)
