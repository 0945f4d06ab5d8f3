"""Every question about notices is answered by an index."""

from typing import Any

from handlers.notices.store import MAIL, NOTICES
from storage.mongo import Mongo
from tests.handlers.contacts.test_plans import indexed


async def test_every_question_is_answered_by_an_index(mongo: Mongo) -> None:
    me, top = "01890a5d-ac96-774b-bcce-b302099a8057", [("position", -1)]
    indexes: dict[str, Any] = {"notices": NOTICES, "notice_mail": MAIL}
    for name, some in indexes.items():
        await mongo.collection(name).create_indexes(some)
    before = {"position": {"$lt": me}}

    await indexed(mongo, "notices", {"userId": me, "inApp": True, **before}, top)
    await indexed(mongo, "notices", {"userId": me, "inApp": True, "read": False, **before}, top)
    await indexed(mongo, "notices", {"userId": me, "open": "key", "inApp": True, "events": {"$ne": "1"}})
    await indexed(mongo, "notices", {"events": "1", "userId": me})
    await indexed(mongo, "notices", {"userId": me}, top)
    await indexed(mongo, "notices", {"userId": me, **before})
    await indexed(mongo, "notices", {"userId": me, "mail": True}, top)
    await indexed(mongo, "notices", {"userId": me, "mail": True, "position": {"$lte": me}})
    await indexed(mongo, "notices", {"updatedAt": {"$lt": "now"}})
    await indexed(mongo, "notices", {"actors": me, "userId": me})
    await indexed(mongo, "notices", {"actors": [me]} | {"userId": me})
    await indexed(mongo, "notice_mail", {"at": {"$lte": "now"}}, [("at", 1)])
