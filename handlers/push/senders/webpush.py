"""Web Push (RFC 8030): encrypted for the browser (RFC 8291), and signed by this server's key (VAPID, RFC 8292)."""

import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

import orjson

from crypto.pushing import EcSigner, base64url, sealed, unbase64
from handlers.push.models import SENT, Note, Outcome, Target
from handlers.push.senders.base import Client, later, refused
from server.clock import Clock

VALID = timedelta(hours=12)
"""How long a signature is good for; the standard allows a day."""


class WebPush:
    """The push services of browsers."""

    def __init__(self, client: Client, key: EcSigner, clock: Clock, *, contact: str, lasting: timedelta) -> None:
        self._client = client
        self._key = key
        self._clock = clock
        self._contact = contact
        self._lasting = int(lasting.total_seconds())

    async def send(self, target: Target, note: Note) -> Outcome:
        """Hand a note over to the service that the browser named."""
        now = self._clock.now()
        parts = urlsplit(target.token)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + VALID).timestamp()),
            "sub": self._contact,
        }
        headers = {
            "Authorization": f"vapid t={self._key.sign(claims)}, k={self._key.public}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(self._lasting),
            "Topic": base64url(hashlib.sha256(note.thread.encode()).digest()[:24]),
            "Urgency": "low" if note.silent else "high",
        }
        content = sealed(orjson.dumps(note.data()), public=unbase64(target.p256dh), auth=unbase64(target.auth))
        answer = await self._client.post(target.token, headers, content=content)
        if isinstance(answer, Outcome):
            return answer
        if answer.is_success:
            return SENT
        if answer.status_code in {404, 410}:
            return Outcome("gone", f"status {answer.status_code}")
        return later(answer, now) if answer.status_code == 429 or answer.status_code >= 500 else refused(answer)

    async def close(self) -> None:
        """Give connections back."""
        await self._client.close()
