"""What the engine may know of contacts."""

from handlers.contacts.events import ContactFound
from handlers.contacts.routes import routes
from handlers.contacts.service import ERRORS, Contacts, Finding, Telling
from handlers.contacts.settings import ContactsSettings
from handlers.contacts.store import (
    ALLOWANCES,
    INDEX,
    MATCHES,
    WAITS,
    AllowanceStore,
    IndexStore,
    SecretStore,
    TieStore,
)
from handlers.social.service import AddressBooks, Social
from handlers.users.events import UserErased, UserUpdated
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Contacts:
    ties = TieStore(matches=kit.collection("contact_matches"), waits=kit.collection("contact_waits"))
    finding = Finding(ties=ties, social=kit.service(Social), users=kit.service(Users))
    return Contacts(
        index=IndexStore(kit.collection("contact_index")),
        ties=ties,
        allowances=AllowanceStore(kit.collection("contact_allowances")),
        secrets=SecretStore(kit.collection("contact_secrets")),
        finding=finding,
        telling=Telling(ties=ties, finding=finding, clock=kit.clock, publish=kit.publish, transact=kit.mongo.transact),
        users=kit.service(Users),
        clock=kit.clock,
        settings=kit.settings(ContactsSettings),
    )


async def _account_changed(contacts: Contacts, event: UserUpdated) -> None:
    await contacts.account_changed(event.payload.user.id, event.payload.changed)


async def _account_erased(contacts: Contacts, event: UserErased) -> None:
    await contacts.forget(event.payload.user_id)


manifest = Slice(
    name="contacts",
    service=Contacts,
    build=_build,
    needs=("users", "social"),
    routes=routes,
    events=(ContactFound,),
    collections=(
        Stored("contact_index", Personal(("userId",), erase="delete"), INDEX),
        Stored("contact_matches", Personal(("ownerId", "userId"), erase="delete"), MATCHES),
        Stored("contact_waits", Personal(("ownerId",), erase="delete"), WAITS),
        Stored("contact_allowances", Personal(("_id",), erase="delete"), ALLOWANCES),
        Stored("contact_secrets", None),
    ),
    permissions=(
        Permission("contacts:read", "See who of one's address book is here"),
        Permission("contacts:write", "Compare one's address book, and forget what it led to"),
    ),
    settings=ContactsSettings,
    errors=ERRORS,
    hears=(Hears(UserUpdated, _account_changed), Hears(UserErased, _account_erased)),
    provides={AddressBooks: lambda contacts: contacts},
    start=Contacts.start,
)
