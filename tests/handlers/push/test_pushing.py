"""Who is pushed, when, and with what: through a whole server and a browser that decrypts."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from crypto.pushing import unbase64
from handlers.push.service.worker import HOLD
from tests.conftest import Cluster, People
from tests.handlers.chat.helpers import block, direct, group, say
from tests.handlers.push.conftest import VAPID_KEY
from tests.handlers.push.endpoints import Answer, Browser, Service
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import until

SOON = timedelta(seconds=10)
"""More than anything that waits for a device, less than anything lives that disappears."""


KINDS = ("friendRequest", "friendAccepted", "groupAdded", "contactFound", "signIn")


async def subscribe(person: Person, service: Service, name: str = "one", *, notices: bool = False) -> Browser:
    """A browser of somebody, which is not connected, and is told nothing of what was there before.

    Of anything but messages it hears only with `notices`.
    """
    if not notices:
        await person.ask("PUT", "/api/notices/preferences", {"kinds": {kind: {"push": False} for kind in KINDS}})
    await idle(person)
    browser = Browser()
    wanted = {"platform": "webpush", "token": f"{service.url}/push/{name}", "keys": browser.keys}
    await person.ask("PUT", "/api/push/token", wanted)
    await idle(person)
    return browser


def opened(service: Service, browser: Browser, name: str = "one") -> list[Any]:
    """What a browser was told so far."""
    return [browser.open(one.body) for one in service.requests if one.path == f"/push/{name}"]


def loud_ones(service: Service, browser: Browser) -> list[Any]:
    """Of what a browser was told, what alerts its owner."""
    return [told for told in opened(service, browser) if "title" in told]


async def idle(person: Person) -> None:
    """Wait until nothing of a person waits to be pushed: only what time alone will change is left for later."""
    push, matters = person.server.service("push"), person.server.app.mongo.collection("push_matters")
    clock = person.server.app.clock
    await person.server.app.relay.settle()
    await push.intake.settle()

    async def done() -> bool:
        soon = {"$or": [{"due": {"$lte": clock.now() + SOON}}, {"until": {"$gt": clock.now()}}]}
        return await matters.count({"userId": person.id, **soon}) == 0

    await until(done)


async def test_somebody_who_is_away_is_pushed_at_once(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)

    message = await say(ada, conversation, "Are you there?")
    await until(lambda: pushing.requests, seconds=2)

    (told,) = opened(pushing, browser)
    assert told == {
        "badge": 1,
        "conversationId": conversation,
        "messageId": message["id"],
        "unread": 1,
        "title": "Ada",
        "body": "Are you there?",
    }
    headers = pushing.requests[0].headers
    assert (headers["ttl"], headers["urgency"], headers["content-encoding"]) == ("86400", "high", "aes128gcm")
    token, _, key = headers["authorization"].removeprefix("vapid t=").partition(", k=")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unbase64(key))
    assert public == ec.derive_private_key(int.from_bytes(unbase64(VAPID_KEY)), ec.SECP256R1()).public_key()
    claims = jwt.decode(token, public, algorithms=["ES256"], audience=pushing.url)
    assert claims["sub"] == "mailto:ops@example.com"


async def test_a_message_that_a_socket_confirmed_is_not_pushed(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    socket = await bob.socket()

    first = await say(ada, conversation, "one")
    await socket.ask("message:delivered", {"conversationId": conversation, "messageId": first["id"]})
    await idle(bob)
    assert pushing.requests == []

    await say(ada, conversation, "two")
    await idle(bob)
    assert [(one["body"], one["unread"]) for one in opened(pushing, browser)] == [("two", 2)]


async def test_r28_what_is_read_elsewhere_is_taken_back_with_an_absolute_badge(
    pushing: Service, people: People
) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    browser = await subscribe(bob, pushing)
    one, other = await direct(ada, bob), await direct(eve, bob)
    await say(ada, one, "1")
    await idle(bob)
    last = await say(ada, one, "2")
    await idle(bob)
    await say(eve, other, "3")
    await idle(bob)
    assert [(told["badge"], told["unread"]) for told in opened(pushing, browser)] == [(1, 1), (1, 2), (2, 1)]

    await bob.ask("POST", f"/api/conversations/{one}/read", {"messageId": last["id"]})
    await until(lambda: len(pushing.requests) == 4)

    assert opened(pushing, browser)[-1] == {"badge": 1, "clear": [one]}
    topics = [request.headers["topic"] for request in pushing.requests]
    assert topics[0] == topics[1] == topics[3] != topics[2]


async def test_r27_muted_archived_and_blocked_are_neither_pushed_nor_counted(pushing: Service, people: People) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    browser = await subscribe(bob, pushing)
    muted, archived = await group(ada, bob), await group(ada, bob)
    blocked, loud = await group(eve, bob), await direct(ada, bob)
    await bob.ask("PUT", f"/api/conversations/{muted}", {"muted": True})
    await bob.ask("PUT", f"/api/conversations/{archived}", {"isArchived": True, "keepArchived": True})
    await block(bob, eve)

    await say(ada, muted)
    await say(ada, archived)
    await say(eve, blocked)
    await say(ada, loud, "Loud")
    await idle(bob)

    assert [(told["body"], told["badge"]) for told in loud_ones(pushing, browser)] == [("Loud", 1)]


async def test_r29_a_conversation_marked_as_unread_counts_in_the_badge_unless_it_is_muted(
    pushing: Service, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    marked, muted, loud = await group(ada, bob), await group(ada, bob), await direct(ada, bob)
    await bob.ask("PUT", f"/api/conversations/{muted}", {"muted": True})
    for one in (marked, muted):
        await bob.ask("POST", f"/api/conversations/{one}/unread", {})

    await say(ada, loud, "One")
    await idle(bob)
    await bob.ask("POST", f"/api/conversations/{marked}/read", {"upToSeq": 1})
    await say(ada, loud, "Two")
    await idle(bob)

    assert [(told["body"], told["badge"], told["unread"]) for told in loud_ones(pushing, browser)] == [
        ("One", 2, 1),
        ("Two", 1, 2),
    ]


async def test_r40_a_conversation_with_a_timer_is_pushed_without_a_word_of_it(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    for mode in ("after_send", "after_read"):
        await ada.ask("PUT", f"/api/conversations/{conversation}/timer", {"seconds": 3600, "mode": mode})
        await say(ada, conversation, "secret")
        await idle(bob)

    found = [(told["title"], told["body"], told["unread"]) for told in opened(pushing, browser)]
    assert found == [("Ada", "New message", 1), ("Ada", "New message", 2)]


@pytest.mark.parametrize(("encrypted", "more"), [(True, {}), (False, {"expiresIn": 60})])
async def test_r40_encrypted_and_disappearing_messages_are_not_quoted(
    pushing: Service, people: People, encrypted: bool, more: dict[str, Any]
) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await group(ada, bob)
    stored = ada.server.app.mongo.collection("conversations")
    await stored.update_one({"_id": conversation}, {"$set": {"isEncrypted": encrypted}})

    await say(ada, conversation, "secret", **more)
    await idle(bob)

    assert [(told["title"], told["body"]) for told in opened(pushing, browser)] == [("Crew", "New message")]


async def test_r43_a_deleted_message_takes_its_notification_with_it(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "Oops")
    await idle(bob)

    await ada.ask("DELETE", f"/api/messages/{message['id']}")
    await until(lambda: len(pushing.requests) == 2)

    assert opened(pushing, browser)[1] == {"badge": 0, "clear": [conversation]}


async def test_nobody_is_pushed_what_he_said_himself(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(ada, pushing, "ada")
    conversation = await direct(ada, bob)

    await say(ada, conversation)
    await say(bob, conversation, "Back")
    await idle(ada)

    assert [told["body"] for told in opened(pushing, browser, "ada")] == ["Back"]


async def test_what_a_dead_process_left_is_sent_by_another(pushing: Service, people: People, cluster: Cluster) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    push = ada.server.service("push")
    for task in push._tasks:
        task.cancel()
    await asyncio.gather(*push._tasks, return_exceptions=True)
    await say(ada, conversation, "Left behind")
    await push.intake.settle()
    assert pushing.requests == []

    await cluster()
    await until(lambda: pushing.requests)

    assert [told["body"] for told in opened(pushing, browser)] == ["Left behind"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_forgotten(pushing: Service, people: People, status: int) -> None:
    ada, bob = await people("ada", "bob")
    await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    pushing.answers = [Answer(status)]

    await say(ada, conversation)
    await until(lambda: pushing.requests)
    await idle(bob)

    assert (await bob.ask("GET", "/api/push"))["registered"] is None
    await say(ada, conversation)
    await idle(bob)
    assert len(pushing.requests) == 1


async def test_a_busy_service_is_asked_again_when_it_says_and_a_lost_connection_soon(
    pushing: Service, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    matters = bob.server.app.mongo.collection("push_matters")
    pushing.answers = [Answer(429, headers={"retry-after": "1800"}), Answer(None), Answer(503)]

    async def put_off() -> timedelta:
        """How long the matter waits."""
        found = await matters.find_one({"userId": bob.id})
        assert found is not None
        hidden: datetime = found["until"]
        return hidden - clock.now()

    async def soon() -> bool:
        return len(pushing.requests) >= 4 or await put_off() < HOLD / 2

    async def late() -> bool:
        """Not only taken by a worker, which hides it for HOLD."""
        return await put_off() > HOLD

    await say(ada, conversation, "Patience")
    await until(lambda: pushing.requests)
    await until(late)
    clock.advance(seconds=1700)
    await bob.server.service("push").worker.sweep()
    assert len(pushing.requests) == 1
    clock.advance(seconds=110)
    for count in (2, 3):
        await until(lambda wanted=count: len(pushing.requests) >= wanted)
        await until(soon)
        clock.advance(seconds=9)
    await idle(bob)

    assert [told["body"] for told in opened(pushing, browser)] == ["Patience"] * 4


async def test_r36_a_revoked_device_is_pushed_nothing_more(pushing: Service, people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await subscribe(bob, pushing)
    conversation = await direct(ada, bob)

    await bob.ask("POST", "/api/auth/logout")
    targets = bob.server.app.mongo.collection("push_targets")
    await say(ada, conversation)
    await bob.server.service("push").intake.settle()

    async def forgotten() -> bool:
        return await targets.count({}) == 0

    await until(forgotten)
    await idle(bob)
    assert pushing.requests == []


async def test_r36_a_device_registers_where_it_is_pushed(pushing: Service, people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    keys = Browser().keys
    endpoint = f"{pushing.url}/push/one"
    good: list[dict[str, Any]] = [
        {"platform": "apns", "token": "ab" * 32},
        {"platform": "fcm", "token": "d:" + "x" * 150},
        {"platform": "webpush", "token": endpoint, "keys": keys},
    ]
    for wanted in good:
        assert (await door(ada, "push.register", wanted))["registered"] == wanted["platform"]
    assert (await door(ada, "push.state"))["platforms"] == ["apns", "fcm", "webpush"]

    bad: list[dict[str, Any]] = [
        {"platform": "apns", "token": "xyz" * 30},
        {"platform": "fcm", "token": "short"},
        {"platform": "webpush", "token": endpoint},
        {"platform": "apns", "token": "ab" * 32, "keys": keys},
        {"platform": "webpush", "token": endpoint, "keys": keys | {"p256dh": keys["auth"]}},
        {"platform": "webpush", "token": endpoint, "keys": keys | {"auth": keys["p256dh"]}},
        {"platform": "webpush", "token": "https://127.0.0.1:1/push", "keys": keys},
        {"platform": "webpush", "token": endpoint.replace("https", "http"), "keys": keys},
        {"platform": "webpush", "token": endpoint.replace("https://", "https://ada@"), "keys": keys},
        {"platform": "webpush", "token": "https://[", "keys": keys},
    ]
    for wanted in bad:
        with pytest.raises(Refusal) as refused:
            await door(ada, "push.register", wanted)
        assert refused.value.code == "bad_request", wanted

    await door(bob, "push.register", good[2])
    assert (await door(ada, "push.state"))["registered"] is None
    await door(bob, "push.unregister")
    assert (await door(bob, "push.state"))["registered"] is None


async def test_without_a_key_nothing_can_be_registered(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refused:
        await door(ada, "push.register", {"platform": "apns", "token": "ab" * 32})

    assert refused.value.code == "push.platform_off"
    assert await door(ada, "push.state") == {"platforms": [], "vapidPublicKey": None, "registered": None}


async def test_r27_what_was_archived_is_pushed_and_counted_again_from_the_next_message_on(
    pushing: Service, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    archived, other, loud = await group(ada, bob), await group(ada, bob), await direct(ada, bob)
    await say(ada, other, "Unread, and archived so")
    await idle(bob)
    for one in (archived, other):
        await bob.ask("PUT", f"/api/conversations/{one}", {"isArchived": True})

    await say(ada, archived, "Back")
    await idle(bob)
    await say(ada, loud, "Loud")
    await idle(bob)

    told = [(one["body"], one["badge"]) for one in opened(pushing, browser) if "body" in one]
    assert told == [("Ada: Unread, and archived so", 1), ("Ada: Back", 1), ("Loud", 2)]


async def test_r50_a_call_of_everybody_wakes_of_the_muted_only_whom_it_replies_to(
    pushing: Service, people: People
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    question = await say(bob, conversation, "When?")
    await idle(cyd)  # it is settled whom this wakes before anybody can be
    for one in (bob, cyd):
        await one.ask("PUT", f"/api/conversations/{conversation}", {"muted": True})
    browsers = [await subscribe(bob, pushing, "bob"), await subscribe(cyd, pushing, "cyd")]

    await say(ada, conversation, "named", mentionedUserIds=[bob.id], replyToMessageId=question["id"])
    for one in (bob, cyd):
        await idle(one)
    before = [opened(pushing, browser, name) for browser, name in zip(browsers, ("bob", "cyd"), strict=True)]
    await say(ada, conversation, "Tonight", mentionEveryone="all", replyToMessageId=question["id"])
    for one in (bob, cyd):
        await idle(one)

    assert before == [[], []]
    told = [opened(pushing, browser, name) for browser, name in zip(browsers, ("bob", "cyd"), strict=True)]
    assert [[(one["body"], one["badge"]) for one in some] for some in told] == [[("Ada: Tonight", 0)], []]


async def test_r27_muting_that_has_ended_lets_messages_through(
    pushing: Service, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    until_ = (clock.now() + timedelta(minutes=5)).isoformat()
    await bob.ask("PUT", f"/api/conversations/{conversation}", {"mutedUntil": until_})

    await say(ada, conversation, "Muted")
    await idle(bob)
    clock.advance(minutes=5)
    await say(ada, conversation, "Loud")
    await idle(bob)

    assert [(one["body"], one["badge"], one["unread"]) for one in loud_ones(pushing, browser)] == [("Loud", 1, 2)]
