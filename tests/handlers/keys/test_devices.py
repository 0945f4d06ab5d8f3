"""How devices come and go, and how an account begins anew."""

import asyncio

from crypto.directory import base64
from tests.handlers.chat.conftest import Pair, People, sign_in
from tests.handlers.keys.helpers import Keyring, another, encrypts, fetched, linked, refused
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, befriend
from tests.harness.servers import until


async def documents(person: Person) -> dict[str, int]:
    mongo = person.server.app.mongo
    return {
        name: await mongo.collection(name).count({"userId": person.id})
        for name in ("e2ee_devices", "e2ee_prekeys", "e2ee_links")
    }


async def test_an_account_has_one_first_device(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    ring = Keyring()
    assert await door(ada, "keys.register", ring.first(ec=1)) == {"deviceId": 1}

    assert (await refused(door(ada, "keys.register", ring.first()))).code == "keys.already_there"
    assert (await refused((await another(ada)).ask("POST", "/api/e2ee/devices", Keyring().first()))).status == 409
    listed = await door(ada, "keys.devices")
    assert listed["identityKey"] == base64(ring.identity.public)
    (device,) = listed["devices"]
    assert (device["deviceId"], device["registrationId"], device["isCurrent"]) == (1, ring.registration_id, True)


async def test_of_ten_first_devices_at_once_one_is_first(people: People, pair: Pair) -> None:
    (ada,) = await people("ada")
    rings = [Keyring() for _ in range(10)]
    bodies = [ring.first(ec=2, pq=2) for ring in rings]

    answers = await asyncio.gather(
        *(ada.at(pair[turn % 2]).http("POST", "/api/e2ee/devices", body) for turn, body in enumerate(bodies))
    )

    assert sorted(status for status, _ in answers) == [201] + [409] * 9
    assert await documents(ada) == {"e2ee_devices": 1, "e2ee_prekeys": 4, "e2ee_links": 0}
    first = next(turn for turn, (status, _) in enumerate(answers) if status == 201)
    await ada.ask("POST", "/api/e2ee/keys/check", {"digest": rings[first].digest()})
    size = (await ada.ask("GET", "/api/e2ee/identity-log/head"))["size"]
    entries = await ada.server.app.mongo.collection("identity_entries").count({})
    assert size == entries


async def test_a_token_of_the_first_device_lets_one_other_join_within_ten_minutes(
    people: People, clock: TurnableClock, door: Door
) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada)
    laptop, tablet = await another(ada), await another(ada)
    own = Keyring(ring.identity)
    made = await door(ada, "keys.link_token", {})

    wrong = own.device(token="x" * 43)
    assert (await refused(laptop.ask("POST", "/api/e2ee/devices/link", wrong))).code == "keys.bad_token"
    foreign = Keyring().device(token=made["token"])
    assert (await refused(laptop.ask("POST", "/api/e2ee/devices/link", foreign))).code == "keys.bad_keys"
    joined = await laptop.ask("POST", "/api/e2ee/devices/link", own.device(token=made["token"], ec=1))
    assert joined == {"deviceId": 2}
    again = Keyring(ring.identity).device(token=made["token"])
    assert (await refused(tablet.ask("POST", "/api/e2ee/devices/link", again))).code == "keys.bad_token"
    assert (await refused(laptop.ask("POST", "/api/e2ee/devices/link-token", {}))).code == "keys.not_first"

    late = (await ada.ask("POST", "/api/e2ee/devices/link-token", {}))["token"]
    clock.advance(minutes=11)
    assert (
        await refused(tablet.ask("POST", "/api/e2ee/devices/link", again | {"token": late}))
    ).code == "keys.bad_token"
    assert [one["deviceId"] for one in (await ada.ask("GET", "/api/e2ee/devices"))["devices"]] == [1, 2]


async def test_a_token_of_somebody_else_is_none(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await encrypts(ada)
    ring = await encrypts(bob)
    token = (await ada.ask("POST", "/api/e2ee/devices/link-token", {}))["token"]
    laptop = await another(bob)

    refusal = await refused(laptop.ask("POST", "/api/e2ee/devices/link", Keyring(ring.identity).device(token=token)))
    assert refusal.code == "keys.bad_token"


async def test_the_seventh_device_is_refused_with_411(people: People) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada)
    token = (await ada.ask("POST", "/api/e2ee/devices/link-token", {}))["token"]
    for number in range(2, 7):
        assert (await linked(ada, ring))[2] == number

    full = {"current": 6, "max": 6}
    status, refusal = await ada.http("POST", "/api/e2ee/devices/link-token", {})
    assert (status, refusal["code"], refusal["data"]) == (411, "keys.too_many_devices", full)
    seventh = await another(ada)
    status, refusal = await seventh.http("POST", "/api/e2ee/devices/link", Keyring(ring.identity).device(token=token))
    assert (status, refusal["data"]) == (411, full)


async def test_what_a_new_device_needs_is_handed_to_it_alone(people: People) -> None:
    (ada,) = await people("ada")
    await encrypts(ada)
    laptop, tablet = await another(ada), await another(ada)
    sockets = {name: await one.socket() for name, one in (("laptop", laptop), ("tablet", tablet), ("ada", ada))}
    to = next(
        one["deviceId"] for one in (await laptop.ask("GET", "/api/auth/sessions"))["sessions"] if one["isCurrent"]
    )

    made = await ada.ask("POST", "/api/e2ee/devices/link-token", {"to": to, "message": base64(b"for the laptop")})

    assert await sockets["laptop"].next("e2ee:provision") == {"message": base64(b"for the laptop"), **made}
    for name in ("tablet", "ada"):
        await sockets[name].settle()
        assert sockets[name].events("e2ee:provision") == []
    for wrong in ({"to": to}, {"message": "eA=="}, {"to": to, "message": ""}, {"to": to, "message": "x"}):
        assert (await refused(ada.ask("POST", "/api/e2ee/devices/link-token", wrong))).status == 422


async def test_a_removed_device_loses_its_keys_and_its_sign_in(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    ring = await encrypts(ada)
    laptop, _, _ = await linked(ada, ring, ec=3, pq=3)
    tablet, _, _ = await linked(ada, ring)
    socket, own = await laptop.socket(), await ada.socket()

    assert (await refused(tablet.ask("DELETE", "/api/e2ee/devices/2"))).code == "keys.not_first"
    assert (await refused(ada.ask("DELETE", "/api/e2ee/devices/1"))).code == "keys.not_first"
    assert (await refused(ada.ask("DELETE", "/api/e2ee/devices/9"))).status == 404
    await door(ada, "keys.remove", {"deviceId": 2})

    await until(socket.closed.is_set)
    assert (await laptop.http("GET", "/api/users/me"))[0] == 401
    assert await own.next("e2ee:devices_changed") == {"userId": ada.id, "added": [], "removed": [2]}
    assert [one["deviceId"] for one in (await fetched(bob, ada))["devices"]] == [1, 3]
    assert await documents(ada) == {"e2ee_devices": 2, "e2ee_prekeys": 0, "e2ee_links": 0}
    assert (await linked(ada, ring))[2] == 4
    await tablet.ask("DELETE", "/api/e2ee/devices/3")
    assert (await tablet.http("GET", "/api/users/me"))[0] == 401


async def test_a_new_identity_removes_the_other_devices_and_is_told_once(people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    await befriend(ada, bob)
    ring = await encrypts(ada, ec=5, pq=5)
    laptop, _, _ = await linked(ada, ring, ec=5)
    heard = {name: await one.socket() for name, one in (("ada", ada), ("bob", bob), ("eve", eve), ("laptop", laptop))}
    before = (await bob.ask("GET", "/api/e2ee/identity-log/head"))["size"]
    fresh = Keyring()
    fresh.registration_id = ring.registration_id % 0x3FFF + 1
    body = fresh.first(ec=2)

    same = body | {"registrationId": ring.registration_id}
    assert (await refused(ada.ask("PUT", "/api/e2ee/identity", same))).fields == {"registrationId"}
    assert await ada.ask("PUT", "/api/e2ee/identity", body) == {"deviceId": 1}

    await until(heard["laptop"].closed.is_set)
    told = {"userId": ada.id, "identityKey": base64(fresh.identity.public), "logIndex": before}
    assert await heard["ada"].next("identity:changed") == told
    assert await heard["bob"].next("identity:changed") == told
    for name in ("ada", "bob", "eve"):
        await heard[name].settle()
    assert [len(heard[name].events("identity:changed")) for name in ("ada", "bob", "eve")] == [1, 1, 0]
    assert (await bob.ask("GET", "/api/e2ee/identity-log/head"))["size"] == before + 1
    found = await fetched(bob, ada)
    assert found["identityKey"] == base64(fresh.identity.public)
    assert [(one["deviceId"], one["registrationId"]) for one in found["devices"]] == [(1, fresh.registration_id)]
    assert await documents(ada) == {"e2ee_devices": 1, "e2ee_prekeys": 1, "e2ee_links": 0}
    proof = await bob.ask("GET", "/api/e2ee/identity-log/proof", params={"userId": ada.id})
    assert (proof["index"], proof["identityKey"]) == (before, base64(fresh.identity.public))


async def test_who_has_lost_the_first_device_begins_anew_on_another(people: People) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada)
    phone = await another(ada)
    fresh = Keyring()
    fresh.registration_id = ring.registration_id % 0x3FFF + 1

    assert await phone.ask("PUT", "/api/e2ee/identity", fresh.first()) == {"deviceId": 1}

    assert (await ada.http("GET", "/api/e2ee/devices"))[0] == 401
    (device,) = (await phone.ask("GET", "/api/e2ee/devices"))["devices"]
    assert (device["deviceId"], device["isCurrent"]) == (1, True)


async def test_an_erased_person_leaves_no_key_behind(people: People) -> None:
    (ada,) = await people("ada")
    server = ada.server
    ring = await encrypts(ada, ec=2, pq=2)
    await linked(ada, ring)
    size = (await ada.ask("GET", "/api/e2ee/identity-log/head"))["size"]

    await server.service("keys").forget(ada.id)

    mongo = server.app.mongo
    assert await mongo.collection("e2ee_accounts").count({"_id": ada.id}) == 0
    assert await documents(ada) == {"e2ee_devices": 0, "e2ee_prekeys": 0, "e2ee_links": 0}
    assert await mongo.collection("identity_entries").count({"userId": ada.id}) == 0
    await sign_in(ada)
    assert (await ada.ask("GET", "/api/e2ee/identity-log/head"))["size"] == size


async def test_a_stolen_token_does_not_take_the_identity_of_an_account(people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada)
    clock.advance(minutes=11)

    status, refusal = await ada.http("PUT", "/api/e2ee/identity", Keyring().first())

    assert (status, refusal["code"]) == (403, "auth.step_up_needed")
    assert (await ada.ask("GET", "/api/e2ee/devices"))["identityKey"] == base64(ring.identity.public)
