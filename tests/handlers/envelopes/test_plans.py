"""Every question about envelopes is answered by an index."""

from handlers.envelopes.store import ENVELOPE_INDEXES, ENVELOPES, QUEUE_INDEXES, QUEUES, SENT, SENT_INDEXES
from storage.mongo import Mongo
from tests.handlers.contacts.test_plans import indexed

ME = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_every_question_is_answered_by_an_index(mongo: Mongo) -> None:
    for name, indexes in ((ENVELOPES, ENVELOPE_INDEXES), (QUEUES, QUEUE_INDEXES), (SENT, SENT_INDEXES)):
        await mongo.collection(name).insert({"_id": "one"})
        await mongo.collection(name).create_indexes(indexes)

    waiting = {"device": ME, "order": {"$gt": 7}, "expiresAt": {"$gt": "now"}}
    await indexed(mongo, ENVELOPES, waiting, [("order", 1)])
    await indexed(mongo, ENVELOPES, {"_id": {"$in": [ME]}, "device": ME})
    await indexed(mongo, ENVELOPES, {"device": ME, "order": {"$lte": 7}})
    await indexed(mongo, ENVELOPES, {"device": {"$in": [ME]}})
    await indexed(mongo, ENVELOPES, {"userId": ME})
    await indexed(mongo, ENVELOPES, {"sender": ME})
    await indexed(mongo, QUEUES, {"_id": {"$in": [ME]}})
    await indexed(mongo, QUEUES, {"userId": ME})
    await indexed(mongo, SENT, {"_id": ME})
    await indexed(mongo, SENT, {"userId": ME})
