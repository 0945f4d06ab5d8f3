"""Conversations of so many that they have a channel of their own: who is in one, and that nobody misses anything."""

import pytest

from server.hub.channels import FEW
from server.hub.sequencer import Sequencer
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, group, say, unblock
from tests.harness.people import Person, Socket
from tests.harness.servers import Server, until


async def large_of(server: Server, *people: Person) -> list[list[str]]:
    """The large conversations of people, as the hub is told."""
    found = await server.service("chat").large_of([one.id for one in people])
    return [sorted(found[one.id]) for one in people]


async def add(owner: Person, conversation: str, *people: Person) -> None:
    await owner.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [one.id for one in people]})


async def remove(owner: Person, conversation: str, who: Person) -> None:
    await owner.ask("DELETE", f"/api/conversations/{conversation}/participants/{who.id}")


def texts(socket: Socket) -> list[str]:
    return [message["content"] for message in socket.events("message:new")]


def sequencer_of(server: Server) -> Sequencer:
    return server.app.hub._sequencer


async def test_a_group_is_large_from_the_member_on_who_is_one_too_many_and_until_he_leaves(people: People) -> None:
    ada, bob, *others = await people("ada", "bob", *["member"] * (FEW - 1))
    server = ada.server
    conversation = await group(ada, *others)

    before = await large_of(server, ada, bob, others[0])
    await add(ada, conversation, bob)
    between = await large_of(server, ada, bob, others[0])
    await remove(ada, conversation, bob)

    assert before == [[], [], []]
    assert between == [[conversation]] * 3
    assert await large_of(server, ada, bob, others[0]) == [[], [], []]


async def test_a_group_that_is_large_from_the_beginning_is_known_as_one_and_who_left_is_not_in_it(
    people: People,
) -> None:
    ada, *others = await people("ada", *["member"] * (FEW + 1))
    conversation = await group(ada, *others)

    await remove(ada, conversation, others[0])

    assert await large_of(ada.server, ada, *others[:2]) == [[conversation], [], [conversation]]


async def test_a_group_may_become_large_and_small_again_and_everybody_hears_everything_once(
    people: People, pair: Pair
) -> None:
    ada, bob, cyd, dan, *others = await people("ada", "bob", "cyd", "dan", *["member"] * (FEW - 3))
    conversation = await group(ada, bob, *others)
    hearing_bob, hearing_cyd = await bob.at(pair[1]).socket(), await cyd.at(pair[1]).socket()
    here = await ada.socket()

    await say(ada, conversation, "few")
    await add(ada, conversation, cyd)
    await add(ada, conversation, dan)
    for number in range(5):
        await say(ada, conversation, f"many {number}")
    await until(lambda: len(texts(hearing_bob)) == 6)  # else that server would tell them to whoever is there by then
    late = await dan.at(pair[1]).socket()
    await say(ada, conversation, "for dan")
    await remove(ada, conversation, cyd)
    await remove(ada, conversation, dan)
    await say(ada, conversation, "few again")

    everything = ["few", *(f"many {number}" for number in range(5)), "for dan", "few again"]
    await until(lambda: len(texts(hearing_bob)) == len(texts(here)) == len(everything))
    assert texts(hearing_bob) == texts(here) == everything
    await until(lambda: bool(hearing_cyd.events("conversation:removed")) and bool(late.events("conversation:removed")))
    assert texts(hearing_cyd) == everything[1:-1]
    assert texts(late) == ["for dan"]


async def test_what_is_hidden_from_somebody_leaves_no_hole_at_his_server(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    socket = await ada.at(pair[1]).socket()
    await say(bob, conversation, "first")
    await until(lambda: texts(socket) == ["first"])
    repairs = sequencer_of(pair[1]).repairs

    await block(ada, bob)
    await say(bob, conversation, "hidden")
    await unblock(ada, bob)
    await say(bob, conversation, "last")

    await until(lambda: len(texts(socket)) == 2)
    assert texts(socket) == ["first", "last"]
    assert sequencer_of(pair[1]).repairs == repairs


@pytest.mark.parametrize("size", [2, FEW + 1])
async def test_a_loss_at_the_end_of_a_conversation_is_found_by_a_comparison_with_the_log(
    people: People, pair: Pair, size: int
) -> None:
    ada, *others = await people("ada", *["member"] * (size - 1))
    conversation = await group(ada, *others)
    socket = await others[0].at(pair[1]).socket()
    await say(ada, conversation, "heard")
    await until(lambda: texts(socket) == ["heard"])

    sequencer_of(pair[1])._conversations[conversation].last -= 1
    await sequencer_of(pair[1]).check(sequencer_of(pair[1]).active())

    await until(lambda: len(texts(socket)) == 2)
    assert texts(socket) == ["heard", "heard"]
