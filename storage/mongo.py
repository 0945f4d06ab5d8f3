"""The one module that names the MongoDB driver: the client, collections that join a running unit, and errors.

Every operation runs with majority read and write concern and a journalled write, so what a caller was told survives the
loss of any one server. Inside `Mongo.transact` each operation joins the transaction by itself (a context variable holds
the session), so a store is written once and works in both worlds.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from bson import Binary, Int64
from bson.codec_options import CodecOptions
from pymongo import (
    ASCENDING,
    DESCENDING,
    GEOSPHERE,
    TEXT,
    AsyncMongoClient,
    DeleteMany,
    DeleteOne,
    IndexModel,
    InsertOne,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
)
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "GEOSPHERE",
    "TEXT",
    "AutoReconnect",
    "Binary",
    "BulkWriteError",
    "Collection",
    "ConnectionFailure",
    "DeleteMany",
    "DeleteOne",
    "Document",
    "DuplicateKeyError",
    "IndexModel",
    "InsertOne",
    "Int64",
    "Mongo",
    "OperationFailure",
    "PyMongoError",
    "Unit",
    "UpdateMany",
    "UpdateOne",
    "WTimeoutError",
    "Write",
    "current_unit",
]

Document = dict[str, Any]
Where = Mapping[str, Any]
Change = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Write = InsertOne[Document] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
T = TypeVar("T")

WRITE_TIMEOUT_MS = 10_000
"""How long a write may wait for its majority before its outcome counts as unknown."""


class Unit:
    """One unit of work: a running transaction, and what shall happen once it is committed."""

    def __init__(self, session: AsyncClientSession) -> None:
        self.session = session
        self._after: list[Callable[[], Awaitable[None]]] = []

    def after_commit(self, call: Callable[[], Awaitable[None]]) -> None:
        """Run `call` when the transaction is committed; never when it is not."""
        self._after.append(call)

    async def committed(self) -> None:
        """Run everything that waited for the commit, in the order it was asked for."""
        for call in self._after:
            await call()


_unit: ContextVar[Unit | None] = ContextVar("mixee_unit", default=None)


def current_unit() -> Unit | None:
    """The unit of work that the caller runs in, or None outside any."""
    return _unit.get()


def _session() -> AsyncClientSession | None:
    unit = _unit.get()
    return unit.session if unit else None


class Mongo:
    """A connection to one database, on a replica set (transactions and majority writes need one)."""

    def __init__(self, url: str, database: str, *, timeout_ms: int = 10_000) -> None:
        self.client: AsyncMongoClient[Document] = AsyncMongoClient(
            url,
            tz_aware=True,
            uuidRepresentation="standard",
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            maxPoolSize=64,
            appname="mixee",
        )
        self.database: AsyncDatabase[Document] = self.client.get_database(
            database,
            codec_options=CodecOptions(tz_aware=True),
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern(w="majority", j=True, wtimeout=WRITE_TIMEOUT_MS),
        )

    async def ping(self) -> None:
        """Ask the primary whether it is there. Raises PyMongoError when it is not."""
        await self.database.command("ping")

    async def close(self) -> None:
        """Give every connection back."""
        await self.client.close()

    def collection(self, name: str) -> "Collection":
        """The collection of that name."""
        return Collection(self.database[name])

    async def drop(self) -> None:
        """Drop the whole database (for tests and benchmarks)."""
        await self.client.drop_database(self.database.name)

    async def transact(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run `call` in one transaction and return what it returns; a transient conflict runs it again.

        A call inside a running unit joins it. What was registered with `Unit.after_commit` runs after the commit, so
        nobody hears of a change that may still be undone.
        """
        if _unit.get() is not None:
            return await call()
        done: Unit | None = None

        async def attempt(session: AsyncClientSession) -> T:
            nonlocal done
            done = Unit(session)
            token = _unit.set(done)
            try:
                return await call()
            finally:
                _unit.reset(token)

        async with self.client.start_session() as session:
            result = await session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern(w="majority", j=True, wtimeout=WRITE_TIMEOUT_MS),
            )
        if done is not None:
            await done.committed()
        return result


class Collection:
    """A collection whose operations join the caller's unit of work. For stores only: a store hands out models."""

    def __init__(self, raw: AsyncCollection[Document]) -> None:
        self.raw = raw
        self.name = raw.name

    async def find_one(
        self, where: Where, *, fields: Where | None = None, sort: Sequence[tuple[str, int]] | None = None
    ) -> Document | None:
        """The first document that matches, or None."""
        return await self.raw.find_one(where, fields, sort=sort, session=_session())

    async def find(
        self,
        where: Where,
        *,
        limit: int,
        fields: Where | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
        skip: int = 0,
        hint: str | None = None,
    ) -> list[Document]:
        """At most `limit` documents that match (every read has a bound; 0 is refused)."""
        if limit < 1:
            raise ValueError("a read needs a bound of at least 1")
        cursor = self.raw.find(where, fields, sort=sort, skip=skip, limit=limit, hint=hint, session=_session())
        return await cursor.to_list(limit)

    def each(
        self, where: Where, *, fields: Where | None = None, sort: Sequence[tuple[str, int]] | None = None
    ) -> AsyncIterator[Document]:
        """Every document that matches, one at a time, for jobs that walk a whole collection."""
        return aiter(self.raw.find(where, fields, sort=sort, session=_session()))

    async def newest(self, going: Callable[[Document], bool], *, limit: int, fields: Where) -> list[Document]:
        """At most `limit` documents, the one stored last first, up to the first that is not `going`.

        It reads the collection from its end and needs no index: the price is what it reads, not how much there is.
        """
        found: list[Document] = []
        cursor = self.raw.find({}, fields, sort=[("$natural", DESCENDING)], limit=limit, session=_session())
        async with cursor:
            async for one in cursor:
                if not going(one):
                    break
                found.append(one)
        return found

    async def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, limit: int, hint: str | None = None
    ) -> list[Document]:
        """At most `limit` results of an aggregation."""
        options: dict[str, Any] = {} if hint is None else {"hint": hint}
        cursor = await self.raw.aggregate([*pipeline, {"$limit": limit}], session=_session(), **options)
        return await cursor.to_list(limit)

    async def count(self, where: Where, *, limit: int | None = None, hint: str | None = None) -> int:
        """How many documents match, counted no further than `limit`."""
        options: dict[str, Any] = {}
        if limit is not None:
            options["limit"] = limit
        if hint is not None:
            options["hint"] = hint
        return await self.raw.count_documents(where, session=_session(), **options)

    async def insert(self, document: Document) -> None:
        """Add one document. Raises DuplicateKeyError when a unique index refuses it."""
        await self.raw.insert_one(document, session=_session())

    async def insert_many(self, documents: Sequence[Document], *, ordered: bool = True) -> None:
        """Add documents in order; raises BulkWriteError at the first that is refused."""
        await self.raw.insert_many(documents, ordered=ordered, session=_session())

    async def update_one(
        self,
        where: Where,
        change: Change,
        *,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
    ) -> bool:
        """Change the first match. True when there was one (or one was added)."""
        done = await self.raw.update_one(where, change, upsert=upsert, array_filters=array_filters, session=_session())
        return done.matched_count > 0 or done.upserted_id is not None

    async def update_many(self, where: Where, change: Change) -> int:
        """Change every match; the number of matches."""
        done = await self.raw.update_many(where, change, session=_session())
        return done.matched_count

    async def find_and_update(
        self,
        where: Where,
        change: Change,
        *,
        upsert: bool = False,
        before: bool = False,
        fields: Where | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
    ) -> Document | None:
        """Change the first match in one step and return it as it is afterwards (or as it was `before`)."""
        found: Document | None = await self.raw.find_one_and_update(
            where,
            change,
            projection=fields,
            sort=sort,
            upsert=upsert,
            return_document=ReturnDocument.BEFORE if before else ReturnDocument.AFTER,
            session=_session(),
        )
        return found

    async def find_and_delete(self, where: Where, *, sort: Sequence[tuple[str, int]] | None = None) -> Document | None:
        """Remove the first match in one step and return what it was."""
        found: Document | None = await self.raw.find_one_and_delete(where, sort=sort, session=_session())
        return found

    async def delete_one(self, where: Where) -> bool:
        """Remove the first match. True when there was one."""
        return (await self.raw.delete_one(where, session=_session())).deleted_count > 0

    async def delete_many(self, where: Where) -> int:
        """Remove every match; how many there were."""
        return (await self.raw.delete_many(where, session=_session())).deleted_count

    async def write(self, writes: Sequence[Write], *, ordered: bool = True) -> None:
        """Run several writes in one trip. Raises BulkWriteError when one is refused."""
        if writes:
            await self.raw.bulk_write(list(writes), ordered=ordered, session=_session())

    async def create_indexes(self, indexes: Sequence[IndexModel]) -> None:
        """Create what is missing; an index that exists with other options is an OperationFailure."""
        if indexes:
            await self.raw.create_indexes(list(indexes))

    async def explain(self, where: Where, *, sort: Sequence[tuple[str, int]] | None = None) -> Document:
        """The winning plan of a query, for tests that assert which index serves it."""
        cursor = self.raw.find(where, sort=sort)
        plan: Document = await cursor.explain()
        return plan
