"""Accounts and conversations over HTTP: making them before a run, changing members in it, reading the logs after it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.chaos.history import Said

PASSWORD = "Calm-Harbour-41"
ATTEMPTS = 30
"""Requests that may safely be repeated are, on any node."""
PAUSE_SECONDS = 0.2
LEAST_VALID_SECONDS = 60.0
PAGE = 100


class HttpRefused(Exception):
    """A request was answered with an error."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


@dataclass(slots=True)
class Account:
    """Somebody who is registered."""

    id: str
    email: str
    token: str
    expires: float
    """When the token ends, by the clock `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log as its reader gets it."""

    seq: int
    kind: str
    said: Said | None


class People:
    """The HTTP side of the users, through whichever node answers."""

    def __init__(self, http: aiohttp.ClientSession, nodes: Sequence[str], chance: random.Random) -> None:
        self._http = http
        self._nodes = nodes
        self._chance = chance

    async def register(self, name: str) -> Account:
        """A new account."""
        email = f"{name}@example.com"
        body = {
            "email": email,
            "password": PASSWORD,
            "username": name,
            "displayName": name.capitalize(),
            "acceptTerms": True,
            "location": {
                "city": "Cape Town",
                "region": "Western Cape",
                "country": "South Africa",
                "coordinates": [-33.9249, 18.4241],
            },
        }
        answer = await self._once("POST", "/api/auth/register", body=body)
        return Account(answer["user"]["id"], email, *_token(answer))

    async def token(self, account: Account) -> str:
        """An access token that holds for a while."""
        if account.expires - time.monotonic() < LEAST_VALID_SECONDS:
            body = {"email": account.email, "password": PASSWORD}
            account.token, account.expires = _token(await self._again("POST", "/api/auth/login", body=body))
        return account.token

    async def group(self, owner: Account, name: str, others: Sequence[Account]) -> str:
        """A new group conversation; its id."""
        body = {"type": "group", "name": name, "participantIds": [one.id for one in others]}
        answer = await self._once("POST", "/api/conversations", account=owner, body=body)
        return str(answer["id"])

    async def add(self, owner: Account, conversation: str, user: str) -> None:
        """Add a member. Raises OSError or TimeoutError when the outcome is unknown, HttpRefused when it is refused."""
        path = f"/api/conversations/{conversation}/participants"
        await self._once("POST", path, account=owner, body={"userIds": [user]})

    async def remove(self, owner: Account, conversation: str, user: str) -> None:
        """Remove a member, with the errors of `add`."""
        await self._once("DELETE", f"/api/conversations/{conversation}/participants/{user}", account=owner)

    async def befriend(self, one: Account, other: Account) -> None:
        """Make two people friends. Both requests may be repeated."""
        body = {"recipientId": other.id}
        friendship = await self._again("POST", "/api/friends/request", account=one, body=body)
        await self._again("PUT", f"/api/friends/{friendship['id']}/accept", account=other, body=None)

    async def say(self, sender: Account, conversation: str, said: str, content: str) -> int:
        """Send a message until it is acknowledged, under the same id; its place in the log."""
        body = {"clientMessageId": said, "type": "text", "content": content}
        path = f"/api/conversations/{conversation}/messages"
        answer = await self._again("POST", path, account=sender, body=body)
        return int(answer["seq"])

    async def log(self, reader: Account, conversation: str) -> AsyncIterator[Entry]:
        """The whole log of a conversation, as `sync` tells it to somebody who has nothing."""
        position, more = 0, True
        while more:
            vector = orjson.dumps({conversation: position}).decode()
            answer = await self._again("GET", "/api/sync", account=reader, params={"conversations": vector})
            pages = [page for page in answer["conversations"] if page["conversationId"] == conversation]
            if not pages:
                return
            for entry in pages[0]["entries"]:
                yield Entry(
                    entry["seq"], entry["kind"], _said(entry["message"]) if entry["kind"] == "message" else None
                )
            position, more = pages[0]["to"], pages[0]["more"]

    async def messages(self, reader: Account, conversation: str) -> AsyncIterator[Entry]:
        """All messages of a conversation, as its history tells them, the newest first."""
        params = {"limit": str(PAGE)}
        while True:
            path = f"/api/conversations/{conversation}/messages"
            answer = await self._again("GET", path, account=reader, params=params)
            for message in answer["messages"]:
                yield Entry(message["seq"], "message", _said(message))
            if not answer["hasMore"]:
                return
            params["before"] = answer["nextBefore"]

    async def _once(self, method: str, path: str, *, account: Account | None = None, body: Any = None) -> Any:
        return await self._ask(method, path, account, body, None)

    async def _again(
        self,
        method: str,
        path: str,
        *,
        account: Account | None = None,
        body: Any = None,
        params: dict[str, str] | None = None,
    ) -> Any:
        for attempt in range(ATTEMPTS):
            try:
                return await self._ask(method, path, account, body, params)
            except (aiohttp.ClientError, OSError, TimeoutError):
                if attempt == ATTEMPTS - 1:
                    raise
            except HttpRefused as refusal:
                if refusal.status != 503 or attempt == ATTEMPTS - 1:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError("every attempt returns or raises")

    async def _ask(
        self, method: str, path: str, account: Account | None, body: Any, params: dict[str, str] | None
    ) -> Any:
        headers = {"Authorization": f"Bearer {await self.token(account)}"} if account else {}
        url = self._chance.choice(self._nodes) + path
        async with self._http.request(method, url, json=body, params=params, headers=headers) as response:
            raw = await response.read()
            answer = orjson.loads(raw) if raw else None
            if response.status >= 400:
                raise HttpRefused(response.status, answer)
            return answer


def _token(answer: dict[str, Any]) -> tuple[str, float]:
    tokens = answer["tokens"]
    return tokens["accessToken"], time.monotonic() + float(tokens["expiresIn"])


def _said(message: dict[str, Any]) -> Said:
    return Said(message["senderId"], message.get("clientMessageId") or message["id"], message["content"])
