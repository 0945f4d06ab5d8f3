"""Short ways to say what people do with each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.harness.people import Person, Refusal


async def ask(one: Person, other: Person, **more: Any) -> Any:
    """One asks the other to be friends."""
    return await one.ask("POST", "/api/friends/request", {"recipientId": other.id, **more})


async def befriend(one: Person, other: Person) -> str:
    """The two are friends from now on; the id of the friendship."""
    asked = await ask(one, other)
    await other.ask("PUT", f"/api/friends/{asked['id']}/accept")
    return str(asked["id"])


async def block(one: Person, other: Person, **more: Any) -> Any:
    """One blocks the other."""
    return await one.ask("POST", f"/api/users/{other.id}/block", more or None)


async def friends(person: Person, **which: str) -> list[Any]:
    """A page of somebody's friendships."""
    found: list[Any] = (await person.ask("GET", "/api/friends", params=which))["friends"]
    return found


async def friends_count(person: Person) -> int:
    """How many friends the account counts."""
    return int((await person.ask("GET", "/api/users/me"))["friendsCount"])


@contextmanager
def refused(code: str) -> Iterator[None]:
    """What happens inside is refused with this code."""
    with pytest.raises(Refusal) as refusal:
        yield
    assert refusal.value.code == code
