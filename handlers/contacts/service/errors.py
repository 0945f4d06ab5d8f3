"""What the contacts slice refuses, and why."""

from server.errors import Conflict, MixeeError, RateLimited


class TooManyContacts(RateLimited):
    """The allowance for comparing contacts is used up for now; nothing was compared."""

    code = "contacts.too_many"


class ContactsBusy(Conflict):
    """Other devices of the same person compare contacts at this moment."""

    code = "contacts.busy"


ERRORS: tuple[type[MixeeError], ...] = (TooManyContacts, ContactsBusy)
