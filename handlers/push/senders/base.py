"""What every push service has in common: one HTTP/2 client, and what its answers mean."""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx

from handlers.push.models import Note, Outcome, Target

TIMEOUT = 10.0
"""Seconds for each step of a request."""
CONNECTIONS = 64


class Sender(Protocol):
    """One push service."""

    async def send(self, target: Target, note: Note) -> Outcome:
        """Hand a note over, and say what became of it. Raises nothing that the network does."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class Client:
    """HTTP/2 where the service speaks it (APNs speaks nothing else), over connections that are kept."""

    def __init__(self, ca_file: str | None) -> None:
        self._http = httpx.AsyncClient(
            http2=True,
            verify=ssl.create_default_context(cafile=ca_file),
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            trust_env=False,
        )

    async def post(self, url: str, headers: Mapping[str, str], **body: Any) -> httpx.Response | Outcome:
        """The answer of the service, or that it was not reached."""
        try:
            return await self._http.post(url, headers=dict(headers), **body)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return Outcome("later", f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()


def later(answer: httpx.Response, now: datetime) -> Outcome:
    """Another attempt is welcome, after as long as the service says."""
    return Outcome("later", f"status {answer.status_code}", _wait(answer.headers.get("retry-after"), now))


def refused(answer: httpx.Response) -> Outcome:
    """The service does not take it, and would not another time."""
    return Outcome("refused", f"status {answer.status_code}: {answer.text[:200]}")


def _wait(value: str | None, now: datetime) -> float | None:
    """Seconds, or a date, as of RFC 9110."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
