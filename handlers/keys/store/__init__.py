"""The named questions to the collections of this slice."""

from handlers.keys.store.accounts import ACCOUNT_INDEXES, ACCOUNTS, AccountStore
from handlers.keys.store.keys import (
    DEVICE_INDEXES,
    DEVICES,
    LINK_INDEXES,
    LINKS,
    PREKEY_INDEXES,
    PREKEYS,
    KeyStore,
    LinkStore,
)
from handlers.keys.store.log import ENTRIES, ENTRY_INDEXES, LOG, SECRETS, LogStore

__all__ = [
    "ACCOUNTS",
    "ACCOUNT_INDEXES",
    "DEVICES",
    "DEVICE_INDEXES",
    "ENTRIES",
    "ENTRY_INDEXES",
    "LINKS",
    "LINK_INDEXES",
    "LOG",
    "PREKEYS",
    "PREKEY_INDEXES",
    "SECRETS",
    "AccountStore",
    "KeyStore",
    "LinkStore",
    "LogStore",
]
