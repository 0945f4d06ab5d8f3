"""Warnings and suspensions, and the appeals against them."""

from collections.abc import Sequence
from datetime import datetime

from handlers.safety.models import Appeal, AppealStatus, Measure, document_of
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, DuplicateKeyError, IndexModel

MEASURES = "safety_measures"
APPEALS = "safety_appeals"

_RUNNING = {"kind": "suspension", "active": True}

MEASURE_INDEXES = (
    IndexModel([("userId", ASCENDING), ("_id", DESCENDING)], name="of"),
    IndexModel([("userId", ASCENDING)], name="suspended", unique=True, partialFilterExpression=_RUNNING),
    IndexModel([("until", ASCENDING)], name="due", partialFilterExpression=_RUNNING),
)
APPEAL_INDEXES = (
    IndexModel([("measureId", ASCENDING)], name="once", unique=True),
    IndexModel([("status", ASCENDING), ("_id", ASCENDING)], name="queue"),
    IndexModel([("userId", ASCENDING)], name="of"),
)


class AlreadyThere(Exception):
    """The person is suspended already, or has appealed against that already."""


class MeasureStore:
    """Measures and appeals."""

    def __init__(self, measures: Collection, appeals: Collection) -> None:
        self._measures = measures
        self._appeals = appeals

    async def add(self, measure: Measure) -> None:
        """Add a measure. Raises AlreadyThere for a second suspension at once."""
        await _insert(self._measures, document_of(measure))

    async def get(self, measure_id: str) -> Measure | None:
        """A measure by its id."""
        return _measure(await self._measures.find_one({"_id": measure_id}))

    async def suspension(self, user_id: str) -> Measure | None:
        """The suspension that holds for a person now."""
        return _measure(await self._measures.find_one({"userId": user_id, **_RUNNING}))

    async def of(self, user_id: str, before: str | None, limit: int) -> list[Measure]:
        """A person's measures, the newest first."""
        where: Document = {"userId": user_id}
        if before is not None:
            where["_id"] = {"$lt": before}
        found = await self._measures.find(where, sort=[("_id", DESCENDING)], limit=limit, hint="of")
        return [measure for one in found if (measure := _measure(one))]

    async def due(self, now: datetime, limit: int) -> list[Measure]:
        """Suspensions whose time is over, those first that ended first."""
        where = {**_RUNNING, "until": {"$lte": now}}
        found = await self._measures.find(where, sort=[("until", ASCENDING)], limit=limit)
        return [measure for one in found if (measure := _measure(one))]

    async def end(self, measure_id: str, now: datetime) -> bool:
        """End a measure. False when it is over already."""
        where = {"_id": measure_id, "active": True}
        return await self._measures.update_one(where, {"$set": {"active": False, "endedAt": now}})

    async def add_appeal(self, appeal: Appeal) -> None:
        """Add an appeal. Raises AlreadyThere when there is one against the measure."""
        await _insert(self._appeals, document_of(appeal))

    async def appeal(self, appeal_id: str) -> Appeal | None:
        """An appeal by its id."""
        return _appeal(await self._appeals.find_one({"_id": appeal_id}))

    async def appeals_against(self, measure_ids: Sequence[str]) -> dict[str, Appeal]:
        """The appeals against measures (at most 100), by the ids of the measures."""
        if not measure_ids:
            return {}
        found = await self._appeals.find({"measureId": {"$in": list(measure_ids)}}, limit=100)
        return {appeal.measure_id: appeal for one in found if (appeal := _appeal(one))}

    async def appeals(self, status: AppealStatus, after: str | None, limit: int) -> list[Appeal]:
        """Appeals of that status, the oldest first."""
        where: Document = {"status": status}
        if after is not None:
            where["_id"] = {"$gt": after}
        found = await self._appeals.find(where, sort=[("_id", ASCENDING)], limit=limit, hint="queue")
        return [appeal for one in found if (appeal := _appeal(one))]

    async def decide(self, appeal_id: str, status: AppealStatus, answer: str, now: datetime) -> Appeal | None:
        """Decide an appeal that is open. None when it is not."""
        setting = {"status": status, "answer": answer, "decidedAt": now}
        return _appeal(await self._appeals.find_and_update({"_id": appeal_id, "status": "open"}, {"$set": setting}))

    async def forget(self, user_id: str) -> None:
        """Remove the measures against a person and his appeals."""
        await self._measures.delete_many({"userId": user_id})
        await self._appeals.delete_many({"userId": user_id})


async def _insert(collection: Collection, document: Document) -> None:
    try:
        await collection.insert(document)
    except DuplicateKeyError as error:
        raise AlreadyThere from error


def _measure(document: Document | None) -> Measure | None:
    return Measure.model_validate({**document, "id": document.pop("_id")}) if document else None


def _appeal(document: Document | None) -> Appeal | None:
    return Appeal.model_validate({**document, "id": document.pop("_id")}) if document else None
