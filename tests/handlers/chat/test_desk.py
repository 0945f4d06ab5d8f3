"""Into the log and out as events: what is committed is told, and what cannot be is answered in the clients' words."""

import asyncio

import pytest

from handlers.chat.models.messages import NewMessage
from handlers.chat.service import Chat
from handlers.chat.service.desk import told
from handlers.chat.service.notes import Notes
from handlers.chat.store import CONVERSATIONS, MEMBERS, ConversationStore, Mark, MemberStore, TimerStore
from server.actors import Actor
from server.clock import SystemClock
from storage import log
from storage.mongo import Mongo
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, fresh_id, said, shown
from tests.harness.people import Person
from tests.harness.servers import Server


def message(conversation: str, content: str) -> NewMessage:
    """A message that is not sent yet."""
    return NewMessage(conversation_id=conversation, client_message_id=fresh_id(), type="text", content=content)


def actor_of(person: Person) -> Actor:
    """Somebody as a service sees him."""
    return Actor(person.id, "user", frozenset(), "session", "device", person.server.app.clock.now())


async def test_a_message_is_told_also_when_nobody_waits_for_the_answer_any_more(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    listener = await bob.socket()
    chat: Chat = ada.server.service("chat")

    pending = await chat.messages.send(actor_of(ada), message(conversation, "hung up"))

    async def wait() -> None:
        await pending

    waiting = asyncio.create_task(wait())
    asyncio.get_running_loop().call_soon(waiting.cancel)

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await listener.next("message:new"))["content"] == "hung up"
    assert await said(bob, conversation) == ["hung up"]


@pytest.mark.parametrize(
    ("error", "code", "status", "wait"),
    [
        (log.Overloaded(1_500), "overloaded", 503, 1_500),
        (log.Unavailable("no answer"), "unavailable", 503, 1_000),
        (log.NotThere("no such entry"), "not_found", 404, None),
        (log.Refused("too deep"), "unavailable", 503, 1_000),
    ],
)
def test_what_the_log_refuses_is_told_with_a_code_that_clients_know(
    error: log.LogError, code: str, status: int, wait: int | None
) -> None:
    answer = told(error)

    assert (answer.code, answer.status, answer.retry_after_ms) == (code, status, wait)


def notes_of(mongo: Mongo) -> Notes:
    """Notes that nobody writes down by the clock."""
    conversations = ConversationStore(mongo.collection(CONVERSATIONS))
    members, timers = MemberStore(mongo.collection(MEMBERS)), TimerStore(mongo.collection(log.COLLECTION))
    return Notes(conversations, members, timers, SystemClock())


async def test_notes_are_written_down_together_and_only_forward(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, notes = await direct(ada, bob), notes_of(server.app.mongo)
    now = server.app.clock.now()

    for seq in (3, 5, 4):
        notes.said(conversation, seq, now)
        notes.read(Mark(conversation, bob.id, seq, seq))
    await notes.settle_in(ada.id)
    before = await shown(bob, conversation)
    await notes.settle_in(conversation)
    after = await shown(bob, conversation)

    assert (before["myReadSeq"], after["myReadSeq"]) == (1, 5)
    stored = await server.app.mongo.collection(CONVERSATIONS).find_one({"_id": conversation})
    assert stored is not None
    assert (stored["lastSeq"], stored["lastMessageAt"]) == (5, now)


async def test_notes_that_cannot_be_written_are_kept(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, now = await direct(ada, bob), server.app.clock.now()
    nowhere = Mongo("mongodb://127.0.0.1:1/?directConnection=true", "nowhere", timeout_ms=50)
    notes = notes_of(nowhere)
    notes.said(conversation, 7, now)
    notes.read(Mark(conversation, bob.id, 7, 7))

    await notes.try_to_settle()
    notes._conversations = ConversationStore(server.app.mongo.collection(CONVERSATIONS))
    notes._members = MemberStore(server.app.mongo.collection(MEMBERS))
    await notes.try_to_settle()
    await nowhere.close()

    assert (await shown(bob, conversation))["myReadSeq"] == 7
