"""Writing entries together with what they change, in one transaction, with a bound on every wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.read_concern import ReadConcern

from storage.log.compose import Composer, Plan, targets
from storage.log.entries import Entry, decode
from storage.log.faults import DraftFault, at_effect
from storage.log.pending import Pending
from storage.log.table import COLLECTION
from storage.mongo import Document, Mongo, OperationFailure, PyMongoError

log = logging.getLogger("mixee.log")

Insert = Callable[[Sequence[Document], AsyncClientSession | None], Awaitable[None]]
"""Writes documents in order, in the session's transaction if one is given."""

Before = Callable[[Sequence[Entry]], Awaitable[None]]

ABORT_TIMEOUT = 1.0
"""Seconds that an abort may take before the transaction is left to `bury`."""


class EffectFault(DraftFault):
    """An effect is not acceptable to the database; `error` is what it said."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(type(error).__name__)
        self.error = error


class Transactions:
    """Makes transactions for one lane, and ends those that got lost."""

    def __init__(self, mongo: Mongo, insert: Insert) -> None:
        self.mongo = mongo
        self.insert = insert
        self.lost: list[AsyncClientSession] = []

    def new(self) -> "Transaction":
        """A transaction that has not begun."""
        return Transaction(self)

    async def bury(self) -> None:
        """End the transactions whose abort may not have reached the server: they would block their conversations."""
        while self.lost:
            session = self.lost[-1]
            try:
                await self.mongo.client.admin.command("killSessions", [session.session_id])
            except OperationFailure as error:
                log.warning("a lost transaction could not be ended (code %s); MongoDB ends it in a minute", error.code)
            self.lost.pop()
            await session.end_session()


class Transaction:
    """One attempt. `plan`: what it writes. `sent`: the commit was sent, so it may have happened."""

    def __init__(self, owner: Transactions) -> None:
        self.plan = Plan()
        self.sent = False
        self._owner = owner
        self._database = owner.mongo.database
        self._session = owner.mongo.client.start_session()

    async def run(self, drafts: Sequence[Pending], now: datetime, before: Before) -> None:
        """Read what is to be changed, work out the plan, tell `before`, write it all and commit.

        When every draft is refused nothing is written. Raises what the driver raises, or EffectFault.
        """
        try:
            await self._session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=self._database.write_concern
            )
            self.plan = Composer(await self._targets(drafts), now).compose(drafts)
            if self.plan.drafts:
                await before(self.plan.entries)
                await self._write()
                self.sent = True
                await self._session.commit_transaction()
        except BaseException as error:
            await self._undo(error)
            raise
        await self._end()

    async def _targets(self, drafts: Sequence[Pending]) -> dict[bytes, Entry]:
        wanted = targets(drafts)
        if not wanted:
            return {}
        cursor = self._database[COLLECTION].find({"_id": {"$in": wanted}}, limit=len(wanted), session=self._session)
        return {document["_id"]: decode(document) for document in await cursor.to_list(len(wanted))}

    async def _write(self) -> None:
        await self._owner.insert(self.plan.documents, self._session)
        if self.plan.updates:
            await self._database[COLLECTION].bulk_write(self.plan.updates, session=self._session)
        for name, effects in groupby(self.plan.effects, key=itemgetter(0)):
            try:
                await self._database[name].bulk_write([write for _, write in effects], session=self._session)
            except Exception as error:
                if at_effect(error):
                    raise EffectFault(error) from None
                raise

    async def _undo(self, error: BaseException) -> None:
        """Abort. Where the server gave no answer it is left to `bury`: an abort would wait in vain as well."""
        if isinstance(error, OperationFailure) or not isinstance(error, PyMongoError | asyncio.CancelledError):
            await self._end()
        else:
            self._owner.lost.append(self._session)

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(ABORT_TIMEOUT):
                if self._session.in_transaction:
                    await self._session.abort_transaction()
        except TimeoutError:
            self._owner.lost.append(self._session)
        else:
            await self._session.end_session()
