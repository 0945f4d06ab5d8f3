"""What tests of sign-in need besides: requests without a token, and the letters that were sent."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.harness.servers import Server

Post = Callable[..., Awaitable[tuple[int, Any]]]
PASSWORD = "Correct-Horse-7"


@pytest.fixture
async def post(server: Server) -> AsyncIterator[Post]:
    """`status, body = await post("login", {...})` calls one of /api/auth without a token."""
    async with aiohttp.ClientSession() as session:

        async def send(
            what: str, body: dict[str, Any] | None = None, *, at: Server | None = None, agent: str = "Test/1"
        ) -> tuple[int, Any]:
            url = f"{(at or server).url}/api/auth/{what}"
            async with session.post(url, json=body or {}, headers={"User-Agent": agent}) as response:
                raw = await response.read()
                return response.status, json.loads(raw) if raw else None

        yield send


def joining(name: str, **other: Any) -> dict[str, Any]:
    """The body of a registration."""
    return {
        "email": f"{name}@example.com",
        "password": PASSWORD,
        "username": name,
        "displayName": name.capitalize(),
        "acceptTerms": True,
        **other,
    }


class Outbox:
    """The letters that a server sent."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self.folder = folder

    async def all(self) -> list[dict[str, Any]]:
        """Every letter, the oldest first."""
        await self._server.service("auth").settle()
        files = sorted(self.folder.glob("*.json")) if self.folder.exists() else []
        return [json.loads(file.read_text()) for file in files]

    async def to(self, address: str) -> list[dict[str, Any]]:
        """The letters to one address or number."""
        return [one for one in await self.all() if one["to"] == address]

    async def secret(self, address: str, subject: str) -> str:
        """The secret in the newest letter of that subject to that address."""
        newest = [one for one in await self.to(address) if one["subject"] == subject][-1]
        found = re.search(r"^[A-Za-z0-9_-]{43}$", newest["text"], re.MULTILINE)
        assert found, newest
        return found[0]

    async def code(self, number: str) -> str:
        """The code in the newest text message to that number."""
        found = re.match(r"[0-9]{6}\b", (await self.to(number))[-1]["text"])
        assert found
        return found[0]


@pytest.fixture
def outbox(server: Server, tmp_path: Path) -> Outbox:
    """The letters of the test's server."""
    return Outbox(server, tmp_path / "outbox")
