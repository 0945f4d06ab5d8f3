"""The collections of the users slice: accounts, and reports about them. Private to the slice."""

from handlers.users.store.accounts import (
    USER_INDEXES,
    USERS,
    Taken,
    UserStore,
    admin_where,
    around_where,
    in_office_where,
    named_where,
)
from handlers.users.store.reports import REPORT_INDEXES, REPORTS, AlreadyReported, ReportStore

__all__ = [
    "REPORTS",
    "REPORT_INDEXES",
    "USERS",
    "USER_INDEXES",
    "AlreadyReported",
    "ReportStore",
    "Taken",
    "UserStore",
    "admin_where",
    "around_where",
    "in_office_where",
    "named_where",
]
