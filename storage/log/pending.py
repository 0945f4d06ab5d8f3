"""A draft on its way into the log."""

import asyncio
from dataclasses import replace

from bson.raw_bson import RawBSONDocument

from storage.log.entries import Appended, Draft
from storage.log.heads import Conversation


class Pending:
    """A draft, the future that its caller holds, and what was tried so far.

    op: what is stored in `m`. body: the draft's body as it will be stored. submitted: the loop's time in seconds.
    tried: an insert was sent, so the entry may be in the log. places: the seqs at which an insert of ours may stand.
    """

    __slots__ = (
        "body",
        "conversation",
        "draft",
        "followers",
        "future",
        "op",
        "places",
        "settled",
        "since",
        "size",
        "submitted",
        "tried",
    )

    def __init__(
        self,
        draft: Draft,
        conversation: Conversation,
        future: asyncio.Future[Appended],
        *,
        op: str | bytes,
        body: RawBSONDocument,
        submitted: float,
    ) -> None:
        self.draft = draft
        self.conversation = conversation
        self.future = future
        self.op = op
        self.body = body
        self.size = len(body.raw)
        self.submitted = submitted
        self.since = conversation.since if draft.known is None else draft.known
        self.tried = False
        self.settled = False
        self.places: tuple[int, ...] = ()
        self.followers: tuple[Pending, ...] = ()

    @property
    def atomic(self) -> bool:
        """Whether it needs a transaction."""
        return self.draft.change is not None or self.draft.effects is not None

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.future.done() and all(one.abandoned for one in self.followers)

    def settle(self, appended: Appended) -> None:
        """Tell the caller that its entry is committed."""
        self.settled = True
        if not self.future.done():
            self.future.set_result(appended)
        if self.followers:
            again = replace(appended, duplicate=True)
            for one in self.followers:
                one.settle(again)

    def fail(self, error: BaseException) -> None:
        """Tell the caller that nothing came of it, or that this is not known."""
        self.settled = True
        if isinstance(error, StopIteration):
            error = RuntimeError(f"a callback raised {error!r}")  # a future refuses to carry it
        if not self.future.done():
            self.future.set_exception(error)
        for one in self.followers:
            one.fail(error)
