"""The rules of contacts: comparing address books, their bounds, who may find whom, and telling who joined."""

from handlers.contacts.service.contacts import Contacts
from handlers.contacts.service.errors import ERRORS, ContactsBusy, TooManyContacts
from handlers.contacts.service.finding import Finding
from handlers.contacts.service.telling import Telling

__all__ = ["ERRORS", "Contacts", "ContactsBusy", "Finding", "Telling", "TooManyContacts"]
