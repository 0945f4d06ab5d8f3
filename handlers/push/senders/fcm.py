"""Google's push service (FCM, HTTP v1), with an access token for the service account (OAuth 2.0, RFC 7523)."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson

from crypto.pushing import RsaSigner
from handlers.push.models import SENT, Note, Outcome, Target
from handlers.push.senders.base import Client, later, refused
from server.clock import Clock

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MARGIN = timedelta(minutes=2)
"""How long before its end an access token is renewed."""


class Fcm:
    """Devices with Google's services."""

    def __init__(
        self, client: Client, account: Mapping[str, str], clock: Clock, *, url: str, lasting: timedelta
    ) -> None:
        self._client = client
        self._signer = RsaSigner(account["private_key"])
        self._email = account["client_email"]
        self._token_url = account["token_uri"]
        self._url = f"{url}/v1/projects/{account['project_id']}/messages:send"
        self._clock = clock
        self._lasting = lasting
        self._access: tuple[datetime, str] | None = None
        self._asking = asyncio.Lock()

    async def send(self, target: Target, note: Note) -> Outcome:
        """Hand a note over to Google."""
        now = self._clock.now()
        token = await self._token(now)
        if isinstance(token, Outcome):
            return token
        answer = await self._client.post(
            self._url,
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            content=orjson.dumps({"message": self._message(target, note)}),
        )
        if isinstance(answer, Outcome):
            return answer
        if answer.status_code == 200:
            return SENT
        if answer.status_code == 401:
            self._access = None
            return Outcome("later", "the access token is refused", 1.0)
        if "UNREGISTERED" in _codes(answer):
            return Outcome("gone", "UNREGISTERED")
        return later(answer, now) if answer.status_code == 429 or answer.status_code >= 500 else refused(answer)

    async def close(self) -> None:
        """Give connections back."""
        await self._client.close()

    def _message(self, target: Target, note: Note) -> dict[str, Any]:
        data = {
            key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in note.data().items()
        }
        android: dict[str, Any] = {
            "priority": "NORMAL" if note.silent else "HIGH",
            "collapse_key": note.thread,
            "ttl": f"{int(self._lasting.total_seconds())}s",
        }
        if not note.silent:
            android["notification"] = {"title": note.title, "body": note.text, "tag": note.thread}
        return {"token": target.token, "data": data, "android": android}

    async def _token(self, now: datetime) -> str | Outcome:
        async with self._asking:
            if self._access is not None and now < self._access[0]:
                return self._access[1]
            issued = int(now.timestamp())
            claims = {
                "iss": self._email,
                "scope": SCOPE,
                "aud": self._token_url,
                "iat": issued,
                "exp": issued + 3600,
            }
            form = {"grant_type": GRANT, "assertion": self._signer.sign(claims)}
            answer = await self._client.post(self._token_url, {}, data=form)
            if isinstance(answer, Outcome):
                return answer
            try:
                found = orjson.loads(answer.content)
                token, seconds = str(found["access_token"]), float(found["expires_in"])
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                return later(answer, now)
            self._access = (now + timedelta(seconds=seconds) - MARGIN, token)
            return token


def _codes(answer: httpx.Response) -> set[str]:
    """The error codes that Google names."""
    try:
        details = orjson.loads(answer.content)["error"]["details"]
        return {str(one.get("errorCode")) for one in details}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return set()
