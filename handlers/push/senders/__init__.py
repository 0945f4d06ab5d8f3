"""The push services, each behind the same interface. These modules are the one door to them."""

from handlers.push.senders.apns import Apns
from handlers.push.senders.base import Client, Sender
from handlers.push.senders.fcm import Fcm
from handlers.push.senders.webpush import WebPush

__all__ = ["Apns", "Client", "Fcm", "Sender", "WebPush"]
