"""What the contacts slice tells."""

from handlers.contacts.models import ContactJoined
from server.events import Event


class ContactFound(Event[ContactJoined], name="contacts:found", durable=True):
    """Somebody of your address book, of whom you wanted to be told, is here now and lets you find him."""
