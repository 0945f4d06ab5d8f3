"""Every question about keys is answered by an index."""

from handlers.keys.store import (
    ACCOUNT_INDEXES,
    ACCOUNTS,
    DEVICE_INDEXES,
    DEVICES,
    ENTRIES,
    ENTRY_INDEXES,
    LINK_INDEXES,
    LINKS,
    LOG,
    PREKEY_INDEXES,
    PREKEYS,
)
from handlers.keys.store.keys import next_key
from storage.mongo import Mongo
from tests.handlers.contacts.test_plans import indexed

ME = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_every_question_is_answered_by_an_index(mongo: Mongo) -> None:
    indexes = {
        ACCOUNTS: ACCOUNT_INDEXES,
        DEVICES: DEVICE_INDEXES,
        PREKEYS: PREKEY_INDEXES,
        LINKS: LINK_INDEXES,
        ENTRIES: ENTRY_INDEXES,
    }
    for name, some in indexes.items():
        await mongo.collection(name).insert({"_id": "one"})
        await mongo.collection(name).create_indexes(some)
    await mongo.collection(LOG).insert({"_id": "one"})

    await indexed(mongo, ACCOUNTS, {"_id": {"$in": [ME]}})
    await indexed(mongo, ACCOUNTS, {"_id": ME, "devices.key": "x", "identity": b"x"})
    await indexed(mongo, DEVICES, {"_id": {"$in": [ME]}})
    await indexed(mongo, DEVICES, {"userId": ME})
    await indexed(mongo, PREKEYS, next_key(ME, "ec"), [("place", 1)])
    await indexed(mongo, PREKEYS, {"device": {"$in": [ME]}})
    await indexed(mongo, PREKEYS, {"userId": ME})
    await indexed(mongo, LINKS, {"userId": ME})
    await indexed(mongo, ENTRIES, {"userId": ME, "_id": {"$lt": 7}}, [("_id", -1)])
    await indexed(mongo, LOG, {"_id": {"$in": ["0/1", "1/0"]}})
