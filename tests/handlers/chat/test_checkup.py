"""`sync:check`: what was lost without a word is found, and no repair goes on without end."""

from typing import Any

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, emit, missed, say, shown
from tests.harness.people import Person, Refusal, Socket


async def check(socket: Socket, **places: int) -> tuple[list[str], dict[str, int], list[str]]:
    """What the server says of these places: behind, snapshot, left."""
    answer = await socket.ask("sync:check", {"conversations": places})
    return answer["behind"], answer["snapshot"], answer["left"]


class Client:
    """Keeps itself right as the documentation says; `stuck` is one whose repairs do not help."""

    def __init__(self, person: Person, socket: Socket, *, stuck: bool = False) -> None:
        self.places: dict[str, int] = {}
        self.repairs = 0
        self.snapshots = 0
        self._person = person
        self._socket = socket
        self._stuck = stuck

    async def tick(self) -> None:
        """What it does every 25 seconds."""
        behind, snapshot, left = await check(self._socket, **self.places)
        if behind:
            self.repairs += 1
            wanted = {"conversations": {one: self.places[one] for one in behind}, "only": True}
            found = await self._socket.ask("sync", wanted)
            for page in found["conversations"] if not self._stuck else ():
                self.places[page["conversationId"]] = page["to"]
        for one, seq in snapshot.items():
            self.snapshots += 1
            assert (await shown(self._person, one))["head"] == seq
            if not self._stuck:
                self.places[one] = seq
        for one in left:
            del self.places[one]


async def test_r16_who_has_everything_is_told_nothing(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, socket = await direct(ada, bob), await bob.socket()
    await say(ada, conversation)

    assert await check(socket, **{conversation: 2}) == ([], {}, [])


@pytest.mark.parametrize(("place", "repairs", "snapshots"), [(0, 1, 0), (2, 1, 0), (5, 0, 0), (6, 0, 1), (2**52, 0, 1)])
async def test_r16_a_wrong_place_is_right_after_one_repair_or_one_snapshot(
    people: People, place: int, repairs: int, snapshots: int
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, socket, ears = await direct(ada, bob), await bob.socket(), await ada.socket()
    for _ in range(4):
        await emit(ears, conversation)
    client = Client(bob, socket)
    client.places[conversation] = place

    for _ in range(5):
        await client.tick()

    assert (client.places, client.repairs, client.snapshots) == ({conversation: 5}, repairs, snapshots)


@pytest.mark.parametrize(("place", "repairs"), [(1, 2), (2**51, 0)])
async def test_r16_a_client_that_cannot_be_repaired_is_sent_to_sync_twice_and_to_one_snapshot(
    people: People, place: int, repairs: int
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, socket = await direct(ada, bob), await bob.socket()
    await say(ada, conversation)
    client = Client(bob, socket, stuck=True)
    client.places[conversation] = place

    for _ in range(8):
        await client.tick()

    assert (client.repairs, client.snapshots) == (repairs, 1)
    fresh = Client(bob, socket)
    fresh.places[conversation] = 0  # whatever was wrong with it is over: it is helped again
    await fresh.tick()
    assert (fresh.places, fresh.repairs) == ({conversation: 2}, 1)


async def test_r16_a_place_in_somebody_else_s_conversation_tells_nothing_of_it(people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    theirs, mine, socket = await direct(ada, bob), await direct(ada, eve), await eve.socket()
    client = Client(eve, socket)
    client.places = {theirs: 1, mine: 1}

    assert await check(socket, **{theirs: 0}) == ([], {}, [theirs])
    await client.tick()

    assert (client.places, client.repairs, client.snapshots) == ({mine: 1}, 0, 0)


@pytest.mark.parametrize("wrong", [{}, {"nonsense": 1}, {"id": -1}, {"id": "x"}, {"id": None}])
async def test_r16_nonsense_is_refused(people: People, wrong: dict[str, Any]) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()
    places = {ada.id if name == "id" else name: place for name, place in wrong.items()}

    with pytest.raises(Refusal, match="bad_request"):
        await socket.ask("sync:check", {"conversations": places})


async def test_r16_what_was_lost_without_a_word_comes_by_the_next_check(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, socket = await direct(ada, bob), await bob.socket()
    client = Client(bob, socket)
    client.places[conversation] = 1
    await say(ada, conversation, "as if bob's device had never heard of it")

    await client.tick()

    assert client.places == {conversation: 2}
    assert [seq for seq, _ in await missed(bob, conversation, after=2)] == []
