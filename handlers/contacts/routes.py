"""What clients may do about contacts."""

from handlers.contacts.models import AddressBook, ContactsSynced, ListMatches, MatchPage
from handlers.contacts.service import Contacts, ContactsBusy, TooManyContacts
from server.actors import Actor
from server.routes import Limit, Routes

routes = Routes("contacts")

_ADDRESS_BOOKS = (Limit(20, 30),)
_READS = (Limit(100, 0.5),)
_CHANGES = (Limit(60, 1),)


@routes.command(
    "POST /api/contacts/sync",
    event="contacts:sync",
    needs="contacts:write",
    limits=_ADDRESS_BOOKS,
    errors=(TooManyContacts, ContactsBusy),
)
async def sync(contacts: Contacts, actor: Actor, body: AddressBook) -> ContactsSynced:
    """Find out who of one's address book is here.

    Send what is new only. What belongs to nobody here is not kept, unless you want to be told (`tellMe`), and neither
    are names. Found are people who verified the number or the address and let themselves be found
    (`searchableByPhone`).
    """
    return await contacts.sync(actor.user_id, body)


@routes.command("GET /api/contacts/matches", event="contacts:matches", needs="contacts:read", limits=_READS)
async def matches(contacts: Contacts, actor: Actor, body: ListMatches) -> MatchPage:
    """List the contacts of earlier synchronisations who are here and let themselves be found now."""
    return await contacts.matches(actor.user_id, body)


@routes.command("DELETE /api/contacts/matches", event="contacts:forget", needs="contacts:write", limits=_CHANGES)
async def forget_matches(contacts: Contacts, actor: Actor) -> None:
    """Forget which of one's contacts are here, and of whom one wanted to be told."""
    await contacts.forget_matches(actor.user_id)
