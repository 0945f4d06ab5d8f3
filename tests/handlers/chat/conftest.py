"""Two servers that all tests of the chat share, and people whose accounts are made without the price of a password.

A test must not count on a fresh database: it sees only the conversations of the people it made itself.
"""

import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from handlers.users.models import Account
from server.actors import Caller
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server

HERE = Caller("http", "127.0.0.1", "Tests")

_numbers = itertools.count(1)

Pair = tuple[Server, Server]
People = Callable[..., Awaitable[list[Person]]]


@pytest.fixture(scope="package")
def clock() -> TurnableClock:
    """The clock of the shared servers: a test may turn it, and what it makes afterwards is made then."""
    return TurnableClock(running=True)


@asynccontextmanager
async def two_servers(clock: TurnableClock, folder: Path, **settings: Any) -> AsyncIterator[Pair]:
    """Two servers of one cluster, on a database of their own."""
    from run import CORE  # noqa: PLC0415 - tests of pure parts must not need every slice

    database = f"test_{secrets.token_hex(6)}"
    one = await servers.start(CORE, database=database, data_dir=folder, clock=clock, **settings)
    other = await servers.start(CORE, database=database, data_dir=folder, clock=clock, **settings)
    try:
        yield one, other
    finally:
        await one.app.mongo.drop()
        await other.stop()
        await one.stop()


@pytest.fixture(scope="package")
async def pair(clock: TurnableClock, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Two servers of one cluster."""
    async with two_servers(clock, tmp_path_factory.mktemp("chat")) as found:
        yield found


@pytest.fixture(scope="package")
def server(pair: Pair) -> Server:
    """The first of the two."""
    return pair[0]


async def account(server: Server, name: str) -> Account:
    """A stored account."""
    number, users = next(_numbers), server.service("users")
    draft: Account = await users.draft(
        username=f"{name}_{number}", email=f"{name}{number}@example.com", display_name=name.capitalize()
    )
    await users.create(draft)
    return draft


async def sign_in(person: Person) -> None:
    """Give somebody a fresh access token, for a test that has turned the clock far."""
    server = person.server
    one = await server.service("users").account(person.id)
    _, pair = await server.service("auth").book.open(one, HERE, None)
    person.tokens["accessToken"] = pair.access_token


@pytest.fixture
async def people(server: Server) -> AsyncIterator[People]:
    """`ada, bob = await people("ada", "bob")` makes accounts and signs them in (`at` another server if need be)."""
    made: list[Person] = []
    async with aiohttp.ClientSession() as session:

        async def make(*names: str, at: Server = server) -> list[Person]:
            found = []
            for name in names:
                one = await account(at, name)
                _, pair = await at.service("auth").book.open(one, HERE, None)
                answer = {"user": {"id": one.id}, "tokens": {"accessToken": pair.access_token}}
                found.append(Person(at, session, name, answer))
            made.extend(found)
            return found

        yield make
        for one in made:
            await one.close()


@pytest.fixture(scope="package")
async def crowd(server: Server) -> list[str]:
    """The ids of five hundred accounts."""
    return [(await account(server, "crowd")).id for _ in range(500)]
