"""Cases and their evidence."""

from datetime import datetime

from handlers.safety.models import Case, CaseStatus, Evidence, Outcome, document_of
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel

CASES = "safety_cases"
EVIDENCE = "safety_evidence"

CASE_INDEXES = (
    IndexModel([("reporterId", ASCENDING), ("target", ASCENDING)], name="once", unique=True),
    IndexModel([("status", ASCENDING), ("_id", ASCENDING)], name="queue"),
    IndexModel([("userId", ASCENDING)], name="about"),
)
EVIDENCE_INDEXES = (
    IndexModel([("expiresAt", ASCENDING)], name="due"),
    IndexModel([("messages.senderId", ASCENDING)], name="senders"),
)


class AlreadyFiled(Exception):
    """This person has reported that before."""


class CaseStore:
    """Cases, and the evidence of each under the same id."""

    def __init__(self, cases: Collection, evidence: Collection) -> None:
        self._cases = cases
        self._evidence = evidence

    async def add(self, case: Case, evidence: Evidence | None) -> None:
        """Add a case with its evidence, in the caller's unit of work. Raises AlreadyFiled."""
        try:
            await self._cases.insert({**document_of(case), "target": _target(case)})
        except DuplicateKeyError as error:
            raise AlreadyFiled from error
        if evidence is not None:
            document = evidence.model_dump(by_alias=True)
            await self._evidence.insert({**document, "_id": document.pop("caseId")})

    async def of(self, reporter_id: str, target: str) -> Case | None:
        """The report that a person made of a message, a conversation or a person."""
        return _case(await self._cases.find_one({"reporterId": reporter_id, "target": target}))

    async def get(self, case_id: str) -> Case | None:
        """A case by its id."""
        return _case(await self._cases.find_one({"_id": case_id}))

    async def evidence(self, case_id: str, now: datetime) -> Evidence | None:
        """The evidence of a case, while its time is not over."""
        found = await self._evidence.find_one({"_id": case_id})
        if found is None or found["expiresAt"] <= now:
            return None
        return Evidence.model_validate({**found, "caseId": found.pop("_id")})

    async def queue(self, status: CaseStatus, after: str | None, limit: int) -> list[Case]:
        """Cases of that status, the oldest first."""
        where: Document = {"status": status}
        if after is not None:
            where["_id"] = {"$gt": after}
        found = await self._cases.find(where, sort=[("_id", ASCENDING)], limit=limit, hint="queue")
        return [case for one in found if (case := _case(one))]

    async def claim(self, case_id: str, by: str, now: datetime, *, stale: datetime) -> Case | None:
        """Give a case to a moderator: one that is open, is his already, or was claimed before `stale`. Else None."""
        mine = [{"status": "open"}, {"status": "claimed", "claimedBy": by}]
        old = {"status": "claimed", "claimedAt": {"$lte": stale}}
        change = {"$set": {"status": "claimed", "claimedBy": by, "claimedAt": now}}
        return _case(await self._cases.find_and_update({"_id": case_id, "$or": [*mine, old]}, change))

    async def close(self, case_id: str, by: str, now: datetime, *, outcome: Outcome, note: str | None) -> Case | None:
        """Close a case that this moderator has claimed. None when it is not his."""
        where = {"_id": case_id, "status": "claimed", "claimedBy": by}
        setting = {"status": "closed", "outcome": outcome, "note": note, "resolvedBy": by, "resolvedAt": now}
        return _case(await self._cases.find_and_update(where, {"$set": setting}))

    async def forget_evidence(self, now: datetime) -> int:
        """Remove the evidence whose time is over; of how many cases."""
        return await self._evidence.delete_many({"expiresAt": {"$lte": now}})

    async def forget(self, user_id: str, stranger: str) -> None:
        """Remove the cases about a person and what he said from evidence; what he reported becomes a stranger's."""
        gone = await self._cases.find({"userId": user_id}, fields={"_id": 1}, limit=FORGET_AT_ONCE)
        while gone:
            ids = [one["_id"] for one in gone]
            await self._evidence.delete_many({"_id": {"$in": ids}})
            await self._cases.delete_many({"_id": {"$in": ids}})
            gone = await self._cases.find({"userId": user_id}, fields={"_id": 1}, limit=FORGET_AT_ONCE)
        await self._evidence.update_many({"messages.senderId": user_id}, {"$pull": {"messages": {"senderId": user_id}}})
        await self._cases.update_many({"reporterId": user_id}, {"$set": {"reporterId": stranger}})


FORGET_AT_ONCE = 500


def _target(case: Case) -> str | None:
    return case.message_id or case.conversation_id or case.user_id


def _case(document: Document | None) -> Case | None:
    if document is None:
        return None
    values = {name: value for name, value in document.items() if name not in {"_id", "target"}}
    return Case.model_validate({**values, "id": document["_id"]})
