"""A server that pushes to services of this process."""

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from crypto.pushing import base64url
from tests.handlers.push.endpoints import Answer, Request, Service, pem, tls

VAPID_KEY = base64url(bytes(range(1, 33)))
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
GOOGLE_KEY = rsa.generate_private_key(65537, 2048)
TOKEN_SECONDS = 3600


def google(request: Request) -> Answer:
    """Gives access tokens, and takes messages."""
    if request.path == "/token":
        return Answer(body=json.dumps({"access_token": "ya29.one", "expires_in": TOKEN_SECONDS}).encode())
    return Answer(body=b'{"name": "projects/mixee/messages/1"}')


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS that the server under test trusts."""
    return tls(tmp_path)


@pytest.fixture
async def service(certified: tuple[ssl.SSLContext, Path]) -> AsyncIterator[Service]:
    """Stands for the push services of Apple, Google and a browser at one address."""
    one = Service(certified[0], google)
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def pushing(service: Service, certified: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> Service:
    """Servers that start after this use that service. Connected devices have 0.3 seconds to confirm."""
    account = {
        "project_id": "mixee",
        "client_email": "push@mixee.example",
        "private_key": pem(GOOGLE_KEY),
        "token_uri": f"{service.url}/token",
    }
    values = {
        "WEBPUSH_KEY": VAPID_KEY,
        "WEBPUSH_CONTACT": "mailto:ops@example.com",
        "WEBPUSH_HOSTS": service.url.removeprefix("https://"),
        "APNS_KEY": pem(APPLE_KEY).replace("\n", "\\n"),
        "APNS_KEY_ID": "KEY1234567",
        "APNS_TEAM_ID": "TEAM123456",
        "APNS_TOPIC": "com.example.mixee",
        "APNS_URL": service.url,
        "FCM_ACCOUNT": json.dumps(account),
        "FCM_URL": service.url,
        "CA_FILE": str(certified[1]),
        "ACK_SECONDS": "0.3",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"MIXEE_PUSH_{name}", value)
    return service
