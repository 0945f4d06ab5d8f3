"""What the engine may know of keys."""

from handlers.auth.service import Auth
from handlers.chat.service import Chat
from handlers.keys.events import EVENTS
from handlers.keys.routes import routes
from handlers.keys.service import ERRORS, Keys
from handlers.keys.settings import KeysSettings
from handlers.keys.store import (
    ACCOUNT_INDEXES,
    ACCOUNTS,
    DEVICE_INDEXES,
    DEVICES,
    ENTRIES,
    ENTRY_INDEXES,
    LINK_INDEXES,
    LINKS,
    LOG,
    PREKEY_INDEXES,
    PREKEYS,
    SECRETS,
    AccountStore,
    KeyStore,
    LinkStore,
    LogStore,
)
from handlers.social.service import Social
from handlers.users.events import UserErased
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Keys:
    return Keys(
        accounts=AccountStore(kit.collection(ACCOUNTS)),
        keys=KeyStore(devices=kit.collection(DEVICES), prekeys=kit.collection(PREKEYS)),
        links=LinkStore(kit.collection(LINKS)),
        log=LogStore(log=kit.collection(LOG), entries=kit.collection(ENTRIES), secrets=kit.collection(SECRETS)),
        users=kit.service(Users),
        auth=kit.service(Auth),
        social=kit.service(Social),
        chat=kit.service(Chat),
        spend=kit.spend,
        transact=kit.mongo.transact,
        publish=kit.publish,
        clock=kit.clock,
        settings=kit.settings(KeysSettings),
    )


async def _erased(keys: Keys, event: UserErased) -> None:
    await keys.forget(event.payload.user_id)


manifest = Slice(
    name="keys",
    service=Keys,
    build=_build,
    needs=("users", "auth", "social", "chat"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(ACCOUNTS, Personal(("_id",), erase="delete"), ACCOUNT_INDEXES),
        Stored(DEVICES, Personal(("userId",), erase="delete"), DEVICE_INDEXES),
        Stored(PREKEYS, Personal(("userId",), erase="delete"), PREKEY_INDEXES),
        Stored(LINKS, Personal(("userId",), erase="delete"), LINK_INDEXES),
        Stored(ENTRIES, Personal(("userId",), erase="delete"), ENTRY_INDEXES),
        Stored(LOG, None),
        Stored(SECRETS, None),
    ),
    permissions=(
        Permission("keys:read", "Fetch public keys, and see one's own devices"),
        Permission("keys:write", "Publish keys, and let devices join or go"),
    ),
    settings=KeysSettings,
    errors=ERRORS,
    hears=(Hears(UserErased, _erased),),
    start=Keys.start,
)
