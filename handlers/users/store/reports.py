"""The named questions to the collection of reports about people."""

from handlers.users.models import Report
from storage.mongo import ASCENDING, Collection, DuplicateKeyError, IndexModel

REPORTS = "user_reports"

REPORT_INDEXES = (
    IndexModel([("reporterId", ASCENDING), ("userId", ASCENDING)], name="once", unique=True),
    IndexModel([("userId", ASCENDING)], name="about"),
    IndexModel([("status", ASCENDING), ("createdAt", ASCENDING)], name="queue"),
)


class AlreadyReported(Exception):
    """This person has reported that one before."""


class ReportStore:
    """Reports about people."""

    def __init__(self, reports: Collection) -> None:
        self._reports = reports

    async def add(self, report: Report, *, reporter_id: str, details: str | None) -> None:
        """Add a report. Raises AlreadyReported when this reporter has made one of the same person."""
        document = report.model_dump(by_alias=True)
        document["_id"] = document.pop("id")
        try:
            await self._reports.insert({**document, "reporterId": reporter_id, "details": details})
        except DuplicateKeyError as error:
            raise AlreadyReported from error

    async def of(self, reporter_id: str, user_id: str) -> Report | None:
        """The report that one person made of another."""
        found = await self._reports.find_one({"reporterId": reporter_id, "userId": user_id})
        return Report.model_validate({**found, "id": found["_id"]}) if found else None

    async def close(self, report_id: str) -> None:
        """Note that a moderator has dealt with a report."""
        await self._reports.update_one({"_id": report_id}, {"$set": {"status": "closed"}})

    async def forget(self, user_id: str, stranger: str) -> None:
        """Remove the reports about a person; those he made become the ones of a `stranger`, an id that is nobody's."""
        await self._reports.delete_many({"userId": user_id})
        await self._reports.update_many({"reporterId": user_id}, {"$set": {"reporterId": stranger}})
