"""Mixee as an operator runs it, and people who come in through its public doors."""

import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.peers.peer import HOST, Guest, Peer
from bench.programs import Program, free_port

AT_ONCE = 8
NAME = "Mixee"


async def start(
    folder: Path,
    *,
    on: Sequence[int],
    storage: tuple[str, str],
    database: str,
    seed: str,
    workers: int = 1,
    name: str = NAME,
) -> Peer:
    """Start a server on MongoDB and Redis that run already. `seed` is that of the key which signs access tokens."""
    port = free_port()
    program = Program.start(
        f"{name}-{port}",
        [sys.executable, "run.py", "serve", "--host", HOST, "--port", str(port), "--workers", str(workers)],
        folder=folder,
        on=on,
        more={
            "MIXEE_MONGODB_URL": storage[0],
            "MIXEE_REDIS_URL": storage[1],
            "MIXEE_MONGODB_DATABASE": database,
            "MIXEE_LIMITS": "off",
            "MIXEE_LOG_LEVEL": "WARNING",
            "MIXEE_AUTH_SIGNING_KEY": seed,
            "MIXEE_AUTH_ACCESS_SECONDS": "86400",
            "MIXEE_AUTH_ARGON2_MEMORY_KIB": "19456",
            "MIXEE_AUTH_ARGON2_PASSES": "2",
        },
    )
    await program.ready(lambda: "Mixee is running" in program.said())
    children = [one.pid for one in psutil.Process(program.pid).children()] if workers > 1 else []
    return Peer(name, port, [program], children or [program.pid])


async def register(peer: Peer, count: int) -> list[Guest]:
    """Make so many accounts."""
    gate = asyncio.Semaphore(AT_ONCE)
    run = secrets.token_hex(4)

    async def one(number: int) -> Guest:
        person = {
            "username": f"b{run}{number}",
            "displayName": f"Guest {number}",
            "email": f"b{run}{number}@example.com",
            "password": secrets.token_urlsafe(12),
            "acceptTerms": True,
        }
        async with gate:
            answer = await _post(http, "/api/auth/register", person)
        return Guest(answer["user"]["id"], answer["tokens"]["accessToken"])

    async with aiohttp.ClientSession(f"http://{HOST}:{peer.port}") as http:
        return list(await asyncio.gather(*map(one, range(count))))


async def group(peer: Peer, members: Sequence[Guest]) -> str:
    """Make a group whose owner is the first of these; its id."""
    others = [one.user_id for one in members[1:]]
    async with aiohttp.ClientSession(
        f"http://{HOST}:{peer.port}", headers={"Authorization": f"Bearer {members[0].token}"}
    ) as http:
        said = {"type": "group", "name": "Bench", "participantIds": others}
        return str((await _post(http, "/api/conversations", said))["id"])


async def _post(http: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Any:
    async with http.post(path, json=body) as response:
        answer = await response.json()
        if response.status >= 400:
            raise RuntimeError(f"POST {path} was refused: {answer}")
        return answer
