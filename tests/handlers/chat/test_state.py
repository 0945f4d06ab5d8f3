"""What a process remembers of conversations: bounded, and never taken for newer than it is."""

import asyncio

from handlers.chat.service.state import States
from handlers.chat.store import CONVERSATIONS, MEMBERS, ConversationStore, MemberStore
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import group
from tests.harness.servers import Server


def states_of(server: Server, *, capacity: int = 1_000) -> States:
    """The memory of a process that has just begun."""
    mongo = server.app.mongo
    return States(
        ConversationStore(mongo.collection(CONVERSATIONS)),
        MemberStore(mongo.collection(MEMBERS)),
        capacity=capacity,
    )


async def test_a_remembered_state_may_be_old_and_a_current_one_is_not(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, states = await group(ada, bob), states_of(server)
    before = await states.remembered(conversation)
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")

    old, new = await states.remembered(conversation), await states.current(conversation)
    after = await states.remembered(conversation)

    assert before is old
    assert old is not None
    assert new is not None
    assert after is not None
    assert (old.seq, set(old.members)) == (1, {ada.id, bob.id})
    assert (new.seq, set(new.members)) == (2, {ada.id})
    assert (after.seq, states.latest(old).seq) == (2, 2)


async def test_the_memory_holds_a_bounded_number_of_members(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversations, states = [await group(ada, bob) for _ in range(6)], states_of(server, capacity=10)

    for one in conversations:
        await states.remembered(one)

    assert list(states._states) == conversations[-3:]
    assert states._weight == 9


async def test_many_who_ask_at_once_get_the_same_state(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, states = await group(ada, bob), states_of(server)

    found = await asyncio.gather(*(states.remembered(conversation) for _ in range(20)))

    assert len({id(one) for one in found}) == 1


async def test_a_conversation_that_is_not_there_has_no_state(server: Server, people: People) -> None:
    (ada,) = await people("ada")
    states = states_of(server)

    assert await states.remembered(ada.id) is None
    assert await states.current(ada.id) is None


async def test_the_audience_of_an_entry_are_those_who_were_members_by_then(server: Server, people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})

    state = await states_of(server).current(conversation)

    assert state is not None
    assert list(state.audience(1)) == sorted([ada.id, bob.id])
    assert list(state.audience(2)) == sorted([ada.id, bob.id, cyd.id])
    assert list(state.audience(5, hidden_from=[bob.id])) == sorted([ada.id, cyd.id])
