"""Reading the database's errors: whose fault is it, and what may have been written in spite of it?"""

from bson.errors import BSONError

from storage.log.errors import Refused
from storage.mongo import BulkWriteError, OperationFailure, PyMongoError

DUPLICATE = 11000
WRITE_CONFLICT = 112
DRAFT_CODES = frozenset(
    {2, 9, 14, 15, 16, 17, 22, 28, 40, 52, 54, 55, 56, 57, 66, 121, 10334, 17280, 17419, 17420, 31253}
)
"""Codes by which the server says that a document or a write is not acceptable, now and for ever."""

RETRY_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")

ENCODING = (BSONError, OverflowError, UnicodeError, RecursionError)
"""What the encoder raises for values that BSON cannot hold."""


class DraftFault(Exception):
    """One draft of several, not the database, is why a write failed. Tried one by one the drafts show which."""


def codes(error: BaseException) -> set[int]:
    """The server's codes of an error, without those of write concerns."""
    if isinstance(error, BulkWriteError):
        return {one["code"] for one in error.details.get("writeErrors", ())}
    if isinstance(error, OperationFailure) and error.code is not None:
        return {error.code}
    return set()


def transient(error: PyMongoError) -> bool:
    """Whether the driver or the server says that the same may succeed when it is tried again."""
    return any(error.has_error_label(label) for label in RETRY_LABELS)


def at_draft(error: BaseException) -> bool:
    """Whether a write failed because of what it was given. A duplicate key is not that: another came first."""
    if isinstance(error, PyMongoError):
        return not transient(error) and bool(codes(error) & DRAFT_CODES)
    return isinstance(error, ENCODING)


def at_effect(error: BaseException) -> bool:
    """The same for the write of an effect, where a duplicate key is the draft's own business."""
    if isinstance(error, PyMongoError) and not transient(error) and DUPLICATE in codes(error):
        return True
    return at_draft(error)


def refusal(error: BaseException) -> Refused:
    """What the caller of a faulty draft hears. The error itself may quote the body, so it is not passed on."""
    found = codes(error)
    which = f"code {', '.join(map(str, sorted(found)))}" if found else type(error).__name__
    return Refused(f"the database cannot take this: {which}", conflict=DUPLICATE in found)


def inserted(error: BaseException) -> int | None:
    """How many documents of an ordered insert are in, for certain; None when that is unknown."""
    if not isinstance(error, BulkWriteError) or error.details.get("writeConcernErrors"):
        return None
    return int(error.details.get("nInserted", 0))


def cause(error: BaseException) -> str:
    """A short name for the measures."""
    return "conflict" if codes(error) & {DUPLICATE, WRITE_CONFLICT} else "outage"
