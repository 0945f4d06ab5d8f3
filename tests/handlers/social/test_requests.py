"""Friend requests: asked, answered, withdrawn, and asked by both at once."""

import asyncio

import pytest

from handlers.social.models import NewRequest
from handlers.social.service import Social
from tests.conftest import Cluster, People
from tests.handlers.social.helpers import ask, befriend, block, friends, friends_count, refused
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server


async def test_a_request_reaches_its_recipient_and_waits_for_an_answer(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    bobs = await bob.socket()

    asked = await door(
        ada, "social.request", {"recipientId": bob.id, "message": " From school? ", "source": "suggestion"}
    )

    heard = await bobs.next("friend:request")
    nothing = {"canMessage": False, "canSeeOnlineStatus": False, "canSeeLocation": False}
    shared = {
        "id": asked["id"],
        "requesterId": ada.id,
        "recipientId": bob.id,
        "status": "pending",
        "relationship": "friend",
        "requestMessage": "From school?",
        "mutualFriends": 0,
        "connectionSource": "suggestion",
        **nothing,
        "allows": nothing,
        "createdAt": asked["createdAt"],
        "updatedAt": asked["createdAt"],
        "acceptedAt": None,
    }
    card = {"avatar": None, "isVerified": False}
    assert asked == {**shared, "user": {"id": bob.id, "username": "bob", "displayName": "Bob", **card}}
    assert heard == {**shared, "user": {"id": ada.id, "username": "ada", "displayName": "Ada", **card}}
    assert [one["id"] for one in await friends(bob, status="pending", direction="incoming")] == [asked["id"]]
    assert [one["id"] for one in await friends(ada, status="pending", direction="outgoing")] == [asked["id"]]
    assert await friends(bob, status="pending", direction="outgoing") == []
    assert await friends(ada) == await friends(bob) == []
    assert (await friends_count(ada), await friends_count(bob)) == (0, 0)


async def test_an_accepted_request_makes_friends_and_both_hear_of_it(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    adas, bobs = await ada.socket(), await bob.socket()
    asked = await ask(ada, bob)

    accepted = await door(bob, "social.accept", {"friendshipId": asked["id"]})

    to_ada, to_bob = await adas.next("friend:accepted"), await bobs.next("friend:accepted")
    may = {"canMessage": True, "canSeeOnlineStatus": True, "canSeeLocation": True}
    assert accepted == to_bob
    assert accepted["status"] == "accepted"
    assert accepted["acceptedAt"] == accepted["updatedAt"]
    assert accepted["allows"] == may
    assert {name: accepted[name] for name in may} == may
    assert (to_ada["user"]["username"], to_bob["user"]["username"]) == ("bob", "ada")
    assert (await friends(ada))[0] == to_ada
    assert (await friends_count(ada), await friends_count(bob)) == (1, 1)


async def test_accepting_twice_is_accepting_once(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    adas = await ada.socket()
    asked = await ask(ada, bob)

    first = await door(bob, "social.accept", {"friendshipId": asked["id"]})
    second = await door(bob, "social.accept", {"friendshipId": asked["id"]})

    assert second == first
    await adas.settle()
    assert len(adas.events("friend:accepted")) == 1
    assert (await friends_count(ada), await friends_count(bob)) == (1, 1)


async def test_asking_twice_is_asking_once(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    bobs = await bob.socket()

    first = await door(ada, "social.request", {"recipientId": bob.id, "message": "Hello"})
    second = await door(ada, "social.request", {"recipientId": bob.id, "message": "Hello again"})

    assert second == first
    await bobs.settle()
    assert len(bobs.events("friend:request")) == 1


async def test_whoever_asks_back_accepts(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    asked = await ask(ada, bob)

    back = await door(bob, "social.request", {"recipientId": ada.id})

    assert (back["id"], back["status"], back["requesterId"]) == (asked["id"], "accepted", ada.id)
    assert (await friends_count(ada), await friends_count(bob)) == (1, 1)


async def test_only_the_one_who_was_asked_can_answer(door: Door, people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    asked = await ask(ada, bob)

    for command in ("social.accept", "social.decline"):
        with refused("social.not_asked"):
            await door(ada, command, {"friendshipId": asked["id"]})
        with refused("social.no_friendship"):
            await door(eve, command, {"friendshipId": asked["id"]})

    assert (await friends(bob, status="pending"))[0]["id"] == asked["id"]


async def test_a_withdrawn_request_cannot_be_accepted(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    bobs = await bob.socket()
    asked = await ask(ada, bob)

    await door(ada, "social.remove", {"friendshipId": asked["id"]})

    assert (await bobs.next("friend:removed"))["id"] == asked["id"]
    with refused("social.no_friendship"):
        await door(bob, "social.accept", {"friendshipId": asked["id"]})
    assert await friends(bob, status="pending") == await friends(ada, status="pending") == []
    assert (await friends_count(ada), await friends_count(bob)) == (0, 0)


async def test_a_request_that_was_made_anew_is_not_accepted_by_the_old_id(people: People) -> None:
    ada, bob = await people("ada", "bob")
    old = await ask(ada, bob)
    await ada.ask("DELETE", f"/api/friends/{old['id']}")

    new = await ask(ada, bob)

    assert new["id"] != old["id"]
    with refused("social.no_friendship"):
        await bob.ask("PUT", f"/api/friends/{old['id']}/accept")


async def test_a_declined_request_is_not_told_and_can_be_made_again(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    adas = await ada.socket()
    asked = await ask(ada, bob)
    await adas.next("friend:updated")

    declined = await door(bob, "social.decline", {"friendshipId": asked["id"]})
    again = await door(bob, "social.decline", {"friendshipId": asked["id"]})

    assert declined == again
    assert declined["status"] == "declined"
    await adas.settle()
    assert len(adas.events("friend:updated")) == 1
    assert [one["id"] for one in await friends(bob, status="declined")] == [asked["id"]]
    with refused("social.not_pending"):
        await door(bob, "social.accept", {"friendshipId": asked["id"]})
    assert (await ask(ada, bob))["status"] == "pending"


async def test_to_remove_a_request_to_oneself_is_to_decline_it(people: People) -> None:
    ada, bob = await people("ada", "bob")
    asked = await ask(ada, bob)

    await bob.ask("DELETE", f"/api/friends/{asked['id']}")

    assert [one["status"] for one in await friends(bob, status="declined")] == ["declined"]
    await bob.ask("DELETE", f"/api/friends/{asked['id']}")
    assert await friends(bob, status="declined") == []


async def test_after_three_refusals_requests_no_longer_arrive_and_nobody_can_tell(people: People) -> None:
    ada, bob = await people("ada", "bob")
    for _ in range(3):
        asked = await ask(ada, bob)
        await bob.ask("PUT", f"/api/friends/{asked['id']}/decline")
    bobs = await bob.socket()

    hushed = await ask(ada, bob, message="Please")

    assert (hushed["status"], hushed["requestMessage"]) == ("pending", "Please")
    assert [one["id"] for one in await friends(ada, status="pending")] == [hushed["id"]]
    await bobs.settle()
    assert bobs.events("friend:request") == []
    assert await friends(bob, status="pending") == []
    with refused("social.no_friendship"):
        await bob.ask("PUT", f"/api/friends/{hushed['id']}/accept")
    await ada.ask("DELETE", f"/api/friends/{hushed['id']}")
    await bobs.settle()
    assert bobs.events("friend:removed") == []


async def test_whoever_declined_often_can_still_ask_back(people: People) -> None:
    ada, bob = await people("ada", "bob")
    for _ in range(3):
        asked = await ask(ada, bob)
        await bob.ask("PUT", f"/api/friends/{asked['id']}/decline")
    await ask(ada, bob)

    back = await ask(bob, ada)

    assert back["status"] == "accepted"
    assert (await friends_count(ada), await friends_count(bob)) == (1, 1)


async def test_a_request_needs_somebody_else_who_is_there_and_welcomes_it(door: Door, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await cleo.ask("PUT", "/api/users/me/privacy", {"contactPreference": "none"})
    await befriend(ada, bob)

    refused = {
        "social.yourself": ada.id,
        "social.no_such_person": "01890a5d-ac96-774b-bcce-b302099a8057",
        "social.already_friends": bob.id,
        "social.not_welcome": cleo.id,
    }

    for code, recipient in refused.items():
        with pytest.raises(Refusal) as refusal:
            await door(ada, "social.request", {"recipientId": recipient})
        assert refusal.value.code == code
    assert await friends(ada, status="pending") == []


async def test_bad_input_is_named_and_changes_nothing(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    wrong = {
        "message": "x" * 301,
        "source": "friend",
        "colour": "red",
        "recipientId": "nobody",
    }

    for field, value in wrong.items():
        with pytest.raises(Refusal) as refusal:
            await door(ada, "social.request", {"recipientId": bob.id, field: value})
        assert (refusal.value.code, refusal.value.fields) == ("bad_request", {field})

    assert await friends(bob, status="pending") == []


async def test_whom_one_has_blocked_one_cannot_ask_and_who_is_blocked_does_not_learn_it(
    door: Door, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    await block(ada, bob)

    with refused("social.blocked_by_you"):
        await door(ada, "social.request", {"recipientId": bob.id})
    with pytest.raises(Refusal) as hidden:
        await door(bob, "social.request", {"recipientId": ada.id})
    with pytest.raises(Refusal) as missing:
        await door(bob, "social.request", {"recipientId": "01890a5d-ac96-774b-bcce-b302099a8057"})

    assert str(hidden.value) == str(missing.value)
    assert (hidden.value.code, hidden.value.status) == ("social.no_such_person", missing.value.status)


async def test_two_who_ask_each_other_at_once_become_friends_exactly_once(cluster: Cluster, people: People) -> None:
    other = await cluster()
    pairs = [await people(f"ada{n}", f"bob{n}") for n in range(8)]
    sockets = [(await ada.socket(), await bob.at(other).socket()) for ada, bob in pairs]

    answers = await asyncio.gather(*(asyncio.gather(ask(ada, bob), ask(bob.at(other), ada)) for ada, bob in pairs))

    for (ada, bob), (adas, bobs), both in zip(pairs, sockets, answers, strict=True):
        assert "accepted" in {one["status"] for one in both}
        assert len({one["id"] for one in both}) == 1
        assert (await friends_count(ada), await friends_count(bob)) == (1, 1)
        assert [one["id"] for one in await friends(ada)] == [both[0]["id"]]
        assert (await adas.next("friend:accepted"))["id"] == (await bobs.next("friend:accepted"))["id"]
        await adas.settle()
        assert len(adas.events("friend:accepted")) == 1


async def test_a_request_that_is_accepted_from_two_servers_at_once_counts_once(
    cluster: Cluster, people: People
) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    asked = await ask(ada, bob)
    path = f"/api/friends/{asked['id']}/accept"

    answers = await asyncio.gather(*(bob.at(where).ask("PUT", path) for where in [other, bob.server] * 5))

    assert {one["status"] for one in answers} == {"accepted"}
    assert (await friends_count(ada), await friends_count(bob)) == (1, 1)


async def test_a_request_that_is_accepted_and_withdrawn_at_once_ends_in_one_of_the_two(
    server: Server, people: People
) -> None:
    pairs = [await people(f"ada{n}", f"bob{n}") for n in range(8)]
    requests = [await ask(ada, bob) for ada, bob in pairs]

    await asyncio.gather(
        *(
            asyncio.gather(
                bob.http("PUT", f"/api/friends/{asked['id']}/accept"), ada.http("DELETE", f"/api/friends/{asked['id']}")
            )
            for (ada, bob), asked in zip(pairs, requests, strict=True)
        )
    )

    social: Social = server.service("social")
    for ada, bob in pairs:
        counts = {await friends_count(ada), await friends_count(bob)}
        assert counts == {len(await social.friend_ids(ada.id))}
        assert len(await friends(ada, status="pending")) == 0


async def test_a_block_that_meets_a_request_always_wins(cluster: Cluster, people: People) -> None:
    other = await cluster()
    pairs = [await people(f"ada{n}", f"bob{n}") for n in range(8)]

    await asyncio.gather(
        *(
            asyncio.gather(
                bob.http("POST", "/api/friends/request", {"recipientId": ada.id}),
                ada.at(other).http("POST", f"/api/users/{bob.id}/block"),
            )
            for ada, bob in pairs
        )
    )

    for ada, bob in pairs:
        assert [one["user"]["id"] for one in (await ada.ask("GET", "/api/blocks"))["blocks"]] == [bob.id]
        for person in (ada, bob):
            assert await friends(person, status="pending") == await friends(person) == []
            assert await friends_count(person) == 0


async def test_requests_are_limited_to_five_an_hour(cluster: Cluster, people: People) -> None:
    strict = await cluster(limits="on")
    ada, *others = await people("ada", *(f"bob{n}" for n in range(6)))

    for bob in others[:5]:
        await ask(ada.at(strict), bob)
    with pytest.raises(Refusal) as refusal:
        await ask(ada.at(strict), others[5])

    assert (refusal.value.code, refusal.value.status) == ("rate_limited", 429)
    assert await friends(others[5], status="pending") == []


async def test_nobody_has_more_friends_than_there_may_be(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, bob)
    waiting = await ask(cleo, ada)
    monkeypatch.setenv("MIXEE_SOCIAL_MAX_FRIENDS", "1")
    small = await cluster()

    with refused("social.too_many_friends"):
        await ada.at(small).ask("PUT", f"/api/friends/{waiting['id']}/accept")
    with refused("social.too_many_friends"):
        await bob.at(small).ask("POST", "/api/friends/request", {"recipientId": cleo.id})

    assert await friends_count(ada) == 1


async def test_a_request_whose_transaction_fails_leaves_nothing_behind(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    asked = await ask(ada, bob)
    adas = await ada.socket()
    social: Social = server.service("social")

    async def fail(user_id: str, by: int) -> None:
        raise ConnectionError("the count cannot be written")

    monkeypatch.setattr(social.friends._users, "change_friends", fail)
    with pytest.raises(ConnectionError):
        await social.friends.accept(bob.id, asked["id"])

    assert [one["status"] for one in await friends(ada, status="pending")] == ["pending"]
    await adas.settle()
    assert adas.events("friend:accepted") == []
    monkeypatch.undo()
    assert (await social.friends.request(bob.id, NewRequest(recipient_id=ada.id))).status == "accepted"
