"""The push services of Apple and Google, spoken to over their real protocols."""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from jwt.types import Options

from crypto.pushing import EcSigner
from handlers.push.models import Note, Outcome, Target
from handlers.push.senders import Apns, Client, Fcm
from tests.handlers.push.conftest import APPLE_KEY, GOOGLE_KEY
from tests.handlers.push.endpoints import Answer, Service, pem
from tests.harness.clock import TurnableClock

CONVERSATION = "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e"
LOUD = Note(CONVERSATION, badge=3, title="Ada", text="Hello", message_id=f"{CONVERSATION}:7", unread=2)
UNCHECKED: Options = {"verify_iat": False, "verify_exp": False, "verify_aud": False}
SILENT = Note(CONVERSATION, badge=0)
IPHONE = Target("session", "bob", "phone", "apns", "ab" * 32)
ANDROID = Target("session", "bob", "phone", "fcm", "d:" + "x" * 150)


@pytest.fixture
def clock() -> TurnableClock:
    """A clock that stands still."""
    return TurnableClock()


@pytest.fixture
async def apns(service: Service, certified: tuple[ssl.SSLContext, Path], clock: TurnableClock) -> AsyncIterator[Apns]:
    """The sender for Apple."""
    sender = Apns(
        Client(str(certified[1])),
        EcSigner.of_pem(pem(APPLE_KEY)),
        clock,
        url=service.url,
        key_id="KEY1234567",
        team="TEAM123456",
        topic="com.example.mixee",
        lasting=timedelta(hours=24),
    )
    yield sender
    await sender.close()


@pytest.fixture
async def fcm(service: Service, certified: tuple[ssl.SSLContext, Path], clock: TurnableClock) -> AsyncIterator[Fcm]:
    """The sender for Google."""
    account = {
        "project_id": "mixee",
        "client_email": "push@mixee.example",
        "private_key": pem(GOOGLE_KEY),
        "token_uri": f"{service.url}/token",
    }
    sender = Fcm(Client(str(certified[1])), account, clock, url=service.url, lasting=timedelta(hours=24))
    yield sender
    await sender.close()


async def test_apple_gets_an_alert_with_a_signed_token(apns: Apns, service: Service, clock: TurnableClock) -> None:
    assert await apns.send(IPHONE, LOUD) == Outcome("sent")

    (request,) = service.requests
    assert request.path == f"/3/device/{IPHONE.token}"
    assert {name: value for name, value in request.headers.items() if name.startswith("apns-")} == {
        "apns-topic": "com.example.mixee",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-collapse-id": CONVERSATION,
        "apns-expiration": str(int(clock.now().timestamp()) + 86_400),
    }
    assert request.json == {
        "aps": {
            "alert": {"title": "Ada", "body": "Hello"},
            "badge": 3,
            "sound": "default",
            "thread-id": CONVERSATION,
        },
        "conversationId": CONVERSATION,
        "messageId": f"{CONVERSATION}:7",
        "unread": 2,
    }
    token = request.headers["authorization"].removeprefix("bearer ")
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}
    claims = jwt.decode(token, APPLE_KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "TEAM123456", "iat": int(clock.now().timestamp())}


async def test_r28_apple_gets_what_is_to_be_cleared_silently(apns: Apns, service: Service) -> None:
    assert await apns.send(IPHONE, SILENT) == Outcome("sent")

    (request,) = service.requests
    assert (request.headers["apns-push-type"], request.headers["apns-priority"]) == ("background", "5")
    assert request.json == {"aps": {"content-available": 1, "badge": 0}, "badge": 0, "clear": [CONVERSATION]}


async def test_a_token_for_apple_is_used_for_forty_minutes_and_renewed_when_refused(
    apns: Apns, service: Service, clock: TurnableClock
) -> None:
    await apns.send(IPHONE, LOUD)
    clock.advance(minutes=39)
    await apns.send(IPHONE, LOUD)
    clock.advance(minutes=1)
    await apns.send(IPHONE, LOUD)
    clock.advance(seconds=5)
    service.answers = [Answer(403, b'{"reason": "ExpiredProviderToken"}')]
    refused = await apns.send(IPHONE, LOUD)
    await apns.send(IPHONE, LOUD)

    first, second, third, fourth, fifth = (request.headers["authorization"] for request in service.requests)
    assert (first == second, second == third, third == fourth, fourth == fifth) == (True, False, True, False)
    assert refused == Outcome("later", "ExpiredProviderToken", 1.0)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(410, b'{"reason": "Unregistered"}'), Outcome("gone", "Unregistered")),
        (Answer(400, b'{"reason": "BadDeviceToken"}'), Outcome("gone", "BadDeviceToken")),
        (Answer(429, headers={"retry-after": "30"}), Outcome("later", "status 429", 30.0)),
        (
            Answer(503, headers={"retry-after": "Tue, 24 Nov 2026 12:01:00 GMT"}),
            Outcome("later", "status 503", 60.0),
        ),
        (Answer(500, b"no json"), Outcome("later", "status 500")),
        (
            Answer(413, b'{"reason": "PayloadTooLarge"}'),
            Outcome("refused", 'status 413: {"reason": "PayloadTooLarge"}'),
        ),
    ],
)
async def test_what_apple_answers_is_understood(apns: Apns, service: Service, answer: Answer, outcome: Outcome) -> None:
    service.answers = [answer]

    assert await apns.send(IPHONE, LOUD) == outcome


async def test_a_lost_connection_is_made_again(apns: Apns, service: Service) -> None:
    assert (await apns.send(IPHONE, LOUD)).kind == "sent"
    service.answers = [Answer(None)]

    assert (await apns.send(IPHONE, LOUD)).kind == "later"
    assert (await apns.send(IPHONE, LOUD)).kind == "sent"


async def test_google_gives_an_access_token_once_and_takes_messages(
    fcm: Fcm, service: Service, clock: TurnableClock
) -> None:
    assert await fcm.send(ANDROID, LOUD) == Outcome("sent")
    assert await fcm.send(ANDROID, SILENT) == Outcome("sent")

    exchange, loud, silent = service.requests
    form = parse_qs(exchange.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(form["assertion"][0], GOOGLE_KEY.public_key(), algorithms=["RS256"], options=UNCHECKED)
    assert claims == {
        "iss": "push@mixee.example",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": f"{service.url}/token",
        "iat": int(clock.now().timestamp()),
        "exp": int(clock.now().timestamp()) + 3600,
    }
    assert (loud.path, loud.headers["authorization"]) == ("/v1/projects/mixee/messages:send", "Bearer ya29.one")
    assert loud.json["message"] == {
        "token": ANDROID.token,
        "data": {
            "badge": "3",
            "conversationId": CONVERSATION,
            "messageId": f"{CONVERSATION}:7",
            "unread": "2",
            "title": "Ada",
            "body": "Hello",
        },
        "android": {
            "priority": "HIGH",
            "collapse_key": CONVERSATION,
            "ttl": "86400s",
            "notification": {"title": "Ada", "body": "Hello", "tag": CONVERSATION},
        },
    }
    assert silent.json["message"]["data"] == {"badge": "0", "clear": json.dumps([CONVERSATION])}
    assert silent.json["message"]["android"]["priority"] == "NORMAL"


async def test_an_access_token_of_google_is_renewed_in_time_and_when_refused(
    fcm: Fcm, service: Service, clock: TurnableClock
) -> None:
    await fcm.send(ANDROID, LOUD)
    clock.advance(minutes=58)
    await fcm.send(ANDROID, LOUD)
    service.answers = [Answer(401)]
    assert (await fcm.send(ANDROID, LOUD)).kind == "later"
    await fcm.send(ANDROID, LOUD)

    paths = [request.path.rpartition("/")[2] for request in service.requests]
    assert paths == ["token", "messages:send"] * 2 + ["messages:send", "token", "messages:send"]


UNREGISTERED = b'{"error": {"code": 404, "status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}}'


@pytest.mark.parametrize(
    ("answer", "kind", "seconds"),
    [
        (Answer(404, UNREGISTERED), "gone", None),
        (Answer(404, b"{}"), "refused", None),
        (Answer(429, headers={"retry-after": "60"}), "later", 60.0),
        (Answer(503), "later", None),
        (Answer(None), "later", None),
        (Answer(400, b'{"error": {"details": null}}'), "refused", None),
    ],
)
async def test_what_google_answers_is_understood(
    fcm: Fcm, service: Service, answer: Answer, kind: str, seconds: float | None
) -> None:
    await fcm.send(ANDROID, LOUD)
    service.answers = [answer]

    outcome = await fcm.send(ANDROID, LOUD)

    assert (outcome.kind, outcome.seconds) == (kind, seconds)


async def test_google_is_asked_again_when_it_gives_no_access_token(fcm: Fcm, service: Service) -> None:
    service.answers = [Answer(503, headers={"retry-after": "5"}), Answer(body=b"[]")]

    assert await fcm.send(ANDROID, LOUD) == Outcome("later", "status 503", 5.0)
    assert (await fcm.send(ANDROID, LOUD)).kind == "later"
    assert (await fcm.send(ANDROID, LOUD)).kind == "sent"
