"""What is given out of devices: each one-time key once, to whom it may be, and not too often."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp

from crypto.directory import base64, fingerprint
from tests.handlers.chat.conftest import HERE, Pair, People, account, sign_in, two_servers
from tests.handlers.chat.helpers import block, direct, group
from tests.handlers.keys.helpers import encrypts, fetched, linked, refused
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, befriend


async def test_one_time_keys_are_given_in_their_order_then_the_last_resort_again_and_again(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    ring = await encrypts(ada)
    await ada.ask(
        "PUT",
        "/api/e2ee/keys",
        {"preKeys": list(reversed(ring.one_time(2, first=7))), "pqPreKeys": list(reversed(ring.one_time_pq(2)))},
    )

    found = [await door(bob, "keys.bundle", {"userId": ada.id, "deviceId": "1"}) for _ in range(4)]

    devices = [one["devices"][0] for one in found]
    assert [one["preKey"] and one["preKey"]["keyId"] for one in devices] == [7, 8, None, None]
    assert [one["pqPreKey"]["keyId"] for one in devices] == [2, 1, 1_000, 1_000]
    assert devices[3] == {
        "deviceId": 1,
        "registrationId": ring.registration_id,
        "signedPreKey": ring.signed,
        "preKey": None,
        "pqPreKey": ring.last_resort,
    }
    assert found[0]["identityKey"] == base64(ring.identity.public)


async def test_250_takes_at_once_on_two_servers_give_100_keys_once_and_150_times_none(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    ring = await encrypts(ada, ec=100, pq=100)
    both = [bob, bob.at(pair[1])]

    found = await asyncio.gather(*(fetched(both[turn % 2], ada, "1") for turn in range(250)))

    keys = Counter(one["devices"][0]["preKey"] and one["devices"][0]["preKey"]["keyId"] for one in found)
    assert keys == Counter([None] * 150 + list(range(1, 101)))
    pq = Counter(one["devices"][0]["pqPreKey"]["keyId"] for one in found)
    assert pq == Counter([1_000] * 150 + list(range(1, 101)))
    assert await ada.ask("GET", "/api/e2ee/keys/count") == {"count": 0, "pqCount": 0}
    assert ring.registration_id == found[0]["devices"][0]["registrationId"]


async def test_all_devices_or_one_and_of_ones_own_the_others(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    ring = await encrypts(ada)
    laptop, _, number = await linked(ada, ring)
    assert number == 2

    everything = await door(bob, "keys.bundle", {"userId": ada.id, "deviceId": "*"})
    assert [one["deviceId"] for one in everything["devices"]] == [1, 2]
    own = await door(laptop, "keys.bundle", {"userId": ada.id, "deviceId": "*"}) if door.kind == "http" else None
    assert own is None or [one["deviceId"] for one in own["devices"]] == [1]
    assert (await refused(door(bob, "keys.bundle", {"userId": ada.id, "deviceId": "3"}))).code == "keys.none"
    for wrong in ("0", "x", "-1", "1000", "**", "1.5"):
        assert (await refused(door(bob, "keys.bundle", {"userId": ada.id, "deviceId": wrong}))).code == "bad_request"


async def test_keys_are_there_for_those_who_may_write_and_for_members_of_a_conversation(people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    await encrypts(ada)
    await ada.ask("PUT", "/api/users/me/privacy", {"contactPreference": "friends"})
    assert (await refused(fetched(bob, ada))).code == "keys.none"

    await befriend(ada, bob)
    assert (await fetched(bob, ada))["userId"] == ada.id

    room = await group(ada, bob)
    where = {"conversationId": room}
    await block(bob, ada)
    assert (await refused(fetched(bob, ada))).code == "keys.none"
    assert (await bob.ask("GET", f"/api/e2ee/keys/{ada.id}/*", params=where))["userId"] == ada.id
    assert (await refused(eve.ask("GET", f"/api/e2ee/keys/{ada.id}/*", params=where))).status == 404


async def test_in_a_direct_conversation_a_block_hides_keys_in_both_directions(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await encrypts(ada)
    await encrypts(bob)
    where = {"conversationId": await direct(ada, bob)}
    await block(ada, bob)

    for who, whom in ((ada, bob), (bob, ada)):
        for params in (None, where):
            refusal = await refused(who.ask("GET", f"/api/e2ee/keys/{whom.id}/*", params=params))
            assert (refusal.code, refusal.status) == ("keys.none", 404)


async def test_keys_of_several_people_at_once(people: People, door: Door) -> None:
    ada, bob, cyd, dee = await people("ada", "bob", "cyd", "dee")
    await encrypts(bob, ec=1)
    await encrypts(cyd, ec=1)
    await block(cyd, ada)

    found = await door(ada, "keys.bundles", {"userIds": [bob.id, cyd.id, dee.id, bob.id]})

    assert [one["userId"] for one in found["bundles"]] == [bob.id]
    assert (found["missing"], found["limited"]) == ([cyd.id, dee.id], [])
    assert (await refused(door(ada, "keys.bundles", {"userIds": []}))).code == "bad_request"
    assert (await refused(door(ada, "keys.bundles", {"userIds": [bob.id] * 51}))).code == "bad_request"


async def test_a_device_is_told_once_that_its_keys_run_low_until_it_has_uploaded_more(people: People) -> None:
    ada, bob = await people("ada", "bob")
    ring = await encrypts(ada, ec=21, pq=30)
    laptop, _, _ = await linked(ada, ring, ec=100, pq=100)
    socket, other = await ada.socket(), await laptop.socket()

    await fetched(bob, ada, "1")
    await socket.settle()
    assert socket.events("e2ee:keys_low") == []
    await fetched(bob, ada, "1")
    assert await socket.next("e2ee:keys_low") == {"count": 19, "pqCount": 10}
    await fetched(bob, ada, "1")
    await ada.ask("PUT", "/api/e2ee/keys", {"preKeys": ring.one_time(20, first=100)})
    await fetched(bob, ada, "1")

    assert await socket.next("e2ee:keys_low") == {"count": 19, "pqCount": 10}
    await socket.settle()
    await other.settle()
    assert len(socket.events("e2ee:keys_low")) == 2
    assert other.events("e2ee:keys_low") == []


async def test_whose_identity_has_changed_is_told_of_many_at_once(people: People, door: Door) -> None:
    ada, bob, cyd, eve = await people("ada", "bob", "cyd", "eve")
    rings = {one.id: await encrypts(one) for one in (bob, cyd, eve)}
    await block(eve, ada)
    right = base64(fingerprint(rings[bob.id].identity.public))
    wrong = base64(b"\0\0\0\0")

    found = await door(
        ada,
        "keys.identities",
        {
            "elements": [
                {"userId": bob.id, "fingerprint": right},
                {"userId": cyd.id, "fingerprint": wrong},
                {"userId": eve.id, "fingerprint": wrong},
            ]
        },
    )

    assert found == {"elements": [{"userId": cyd.id, "identityKey": base64(rings[cyd.id].identity.public)}]}
    for bad in ("", "AAAA", "AAAAAAA=", "x"):
        given = {"elements": [{"userId": bob.id, "fingerprint": bad}]}
        assert (await refused(door(ada, "keys.identities", given))).code == "bad_request"


async def test_the_seventh_fetch_of_a_device_waits_ten_minutes_and_others_are_not_affected(tmp_path: Path) -> None:
    clock = TurnableClock(running=True)
    async with two_servers(clock, tmp_path, limits="on") as (server, _), aiohttp.ClientSession() as session:

        async def person(name: str) -> Person:
            one = await account(server, name)
            _, tokens = await server.service("auth").book.open(one, HERE, None)
            return Person(
                server, session, name, {"user": {"id": one.id}, "tokens": {"accessToken": tokens.access_token}}
            )

        ada, bob, cyd = [await person(name) for name in ("ada", "bob", "cyd")]
        ring = await encrypts(ada)
        await linked(ada, ring)
        for _ in range(6):
            await fetched(bob, ada, "1")

        status, refusal = await bob.http("GET", f"/api/e2ee/keys/{ada.id}/1")
        assert (status, refusal["code"]) == (429, "rate_limited")
        assert 590_000 < refusal["retryAfterMs"] <= 600_000
        assert (await bob.http("GET", f"/api/e2ee/keys/{ada.id}/*"))[0] == 429
        assert (await fetched(bob, ada, "2"))["devices"][0]["deviceId"] == 2
        assert (await fetched(cyd, ada, "1"))["devices"][0]["deviceId"] == 1
        many = await bob.ask("POST", "/api/e2ee/keys/batch", {"userIds": [ada.id]})
        assert many == {"bundles": [], "missing": [], "limited": [ada.id]}

        clock.advance(seconds=601)
        assert (await fetched(bob, ada, "1"))["devices"][0]["deviceId"] == 1
        assert (await bob.http("GET", f"/api/e2ee/keys/{ada.id}/1"))[0] == 429


async def test_a_device_that_was_not_seen_for_long_is_left_out_until_it_comes_back(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    ring = await encrypts(ada)
    laptop, _, _ = await linked(ada, ring)
    clock.advance(days=47)
    await sign_in(bob)

    assert [one["deviceId"] for one in (await fetched(bob, ada))["devices"]] == [1]
    await _again(laptop)
    await laptop.ask("GET", "/api/e2ee/keys/count")

    assert [one["deviceId"] for one in (await fetched(bob, ada))["devices"]] == [1, 2]


async def _again(person: Person) -> None:
    """A fresh access token for the same device."""
    server = person.server
    found = await server.app.mongo.collection("e2ee_accounts").find_one({"_id": person.id})
    assert found is not None
    device = found["devices"][-1]["signIn"]
    account = await server.service("users").account(person.id)
    _, tokens = await server.service("auth").book.open(account, HERE, device)
    person.tokens["accessToken"] = tokens.access_token
