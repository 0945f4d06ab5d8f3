"""The chain of the audit log: a pure function, so that anybody can check that no line was changed or taken out."""

from hashlib import sha256

import orjson

from handlers.safety.models import AuditLine

BEGINNING = ""
"""The digest before the first line."""


def digest(line: AuditLine, before: str) -> str:
    """The digest of a line (whatever digest it has) that stands after one with the digest `before`."""
    content = line.model_dump(mode="json", by_alias=True, exclude={"digest"})
    return sha256(before.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
