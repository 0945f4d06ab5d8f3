"""One whole story over two nodes: a group of three, presence, a block, a removal, fresh tokens, and a farewell.

Ada is connected to the first node, Bob and Cleo to the second; whatever reaches them from each other has crossed.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from tests.conftest import Cluster, People
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal, Socket
from tests.harness.servers import Server, until


class Friend(NamedTuple):
    """Somebody with an open socket."""

    person: Person
    socket: Socket

    @property
    def id(self) -> str:
        return self.person.id


@pytest.mark.usefixtures("eager_presence")
async def test_three_friends_on_two_nodes_live_through_it_all(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    ada, bob, cleo = await people("ada", "bob", "cleo")
    three = [await arrive(ada), await arrive(bob.at(other)), await arrive(cleo.at(other))]

    await they_become_friends(three)
    group = await they_make_a_group(three)
    await they_all_talk_at_once_and_hear_the_same(three, group)
    cleo_back = await they_see_each_other_go_and_come(three)
    three[2] = cleo_back
    await ada_blocks_cleo_who_notices_nothing(three)
    await bob_is_removed_from_the_group(three, group)
    await bob_logs_out_elsewhere(three[1], server)
    await ada_gets_fresh_tokens_from_the_other_node(three[0], other, clock)


async def arrive(person: Person) -> Friend:
    return Friend(person, await person.socket(f"{person.name}-phone"))


async def they_become_friends(three: Sequence[Friend]) -> None:
    ada, bob, cleo = three
    for one, another in ((ada, bob), (bob, cleo), (cleo, ada)):
        asked = await one.socket.ask("friends:request", {"recipientId": another.id, "message": "It is me"})
        heard = await another.socket.next("friend:request")
        await another.socket.ask("friends:accept", {"friendshipId": asked["id"]})
        accepted = [await each.socket.next("friend:accepted") for each in (one, another)]

        assert (heard["id"], heard["requesterId"], heard["requestMessage"]) == (asked["id"], one.id, "It is me")
        assert [(each["id"], each["status"]) for each in accepted] == [(asked["id"], "accepted")] * 2
        assert (await next_presence(one, another))["status"] == "online"
        assert (await next_presence(another, one))["status"] == "online"


async def they_make_a_group(three: Sequence[Friend]) -> str:
    ada, bob, cleo = three
    made = await ada.socket.ask(
        "conversations:create", {"type": "group", "name": "Hike", "participantIds": [bob.id, cleo.id]}
    )
    told = [await one.socket.next("conversation:updated") for one in three]

    assert {one["id"] for one in told} == {made["id"]}
    assert told[0] == told[1] == told[2]
    assert sorted(told[0]["participantIds"]) == sorted([ada.id, bob.id, cleo.id])
    group: str = made["id"]
    return group


async def they_all_talk_at_once_and_hear_the_same(three: Sequence[Friend], group: str) -> None:
    answers = await asyncio.gather(
        *(say(one, group, f"{one.person.name} {number}") for number in range(10) for one in three)
    )
    heard = [[await one.socket.next("message:new") for _ in answers] for one in three]
    histories = [
        (await one.socket.ask("messages:history", {"conversationId": group, "limit": 100}))["messages"] for one in three
    ]

    first = min(one["seq"] for one in answers)
    assert [one["seq"] for one in heard[0]] == list(range(first, first + 30))
    assert heard[0] == heard[1] == heard[2]
    assert heard[0] == sorted(answers, key=lambda one: one["seq"])
    for friend in three:
        mine = [one["content"] for one in heard[0] if one["senderId"] == friend.id]
        assert mine == [f"{friend.person.name} {number}" for number in range(10)]
    assert [[one["id"] for one in reversed(page)] for page in histories] == [[one["id"] for one in heard[0]]] * 3


async def they_see_each_other_go_and_come(three: Sequence[Friend]) -> Friend:
    ada, bob, cleo = three
    await bob.socket.ask("presence:update", {"status": "busy"})
    busy = await next_presence(ada, bob)
    await cleo.socket.close()
    gone = [await next_presence(one, cleo) for one in (ada, bob)]
    back = await arrive(cleo.person)
    snapshot = await back.socket.next("presence:snapshot")
    here = [await next_presence(one, cleo) for one in (ada, bob)]

    assert busy["status"] == "busy"
    assert [one["status"] for one in gone] == ["offline", "offline"]
    assert [one["status"] for one in here] == ["online", "online"]
    assert {one["userId"]: one["status"] for one in snapshot["presences"]} == {ada.id: "online", bob.id: "busy"}
    return back


async def ada_blocks_cleo_who_notices_nothing(three: Sequence[Friend]) -> None:
    ada, _, cleo = three
    direct = await ada.socket.ask("conversations:create", {"type": "direct", "participantIds": [cleo.id]})
    await say(ada, direct["id"], "Hi Cleo")
    assert (await cleo.socket.next("conversation:updated"))["id"] == direct["id"]
    assert (await cleo.socket.next("message:new"))["content"] == "Hi Cleo"
    await ada.socket.next("message:new")

    await ada.socket.ask("users:block", {"userId": cleo.id})
    said = await say(cleo, direct["id"], "Do you hear me?")
    with pytest.raises(Refusal) as refused:
        await say(ada, direct["id"], "I do not want to talk")
    await cleo.socket.next("message:new")
    await ada.socket.settle()
    presence = await cleo.socket.ask("presence:get", {"userIds": [ada.id]})
    history = await ada.socket.ask("messages:history", {"conversationId": direct["id"]})

    assert (said["content"], said["status"]) == ("Do you hear me?", "sent")
    assert refused.value.code == "forbidden"
    assert ada.socket.events("message:new")[-1]["content"] == "Hi Cleo"
    assert [one["content"] for one in history["messages"]] == ["Hi Cleo"]
    assert [(one["status"], one["lastSeenAt"]) for one in presence["presences"]] == [("offline", None)]


async def bob_is_removed_from_the_group(three: Sequence[Friend], group: str) -> None:
    ada, bob, cleo = three
    before = len(bob.socket.events("message:new"))

    await ada.socket.ask("conversations:remove", {"conversationId": group, "userId": bob.id})
    farewell = await bob.socket.next("conversation:removed")
    said = await say(ada, group, "Now we are two")
    heard = await cleo.socket.next("message:new")
    with pytest.raises(Refusal) as refused:
        await say(bob, group, "Hello?")
    synced = await bob.socket.ask("sync", {"conversations": {group: said["seq"] - 2}})

    assert (farewell["conversationId"], farewell["action"], farewell["by"]) == (group, "removed", ada.id)
    assert heard == said
    assert refused.value.code == "not_found"
    assert (synced["left"], synced["conversations"]) == ([group], [])
    assert len(bob.socket.events("message:new")) == before


async def ada_gets_fresh_tokens_from_the_other_node(ada: Friend, other: Server, clock: TurnableClock) -> None:
    there, used = ada.person.at(other), {"refreshToken": ada.person.tokens["refreshToken"]}

    clock.advance(minutes=50)
    there.tokens = await there.ask("POST", "/api/auth/refresh", used)
    await ada.socket.ask("session:renew", {"token": there.token})
    clock.advance(minutes=20)
    me = await there.ask("GET", "/api/users/me")
    status, body = await ada.person.http("GET", "/api/users/me")
    still_here = await ada.socket.ask("users:me", {})
    with pytest.raises(Refusal) as reused:
        await ada.person.ask("POST", "/api/auth/refresh", used)
    closing = await ada.socket.next("session:closed")

    assert me["id"] == still_here["id"] == ada.id
    assert (status, body["code"]) == (401, "unauthenticated")
    assert (reused.value.code, closing) == ("auth.refresh_reused", {"code": "session_revoked"})


async def bob_logs_out_elsewhere(bob: Friend, node: Server) -> None:
    at_first = bob.person.at(node)

    await at_first.ask("POST", "/api/auth/logout")
    closing = await bob.socket.next("session:closed")
    await asyncio.wait_for(bob.socket.closed.wait(), 5)

    assert closing == {"code": "session_revoked"}
    assert await is_refused(at_first)
    await until(lambda: is_refused(bob.person))  # the other node learns of it within two seconds


async def is_refused(person: Person) -> bool:
    status, body = await person.http("GET", "/api/users/me")
    return (status, body.get("code")) == (401, "unauthenticated")


async def say(friend: Friend, conversation: str, text: str) -> dict[str, Any]:
    message: dict[str, Any] = await friend.socket.ask(
        "message:send", {"conversationId": conversation, "type": "text", "content": text}
    )
    return message


async def next_presence(viewer: Friend, of: Friend) -> dict[str, Any]:
    """The next news of a friend's presence."""
    while True:
        news: dict[str, Any] = await viewer.socket.next("presence:updated")
        if news["userId"] == of.id:
            return news
