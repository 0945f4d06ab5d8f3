"""The append-only log of conversations: one log each, dense `seq` from 1, nothing told before it is committed.

Safety rests on two unique indexes, not on locks: of `_id` = conversation ‖ seq, so that of two nodes that append at the
same seq one is refused, re-reads and comes after; and of (conversation, sender, device, operation), so that what is
sent again is in the log once. Batches are written in order with `w: majority, j: true`, so only a prefix of one can be
in after a failure, and no hole is ever left. Batches arise by themselves: a lane has one in flight and gathers the next
meanwhile.

A `change` updates its target in place and appends an entry, in one transaction: the log can be replayed, and a message
can be read as it is. A `guard` is asked again when members or settings changed after the caller looked.
"""

from storage.log.entries import Appended, Change, Draft, Effects, Entry, Guard, Life
from storage.log.errors import LogError, NotThere, Overloaded, Refused, Unavailable
from storage.log.hooks import Hooks
from storage.log.log import GUARD_KINDS, Log
from storage.log.reader import Open
from storage.log.table import COLLECTION, indexes

__all__ = [
    "COLLECTION",
    "GUARD_KINDS",
    "Appended",
    "Change",
    "Draft",
    "Effects",
    "Entry",
    "Guard",
    "Hooks",
    "Life",
    "Log",
    "LogError",
    "NotThere",
    "Open",
    "Overloaded",
    "Refused",
    "Unavailable",
    "indexes",
]
