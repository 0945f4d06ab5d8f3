"""Apple's push service (APNs): HTTP/2, with a token that this server signs for itself."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson

from crypto.pushing import EcSigner
from handlers.push.models import SENT, Note, Outcome, Target
from handlers.push.senders.base import Client, later, refused
from server.clock import Clock

FRESH = timedelta(minutes=40)
"""How long a signed token is used: Apple takes it for an hour, and wants no other within 20 minutes."""
_GONE = {"BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"}


class Apns:
    """Devices of Apple."""

    def __init__(
        self,
        client: Client,
        key: EcSigner,
        clock: Clock,
        *,
        url: str,
        key_id: str,
        team: str,
        topic: str,
        lasting: timedelta,
    ) -> None:
        self._client = client
        self._key = key
        self._clock = clock
        self._url = url
        self._key_id = key_id
        self._team = team
        self._topic = topic
        self._lasting = lasting
        self._signed: tuple[datetime, str] | None = None

    async def send(self, target: Target, note: Note) -> Outcome:
        """Hand a note over to Apple."""
        now = self._clock.now()
        headers = {
            "authorization": f"bearer {self._token(now)}",
            "apns-topic": self._topic,
            "apns-push-type": "background" if note.silent else "alert",
            "apns-priority": "5" if note.silent else "10",
            "apns-collapse-id": note.thread,
            "apns-expiration": str(int((now + self._lasting).timestamp())),
        }
        answer = await self._client.post(
            f"{self._url}/3/device/{target.token}", headers, content=orjson.dumps(_payload(note))
        )
        if isinstance(answer, Outcome):
            return answer
        return self._outcome(answer, now)

    async def close(self) -> None:
        """Give connections back."""
        await self._client.close()

    def _outcome(self, answer: httpx.Response, now: datetime) -> Outcome:
        if answer.status_code == 200:
            return SENT
        reason = _reason(answer)
        if answer.status_code == 410 or reason in _GONE:
            return Outcome("gone", reason)
        if reason == "ExpiredProviderToken":
            self._signed = None
            return Outcome("later", reason, 1.0)
        return later(answer, now) if answer.status_code == 429 or answer.status_code >= 500 else refused(answer)

    def _token(self, now: datetime) -> str:
        if self._signed is None or now - self._signed[0] >= FRESH:
            claims = {"iss": self._team, "iat": int(now.timestamp())}
            self._signed = (now, self._key.sign(claims, headers={"kid": self._key_id}))
        return self._signed[1]


def _payload(note: Note) -> dict[str, Any]:
    if note.silent:
        return {"aps": {"content-available": 1, "badge": note.badge}, **note.data()}
    aps = {
        "alert": {"title": note.title, "body": note.text},
        "badge": note.badge,
        "sound": "default",
        "thread-id": note.thread,
    }
    return {"aps": aps, **note.about()}


def _reason(answer: httpx.Response) -> str:
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    return str(found.get("reason", "")) if isinstance(found, dict) else ""
