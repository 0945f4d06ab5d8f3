"""Every question to the collections of attachments is answered by an index."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.ids import new_id
from handlers.media.store import due, unfinished
from tests.conftest import People
from tests.handlers.chat.test_plans import indexes_of
from tests.handlers.media.helpers import upload
from tests.harness.servers import Server

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ME, ONE = new_id(), new_id()

QUESTIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "by id": ("media", {"_id": ONE}, {}, "_id_"),
    "unfinished of a person": ("media", unfinished(ME), {}, "owner"),
    "everything of a person": ("media", {"ownerId": ME, "status": {"$in": ["uploading", "ready"]}}, {}, "owner"),
    "what is being removed": ("media", {"ownerId": ME, "status": "going"}, {}, "owner"),
    "what is due": ("media", due(NOW), {"sort": [("dueAt", 1)]}, "due"),
    "places of a medium": ("media_grants", {"mediaId": ONE}, {"sort": [("at", 1)]}, "media"),
    "what a person showed": ("media_grants", {"grantedBy": ME}, {}, "granter"),
    "an allowance": ("media_allowances", {"_id": f"{ME}:2026-11-24"}, {}, "_id_"),
    "allowances of a person": ("media_allowances", {"userId": ME}, {}, "user"),
    "allowances of days that are over": ("media_allowances", {"until": {"$lte": NOW}}, {}, "until"),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_is_answered_by_its_index(server: Server, people: People, question: str) -> None:
    (ada,) = await people("ada")
    await upload(ada, "file", b"something")
    collection, where, options, wanted = QUESTIONS[question]

    assert await indexes_of(server, collection, where, **options) == {wanted}
