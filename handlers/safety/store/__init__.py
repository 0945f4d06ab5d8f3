"""The named questions to the collections of cases, evidence, measures, appeals and the audit log."""

from handlers.safety.store.audit import AUDIT, AUDIT_HEAD, AUDIT_INDEXES, AuditStore
from handlers.safety.store.cases import CASE_INDEXES, CASES, EVIDENCE, EVIDENCE_INDEXES, AlreadyFiled, CaseStore
from handlers.safety.store.measures import (
    APPEAL_INDEXES,
    APPEALS,
    MEASURE_INDEXES,
    MEASURES,
    AlreadyThere,
    MeasureStore,
)

__all__ = [
    "APPEALS",
    "APPEAL_INDEXES",
    "AUDIT",
    "AUDIT_HEAD",
    "AUDIT_INDEXES",
    "CASES",
    "CASE_INDEXES",
    "EVIDENCE",
    "EVIDENCE_INDEXES",
    "MEASURES",
    "MEASURE_INDEXES",
    "AlreadyFiled",
    "AlreadyThere",
    "AuditStore",
    "CaseStore",
    "MeasureStore",
]
