"""Guessers are slowed down and made to work, and nobody shuts the owner of an account out."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from crypto.tokens import digest
from crypto.work import is_solved, solve
from handlers.auth.blocks import block_of
from tests.conftest import PASSWORD, Cluster
from tests.handlers.auth.conftest import joining
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server

Login = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]
WRONG, LATER, WORK = "auth.invalid_credentials", "rate_limited", "auth.challenge_needed"


@pytest.fixture
async def strict(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with limits, behind a proxy, on which an attack begins early and work is cheap."""
    monkeypatch.setenv("MIXEE_AUTH_ATTACK_ON_NAME", "6")
    monkeypatch.setenv("MIXEE_AUTH_ATTACK_FROM_BLOCK", "9")
    monkeypatch.setenv("MIXEE_AUTH_WORK_BITS", "6")
    monkeypatch.setenv("MIXEE_AUTH_LONGEST_DELAY_SECONDS", "60")
    return await cluster(limits="on", trusted_proxies=["127.0.0.1"])


@pytest.fixture
async def login(strict: Server) -> AsyncIterator[Login]:
    """`status, answer = await login("ada", password, "203.0.113.7")` tries to sign in from an address."""
    async with aiohttp.ClientSession() as session:
        body = joining("ada")
        async with session.post(f"{strict.url}/api/auth/register", json=body) as response:
            assert response.status == 201

        async def send(name: str, password: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
            given = {"username": name, "password": password, **more}
            headers = {"X-Forwarded-For": address}
            async with session.post(f"{strict.url}/api/auth/login", json=given, headers=headers) as response:
                return response.status, await response.json(content_type=None)

        yield send


def anywhere() -> str:
    """An address of a block of its own."""
    return f"2001:db8:{secrets.randbelow(2**16):x}::{secrets.randbelow(2**16):x}"


async def codes(login: Login, times: int, address: Callable[[], str], name: str = "ada") -> list[str]:
    return [(await login(name, "wrong wrong", address()))[1]["code"] for _ in range(times)]


async def test_each_failure_from_one_block_doubles_the_wait(login: Login, clock: TurnableClock) -> None:
    hosts = iter(range(1, 200))

    def neighbour() -> str:
        return f"203.0.113.{next(hosts)}"

    with clock.still():
        assert await codes(login, 3, neighbour) == [WRONG] * 3
        waits = []
        for _ in range(2):
            _, refused = await login("ada", PASSWORD, neighbour())
            waits.append(refused["retryAfterMs"])
            clock.advance(milliseconds=waits[-1])
            assert await codes(login, 1, neighbour) == [WRONG]
        waits.append((await login("ada", PASSWORD, neighbour()))[1]["retryAfterMs"])
        clock.advance(milliseconds=waits[-1])
        status, _ = await login("ada", PASSWORD, neighbour())

    assert waits == [5883, 11765, 23530]
    assert status == 200


async def test_the_owner_comes_in_from_elsewhere_while_somebody_guesses(login: Login) -> None:
    hosts = iter(range(1, 200))
    assert await codes(login, 4, lambda: f"203.0.113.{next(hosts)}") == [WRONG] * 3 + [LATER]

    status, _ = await login("ada", PASSWORD, "198.51.100.7")

    assert status == 200


async def test_under_attack_from_everywhere_the_owner_works_and_comes_in(login: Login) -> None:
    assert await codes(login, 6, anywhere) == [WRONG] * 6

    status, refused = await login("ada", PASSWORD, anywhere())
    challenge, bits = refused["data"]["challenge"], refused["data"]["bits"]
    work = {"challenge": challenge, "answer": solve(challenge, bits)}
    done = await login("ada", PASSWORD, anywhere(), proofOfWork=work)
    again = await login("ada", PASSWORD, anywhere(), proofOfWork=work)

    assert (status, refused["code"], bits) == (403, WORK, 6)
    assert done[0] == 200
    assert again[1]["code"] == WORK


async def test_work_is_for_one_name_one_challenge_and_five_minutes(login: Login, clock: TurnableClock) -> None:
    await codes(login, 6, anywhere)
    await codes(login, 6, anywhere, name="bob")

    async def challenge(name: str) -> str:
        return str((await login(name, PASSWORD, anywhere()))[1]["data"]["challenge"])

    async def tried(given: str, answer: str) -> str:
        work = {"challenge": given, "answer": answer}
        return str((await login("ada", PASSWORD, anywhere(), proofOfWork=work))[1].get("code"))

    hers, his, late = await challenge("ada"), await challenge("bob"), await challenge("ada")
    forged = hers[:-1] + ("A" if hers[-1] != "A" else "B")
    lighter = hers.replace("6-", "1-", 1)
    lazy = next(str(number) for number in range(1000) if not is_solved(hers, str(number), 6))

    for given, answer in (
        (his, solve(his, 6)),
        (forged, solve(forged, 6)),
        (lighter, solve(lighter, 6)),
        (hers, lazy),
        ("made-up", solve("made-up", 6)),
    ):
        assert await tried(given, answer) == WORK
    clock.advance(minutes=5)
    assert await tried(late, solve(late, 6)) == WORK


async def test_one_proof_of_work_at_once_is_good_for_one_guess(login: Login) -> None:
    await codes(login, 6, anywhere)
    _, refused = await login("ada", PASSWORD, anywhere())
    work = {"challenge": refused["data"]["challenge"], "answer": solve(refused["data"]["challenge"], 6)}

    answers = await asyncio.gather(*(login("ada", "wrong wrong", anywhere(), proofOfWork=work) for _ in range(4)))

    assert sorted(answer["code"] for _, answer in answers) == sorted([WRONG] + [WORK] * 3)


async def test_a_block_that_tries_many_names_must_work(login: Login) -> None:
    hosts = iter(range(1, 200))
    found = []
    for number in range(10):
        found += await codes(login, 1, lambda: f"203.0.113.{next(hosts)}", name=f"name{number}")

    assert found == [WRONG] * 9 + [WORK]
    assert (await login("ada", PASSWORD, "198.51.100.7"))[0] == 200


async def test_more_of_an_attack_asks_for_more_work(login: Login) -> None:
    await codes(login, 6, anywhere)
    asked = []
    for _ in range(7):
        _, refused = await login("ada", "wrong wrong", anywhere())
        challenge, bits = refused["data"]["challenge"], refused["data"]["bits"]
        asked.append(bits)
        work = {"challenge": challenge, "answer": solve(challenge, bits)}
        assert (await login("ada", "wrong wrong", anywhere(), proofOfWork=work))[1]["code"] == WRONG

    assert asked == [6] * 6 + [7]


async def test_what_is_counted_is_forgotten(login: Login, strict: Server) -> None:
    """Redis forgets by its own clock: that of a name after an hour, the others after a day at most."""
    await codes(login, 2, lambda: "203.0.113.7")
    redis = strict.app.redis
    begun = f"{strict.app.namespace}:failures:"
    name = digest("ada")[:32]

    left = [await redis.pttl(f"{begun}{key}") for key in (name, "@203.0.113.0/24", f"{name}:203.0.113.0/24")]

    assert 0 < left[0] <= 3_600_000
    assert 0 < left[1] <= 3_600_000
    assert 3_600_000 < left[2] <= 86_400_000


async def test_whether_there_is_such_an_account_shows_in_nothing(login: Login) -> None:
    """The same answers in the same order, for a name with an account and for one without."""
    seen = {}
    for name, block in (("ada", "203.0.113"), ("nobody", "198.51.100")):
        answers = [await login(name, "wrong wrong", f"{block}.{host}") for host in range(1, 5)]
        answers += [await login(name, "wrong wrong", anywhere()) for _ in range(4)]
        plain = []
        for status, answer in answers:
            answer.pop("retryAfterMs", None)
            if "data" in answer:
                answer["data"] = sorted(answer["data"]), answer["data"]["bits"]
            answer["message"] = answer["message"].split(" wait")[0]
            plain.append((status, answer))
        seen[name] = plain

    assert seen["ada"] == seen["nobody"]
    assert [answer["code"] for _, answer in seen["ada"]] == [WRONG] * 3 + [LATER] + [WRONG] * 3 + [WORK]


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_an_address_belongs_to_a_block(address: str, block: str) -> None:
    assert block_of(address) == block
