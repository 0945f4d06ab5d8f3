"""Messages from device to device: who gets them, in which order, once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from crypto.directory import base64
from server.routes import Limit
from tests.handlers.chat.conftest import HERE, Pair, People
from tests.handlers.chat.helpers import block, direct, said, shown
from tests.handlers.envelopes.helpers import (
    DISTRIBUTION,
    NOON,
    Device,
    circle,
    first,
    next_of,
    pairwise,
    sealed_for,
    secret,
    to_group,
)
from tests.handlers.keys.helpers import refused
from tests.harness.clock import TurnableClock
from tests.harness.people import Door
from tests.harness.servers import until


async def test_each_device_gets_its_own_ciphertext_and_keeps_it_until_it_says_so(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    tablet, watch = await next_of(phone), await next_of(laptop)
    where = await secret(ada, bob)
    heard = {
        name: await one.person.socket() for name, one in {"laptop": laptop, "watch": watch, "phone": phone}.items()
    }
    everybody = [laptop, watch, tablet]

    sent = await door(ada, "envelopes.send", pairwise(where, everybody))

    assert (sent["seq"], sent["messageId"], sent["needsSync"]) == (2, f"{where}:2", False)
    for one in everybody:
        (envelope,) = await one.waiting()
        assert envelope["content"] == sealed_for(one)
        assert envelope["order"] == 1
        assert (envelope["sourceUserId"], envelope["sourceDeviceId"]) == (ada.id, 1)
        assert (envelope["messageId"], envelope["clientTimestamp"]) == (sent["messageId"], NOON)
        if one is not tablet:
            assert await heard["laptop" if one is laptop else "watch"].next("e2ee:envelope") == envelope
            await one.person.ask("POST", "/api/e2ee/envelopes/ack", {"ids": [envelope["id"]]})
            assert await one.waiting() == []
            receipt = await heard["phone"].next("e2ee:receipt")
            assert (receipt["userId"], receipt["deviceId"]) == (bob.id, one.number)
            assert receipt["messageId"] == sent["messageId"]
    for socket in heard.values():
        await socket.settle()
    assert [len(heard[name].events("e2ee:envelope")) for name in ("laptop", "watch", "phone")] == [1, 1, 0]
    assert await phone.waiting() == []
    message = (await bob.ask("GET", f"/api/conversations/{where}/messages"))["messages"][0]
    assert (message["type"], message["content"], message["sourceDeviceId"]) == ("encrypted", "", 1)
    assert message["encryptedContent"] is None


async def test_the_list_of_devices_must_be_exactly_right_and_stale_ones_come_first_for_one_person(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    watch = await next_of(laptop)
    where = await secret(ada, bob)
    ghost, old = Device(bob, laptop.ring, 77), Device(bob, type(laptop.ring)(laptop.ring.identity), 1)
    old.ring.registration_id = laptop.ring.registration_id % 0x3FFF + 1

    cases: tuple[tuple[list[Device], str, int, dict[str, list[int]]], ...] = (
        ([laptop], "envelopes.devices_differ", 409, {"missingDevices": [2], "extraDevices": []}),
        ([laptop, watch, ghost], "envelopes.devices_differ", 409, {"missingDevices": [], "extraDevices": [77]}),
        ([ghost], "envelopes.devices_differ", 409, {"missingDevices": [1, 2], "extraDevices": [77]}),
        ([old, watch], "envelopes.devices_stale", 410, {"staleDevices": [1]}),
        ([old], "envelopes.devices_stale", 410, {"staleDevices": [1]}),
    )
    for devices, code, status, wrong in cases:
        refusal = await refused(door(ada, "envelopes.send", pairwise(where, devices)))
        assert (refusal.code, refusal.status in {status, None}) == (code, True)
        assert refusal.data == {"recipients": [{"userId": bob.id, **wrong}]}
    own = pairwise(where, [laptop, watch, Device(ada, phone.ring, 1)])
    assert (await refused(door(ada, "envelopes.send", own))).data["recipients"] == [
        {"userId": ada.id, "missingDevices": [], "extraDevices": [1]}
    ]

    assert [await one.waiting() for one in (laptop, watch)] == [[], []]
    assert (await shown(ada, where))["head"] == 1
    assert (await door(ada, "envelopes.send", pairwise(where, [laptop, watch])))["seq"] == 2


async def test_with_several_people_missing_devices_come_before_stale_ones_and_nobody_gets_anything(
    people: People, door: Door
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    devices = [await first(one) for one in (ada, bob, cyd)]
    _, laptop, desk = devices
    where, epoch = await circle(ada, bob, cyd)
    old = Device(bob, type(laptop.ring)(laptop.ring.identity), 1)
    old.ring.registration_id = laptop.ring.registration_id % 0x3FFF + 1
    socket = await cyd.socket()

    refusal = await refused(door(ada, "envelopes.send", to_group(where, epoch, [old], "hi")))
    assert (refusal.code, refusal.data["recipients"]) == (
        "envelopes.devices_differ",
        [{"userId": cyd.id, "missingDevices": [1], "extraDevices": []}],
    )
    refusal = await refused(door(ada, "envelopes.send", to_group(where, epoch, [old, desk], "hi")))
    assert (refusal.code, refusal.data["recipients"]) == (
        "envelopes.devices_stale",
        [{"userId": bob.id, "staleDevices": [1]}],
    )
    two = pairwise(where, [old, desk, Device(cyd, desk.ring, 9)], silent=True)
    assert (await refused(door(ada, "envelopes.send", two))).code == "envelopes.devices_differ"

    await socket.settle()
    assert socket.events("message:new") == socket.events("e2ee:envelope") == []
    assert await desk.waiting() == []


async def test_a_message_to_a_group_is_stored_once_and_read_by_all_its_devices(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    phone, laptop, desk = [await first(one) for one in (ada, bob, cyd)]
    tablet = await next_of(laptop)
    where, epoch = await circle(ada, bob, cyd)
    heard = [await one.person.socket() for one in (laptop, tablet, desk)]

    sent = await door(ada, "envelopes.send", to_group(where, epoch, [laptop, tablet, desk], "to all"))

    for socket in heard:
        message = await socket.next("message:new")
        assert (message["id"], message["type"], message["content"]) == (sent["messageId"], "encrypted", "")
        assert message["encryptedContent"] == base64(b"to all")
        assert (message["keyId"], message["sourceDeviceId"]) == (DISTRIBUTION, phone.number)
    assert await desk.waiting() == []
    mongo = ada.server.app.mongo
    assert await mongo.collection("e2ee_envelopes").count({"conversationId": where}) == 0
    found = await cyd.ask("GET", f"/api/conversations/{where}/messages")
    assert found["messages"][0]["encryptedContent"] == base64(b"to all")


async def test_with_an_old_epoch_nothing_is_sent_and_who_was_removed_gets_nothing_more(
    people: People, door: Door
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    phone, laptop, desk = [await first(one) for one in (ada, bob, cyd)]
    where, epoch = await circle(ada, bob, cyd)
    await door(ada, "envelopes.send", to_group(where, epoch, [laptop, desk], "for all"))
    gone = await cyd.socket()
    await ada.ask("DELETE", f"/api/conversations/{where}/participants/{cyd.id}")
    current = (await shown(ada, where))["seq"]

    refusal = await refused(door(ada, "envelopes.send", to_group(where, epoch, [laptop, desk], "too late")))
    assert (refusal.code, refusal.status in {409, None}) == ("chat.membership_epoch", True)
    assert refusal.data == {"membershipEpoch": current}
    assert current > epoch
    assert (await refused(door(ada, "envelopes.send", to_group(where, current, [laptop, desk], "x")))).status in {
        404,
        None,
    }
    assert (
        await refused(door(cyd, "envelopes.send", to_group(where, current, [laptop, phone], "x")))
    ).code == "not_found"

    sent = await door(ada, "envelopes.send", to_group(where, current, [laptop], "without him"))
    await gone.settle()
    assert gone.events("message:new") == []
    assert sent["messageId"].startswith(where)
    assert (await cyd.http("GET", f"/api/conversations/{where}/messages"))[0] == 404


async def test_a_member_who_was_removed_on_another_server_a_moment_ago_sends_nothing(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    where, epoch = await circle(ada, bob)
    there = bob.at(pair[1])
    await there.ask("GET", f"/api/conversations/{where}")
    await ada.ask("DELETE", f"/api/conversations/{where}/participants/{bob.id}")

    body = to_group(where, epoch, [phone], "x")
    refusal = await refused(Device(there, laptop.ring, 1).send(body))

    assert refusal.status == 404


async def test_a_device_on_another_server_hears_what_is_for_it_and_no_other_device_does(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    watch = await next_of(laptop)
    where = await secret(ada, bob)
    heard = await watch.person.at(pair[1]).socket()
    other = await laptop.person.at(pair[1]).socket()
    back = await laptop.person.at(pair[1]).socket(recovery=True)

    await phone.send(pairwise(where, [laptop, watch]))

    assert (await heard.next("e2ee:envelope"))["content"] == sealed_for(watch)
    for socket in (other, back):
        assert (await socket.next("e2ee:envelope"))["content"] == sealed_for(laptop)
    for socket in (heard, other, back):
        await socket.next("message:new")
        await socket.settle()
        assert len(socket.events("e2ee:envelope")) == 1


async def test_the_same_message_twice_is_there_once(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await first(ada)
    laptop = await first(bob)
    where = await secret(ada, bob)
    body = pairwise(where, [laptop])

    one = await door(ada, "envelopes.send", body)
    (envelope,) = await laptop.waiting()
    await bob.ask("POST", "/api/e2ee/envelopes/ack", {"ids": [envelope["id"]]})
    again = await door(ada, "envelopes.send", body)

    assert (one["duplicate"], again["duplicate"]) == (False, True)
    assert again | {"duplicate": False} == one
    assert await laptop.waiting() == []
    assert (await shown(ada, where))["head"] == 2


async def test_sixty_messages_at_once_on_two_servers_lie_densely_in_one_queue(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    senders = [await first(ada), await first(cyd)]
    laptop = await first(bob)
    rooms = [await secret(one.person, bob) for one in senders]
    homes = [Device(one.person.at(pair[turn]), one.ring, 1) for turn, one in enumerate(senders)]

    async def talk(turn: int) -> list[str]:
        contents = []
        for number in range(30):
            await homes[turn].send(pairwise(rooms[turn], [laptop], f"{turn}/{number}"))
            contents.append(sealed_for(laptop, f"{turn}/{number}"))
        return contents

    said_by = await asyncio.gather(talk(0), talk(1))

    found = await laptop.waiting(limit=100)
    assert [one["order"] for one in found] == list(range(1, 61))
    for turn, person in enumerate((ada, cyd)):
        assert [one["content"] for one in found if one["sourceUserId"] == person.id] == said_by[turn]
    rest = await laptop.waiting(after=found[57]["order"])
    assert [one["id"] for one in rest] == [one["id"] for one in found[58:]]


async def test_what_is_silent_is_no_message_and_what_is_online_is_kept_nowhere(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await first(ada)
    laptop = await first(bob)
    where = await secret(ada, bob)
    socket = await bob.socket()

    silent = await door(ada, "envelopes.send", pairwise(where, [laptop], "keys", silent=True))
    online = await door(ada, "envelopes.send", pairwise(where, [laptop], "now", online=True))

    assert (silent["messageId"], online["messageId"]) == (None, None)
    told = [await socket.next("e2ee:envelope") for _ in range(2)]
    assert [(one["content"], one["order"]) for one in told] == [
        (sealed_for(laptop, "keys"), 1),
        (sealed_for(laptop, "now"), 0),
    ]
    assert await laptop.contents() == [sealed_for(laptop, "keys")]
    assert (await shown(ada, where))["head"] == 1


async def test_who_has_other_devices_is_reminded_of_them(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    where = await secret(ada, bob)
    assert (await door(ada, "envelopes.send", pairwise(where, [laptop])))["needsSync"] is False
    tablet = await next_of(phone)

    assert (await door(ada, "envelopes.send", pairwise(where, [laptop])))["needsSync"] is True
    assert (await door(ada, "envelopes.send", pairwise(where, [laptop, tablet])))["needsSync"] is False


async def test_what_a_blocked_person_says_reaches_nobody_and_he_does_not_learn_it(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    where = await secret(ada, bob)
    socket = await bob.socket()
    await block(bob, ada)

    sent = await door(ada, "envelopes.send", pairwise(where, [laptop]))

    assert sent["seq"] == 2
    await socket.settle()
    assert socket.events("e2ee:envelope") == socket.events("message:new") == []
    assert await laptop.waiting() == []
    assert (await refused(door(bob, "envelopes.send", pairwise(where, [phone])))).code == "forbidden"


async def test_in_an_encrypted_conversation_nothing_is_said_in_the_clear(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await first(ada)
    laptop = await first(bob)
    where = await secret(ada, bob)
    sent = await ada.ask("POST", f"/api/conversations/{where}/e2ee/messages", _without(pairwise(where, [laptop])))
    message, later = sent["messageId"], "2099-01-01T00:00:00.000Z"

    for method, path, body in (
        ("POST", f"/api/conversations/{where}/messages", {"type": "text", "content": "clear"}),
        ("POST", f"/api/conversations/{where}/scheduled", {"type": "text", "content": "clear", "sendAt": later}),
        ("PUT", f"/api/messages/{message}", {"content": "clear"}),
        ("POST", f"/api/messages/{message}/reactions", {"emoji": "👍"}),
        ("PUT", f"/api/messages/{message}/reactions", {"emojis": ["👍"]}),
    ):
        status, refusal = await ada.http(method, path, body)
        assert (status, refusal["code"]) == (409, "chat.encrypted"), path
    draft = await ada.http("PUT", f"/api/conversations/{where}/draft", {"content": "clear"})
    assert draft[0] == 403
    assert (await ada.http("POST", f"/api/messages/{message}/star"))[0] < 300
    assert (await ada.http("DELETE", f"/api/messages/{message}"))[0] == 200


async def test_two_people_have_an_encrypted_conversation_beside_the_other(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await first(ada)
    laptop = await first(bob)
    clear, where = await direct(ada, bob), await secret(ada, bob)

    assert clear != where
    assert await secret(bob, ada) == where
    assert await direct(bob, ada) == clear
    status, refusal = await ada.http(
        "POST", f"/api/conversations/{clear}/e2ee/messages", _without(pairwise(clear, [laptop]))
    )
    assert (status, refusal["code"]) == (409, "chat.not_encrypted")
    wish = {"type": "group", "name": "X", "participantIds": [bob.id], "isEncrypted": True, "historyVisible": True}
    assert (await ada.http("POST", "/api/conversations", wish))[0] == 422
    assert await said(ada, clear) == []


async def test_nobody_but_a_registered_device_sends_or_fetches(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    laptop = await first(bob)
    where = await secret(ada, bob)

    for name, given in (
        ("envelopes.send", pairwise(where, [laptop])),
        ("envelopes.waiting", {}),
        ("envelopes.acknowledge", {"ids": [DISTRIBUTION]}),
    ):
        assert (await refused(door(ada, name, given))).code == "keys.no_device", name


async def test_a_removed_device_loses_what_waits_and_another_gets_nothing_of_it(people: People) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    watch = await next_of(laptop)
    where = await secret(ada, bob)
    await phone.send(pairwise(where, [laptop, watch]))
    mongo = ada.server.app.mongo
    assert await mongo.collection("e2ee_envelopes").count({"userId": bob.id}) == 2

    await bob.ask("DELETE", "/api/e2ee/devices/2")
    await ada.server.app.relay.settle()

    async def one_left() -> bool:
        return await mongo.collection("e2ee_envelopes").count({"userId": bob.id}) == 1

    await until(one_left)
    assert (await refused(phone.send(pairwise(where, [laptop, watch])))).data["recipients"] == [
        {"userId": bob.id, "missingDevices": [], "extraDevices": [2]}
    ]
    tablet = await next_of(laptop)
    assert await tablet.waiting() == []


async def test_a_queue_drops_what_is_too_old_and_the_oldest_when_it_is_too_long(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    where = await secret(ada, bob)
    monkeypatch.setattr(ada.server.service("envelopes"), "_most", 10)

    for number in range(64):
        await phone.send(pairwise(where, [laptop], str(number), silent=True))

    assert [one["order"] for one in await laptop.waiting(limit=100)] == list(range(55, 65))


async def test_after_thirty_days_an_envelope_is_gone(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    where = await secret(ada, bob)
    await phone.send(pairwise(where, [laptop]))
    session = next(one for one in (await bob.ask("GET", "/api/auth/sessions"))["sessions"] if one["isCurrent"])
    clock.advance(days=29)
    await _again(laptop, session["deviceId"])
    assert len(await laptop.waiting()) == 1

    clock.advance(days=1, seconds=5)
    await _again(laptop, session["deviceId"])
    assert await laptop.waiting() == []


async def test_the_largest_ciphertext_is_carried_and_one_byte_more_is_not(people: People) -> None:
    ada, bob = await people("ada", "bob")
    phone, laptop = await first(ada), await first(bob)
    where = await secret(ada, bob)
    body = pairwise(where, [laptop])
    message = body["recipients"][0]["messages"][0]

    message["content"] = base64(bytes(96 * 1024 + 1))
    refusal = await refused(phone.send(body))
    assert (refusal.status, refusal.code) == (413, "envelopes.too_large")
    wrong = body | {"recipients": [{"userId": bob.id, "messages": []}]}
    assert (await refused(phone.send(wrong))).status == 409
    message["content"] = base64(bytes(96 * 1024))
    await phone.send(body)

    assert await laptop.contents() == [message["content"]]
    assert (await refused(phone.send(body | {"padding": "x" * 512_000}))).status == 413


async def _again(device: Device, sign_in: str) -> None:
    server = device.person.server
    account = await server.service("users").account(device.user_id)
    _, tokens = await server.service("auth").book.open(account, HERE, sign_in)
    device.person.tokens["accessToken"] = tokens.access_token


def _without(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "conversationId"}


async def test_what_is_sent_counts_for_each_recipient_and_once_for_a_whole_group(
    people: People, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    phone, laptop, watch = await first(ada), await first(bob), await first(cleo)
    tablet = await next_of(phone)
    where = await secret(ada, bob)
    group, epoch = await circle(ada, bob, cleo)
    counted: list[list[str]] = []

    async def spend(_: str, limits: Sequence[tuple[str, Limit]]) -> None:
        counted.append([who for who, _ in limits])

    monkeypatch.setattr(pair[0].service("envelopes"), "_spend", spend)

    await phone.send(pairwise(where, [laptop, tablet]))
    await phone.send(to_group(group, epoch, [laptop, watch, tablet], "to all"))

    assert counted == [[f"{ada.id}/{bob.id}"], [f"{ada.id}/{group}"]]
