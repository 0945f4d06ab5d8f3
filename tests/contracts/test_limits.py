"""The limits of the messaging rules, section 5, through the real doors: allowed up to it, refused past it, recovered.

Whatever a request names, it counts before it is looked at: so most rows ask for what does not exist, and `allowed`
means that the answer is not `rate_limited`. Limits that a service takes are tried with what exists.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crypto.ids import made_at, new_id
from run import CORE
from server.actors import Actor, Caller
from server.assembly import commands
from server.edge.limits import Limiter
from server.errors import RateLimited, Unavailable
from server.routes import Command
from storage.redis import connect
from tests.conftest import PASSWORD
from tests.handlers.chat.conftest import account, sign_in
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Socket, befriend
from tests.harness.servers import Server

HOUR, DAY = 3_600, 86_400

ROWS: dict[str, tuple[str, int, float, dict[str, Any]]] = {
    "messages per conversation": ("chat.send", 10, 2, {"conversationId": "same", "type": "text", "content": "x"}),
    "messages per person": ("chat.send", 20, 1, {"conversationId": "new", "type": "text", "content": "x"}),
    "read": ("chat.read", 20, 1 / 3, {"conversationId": "new", "upToSeq": 1}),
    "delivered": ("chat.delivered", 20, 1 / 3, {"conversationId": "new", "upToSeq": 1}),
    "reactions": ("chat.react", 10, 1, {"messageId": "new:1", "emoji": "👍"}),
    "edits": ("chat.edit", 10, 1, {"messageId": "new:1", "content": "x"}),
    "presence set": ("presence.update", 5, 12, {"status": "online"}),
    "joins per person": ("chat.join", 10, 10, {"token": "x" * 43}),
    "group adds per person": ("chat.add_participants", 10, 1 / 0.3, {"conversationId": "new", "userIds": ["same"]}),
    "friend requests in an hour": ("social.request", 5, HOUR / 5, {"recipientId": "new"}),
    "linking a device": ("push.register", 6, 120, {"platform": "webpush", "token": "x"}),
    "reports of messages": ("safety.report", 20, DAY / 20, {"conversationId": "new", "reason": "spam"}),
    "reports of people": ("users.report", 20, DAY / 20, {"userId": "new", "reason": "spam"}),
}
"""By rule: the command, how many at once, seconds until one more, and what is sent (`new`: another id each time)."""


@dataclass(frozen=True)
class Answer:
    """What a door says: a code, None when it was done, and over HTTP the headers."""

    code: str | None
    wait: int
    headers: Mapping[str, str]

    @property
    def limited(self) -> bool:
        """Whether a limit refused it."""
        return self.code == "rate_limited"


class Doors:
    """One of the two doors of a server, for several people."""

    def __init__(self, kind: str, http: aiohttp.ClientSession) -> None:
        self.kind = kind
        self._http = http
        self._sockets: dict[str, Socket] = {}

    async def __call__(self, who: Person, name: str, given: Mapping[str, Any]) -> Answer:
        """Ask for a command."""
        command, sent = named(name), filled(given)
        if self.kind == "socket":
            return await self._emit(who, command, sent)
        path = command.path or ""
        for placeholder in command.placeholders:
            path = path.replace(f"{{{placeholder}}}", str(sent.pop(placeholder)))
        options: dict[str, Any] = {"params": sent} if command.method == "GET" else {"json": sent}
        return await http(self._http, command.method or "", who.server.url + path, token=who.token, **options)

    async def later(self, who: Person, clock: TurnableClock, milliseconds: int) -> None:
        """Turn the clock; whose token has ended meanwhile signs in again."""
        clock.advance(milliseconds=milliseconds)
        if milliseconds > 1_800_000:
            await sign_in(who)
            self._sockets.pop(who.id, None)

    async def _emit(self, who: Person, command: Command, sent: dict[str, Any]) -> Answer:
        if who.id not in self._sockets:
            self._sockets[who.id] = await who.socket()
        answer = await self._sockets[who.id].call(command.event or "", sent)
        error = answer.get("error", {})
        return Answer(error.get("code"), error.get("retryAfterMs", 0), {})


def named(name: str) -> Command:
    """A command by its name."""
    return next(one for one in commands(CORE) if one.name == name)


SAME = new_id()


def filled(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent, with ids in it."""
    words = {"new": new_id(), "new:1": f"{new_id()}:1", "same": SAME}
    return {
        name: [words.get(one, one) for one in value]
        if isinstance(value, list)
        else words.get(value, value)
        if isinstance(value, str)
        else value
        for name, value in given.items()
    }


async def http(session: aiohttp.ClientSession, method: str, url: str, *, token: str = "", **options: Any) -> Answer:
    """A request, as it is answered."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"X-Forwarded-For": options.pop("address")} if "address" in options else {}
    async with session.request(method, url, headers=headers, **options) as response:
        raw = await response.read()
        body = await response.json(content_type=None) if raw else {}
        failed = response.status >= 400
        return Answer(body["code"] if failed else None, body.get("retryAfterMs", 0) if failed else 0, response.headers)


@pytest.fixture(scope="module")
def clock() -> TurnableClock:
    """It stands still, so that nothing comes back by itself; whoever is made now is more than a week old."""
    return TurnableClock(datetime.now(UTC) + timedelta(days=8))


Start = Callable[[TurnableClock], Awaitable[Server]]


@pytest.fixture(scope="module")
async def start(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Start]:
    """`await start(clock)` starts a server that counts, behind a proxy that names the address of who asks."""
    running: list[Server] = []

    async def one(clock: TurnableClock) -> Server:
        running.append(
            await servers.start(
                CORE,
                database=f"test_{secrets.token_hex(6)}",
                data_dir=Path(tmp_path_factory.mktemp("limits")),
                clock=clock,
                limits="on",
                trusted_proxies=["127.0.0.1"],
            )
        )
        return running[-1]

    yield one
    for server in running:
        await server.app.mongo.drop()
        await server.stop()


@pytest.fixture(scope="module")
async def strict(start: Start, clock: TurnableClock) -> Server:
    """A server for accounts that are a week old."""
    return await start(clock)


@pytest.fixture(scope="module")
async def young(start: Start) -> Server:
    """A server for accounts that were made a moment ago."""
    return await start(TurnableClock(datetime.now(UTC) + timedelta(minutes=5)))


People = Callable[..., Awaitable[list[Person]]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


@pytest.fixture
async def people(session: aiohttp.ClientSession, clock: TurnableClock) -> AsyncIterator[People]:
    """`await people(server, 2)` makes accounts."""
    made: list[Person] = []
    clock.advance(seconds=120)  # the connections of the test before do not count

    async def make(server: Server, count: int) -> list[Person]:
        found = []
        for _ in range(count):
            one = await account(server, "limited")
            person = Person(server, session, one.username, {"user": {"id": one.id}, "tokens": {"accessToken": ""}})
            await sign_in(person)
            found.append(person)
        made.extend(found)
        return found

    yield make
    for one in made:
        await one.close()


@pytest.fixture(params=["http", "socket"])
def door(request: pytest.FixtureRequest, session: aiohttp.ClientSession) -> Doors:
    return Doors(request.param, session)


@pytest.mark.parametrize("row", ROWS)
async def test_a_limit_allows_its_burst_then_refuses_and_recovers(
    strict: Server, clock: TurnableClock, people: People, door: Doors, row: str
) -> None:
    name, burst, seconds, given = ROWS[row]
    ada, bob = await people(strict, 2)

    at_once = [await door(ada, name, given) for _ in range(burst)]
    past = await door(ada, name, given)
    other = await door(bob, name, given)
    await door.later(ada, clock, past.wait - 1)
    early = await door(ada, name, given)
    await door.later(ada, clock, 1)
    again = [await door(ada, name, given) for _ in range(2)]

    assert [answer.limited for answer in at_once] == [False] * burst
    assert (past.limited, other.limited) == (True, False)
    assert abs(past.wait - seconds * 1000) <= 0.5 * burst + 1  # the counter holds whole milliseconds, rounded at each
    assert (early.limited, early.wait) == (True, 1)
    assert [answer.limited for answer in again] == [False, True]


async def test_every_answer_over_http_says_how_the_limit_stands(strict: Server, people: People, session: Any) -> None:
    ada, *_ = await people(strict, 1)
    door = Doors("http", session)

    answers = [await door(ada, "presence.update", {"status": "online"}) for _ in range(6)]

    left = [(one.code, one.headers["X-RateLimit-Limit"], one.headers["X-RateLimit-Remaining"]) for one in answers]
    assert left == [*((None, "5", str(n)) for n in (4, 3, 2, 1, 0)), ("rate_limited", "5", "0")]
    first, last = answers[0].headers, answers[-1].headers
    assert (first["X-RateLimit-Reset-After"], last["X-RateLimit-Reset-After"]) == ("12.000", "60.000")
    assert (first["X-RateLimit-Bucket"], first["X-RateLimit-Scope"]) == ("presence", "user")
    assert ("Retry-After" in first, last["Retry-After"]) == (False, "12")


async def test_an_account_of_less_than_a_day_says_less(young: Server, people: People, door: Doors) -> None:
    ada, *_ = await people(young, 1)
    given = {"conversationId": "new", "type": "text", "content": "x"}

    answers = [await door(ada, "chat.send", given) for _ in range(6)]

    assert [one.limited for one in answers] == [False] * 5 + [True]
    assert abs(answers[-1].wait - 5_000) <= 5


async def test_a_new_account_begins_five_conversations_with_strangers_a_day_and_an_older_one_twenty(
    young: Server, strict: Server, people: People, door: Doors
) -> None:
    for server, most in ((young, 5), (strict, 20)):
        ada, friend, *others = await people(server, most + 3)
        await befriend(ada, friend)

        found = [await door(ada, "chat.create", {"type": "direct", "participantIds": [one.id]}) for one in others]
        known = await door(ada, "chat.create", {"type": "direct", "participantIds": [others[0].id]})
        among_friends = await door(ada, "chat.create", {"type": "direct", "participantIds": [friend.id]})

        assert [one.code for one in found] == [None] * most + ["rate_limited"]
        assert abs(found[-1].wait - DAY / most * 1000) <= most
        assert (known.code, among_friends.code) == (None, None)


async def test_strangers_bring_somebody_into_five_groups_at_once_whoever_they_are(
    strict: Server, clock: TurnableClock, people: People, door: Doors
) -> None:
    bob, friend, *others = await people(strict, 9)
    await befriend(bob, friend)
    wanted = {"type": "group", "name": "Crew", "participantIds": [bob.id]}

    found = [await door(one, "chat.create", wanted) for one in others[:6]]
    by_friend = await door(friend, "chat.create", wanted)
    clock.advance(milliseconds=found[-1].wait)
    later = [await door(one, "chat.create", wanted) for one in others[5:]]

    assert [one.code for one in found] == [None] * 5 + ["rate_limited"]
    assert abs(found[-1].wait - 333_000) <= 5
    assert (by_friend.code, [one.code for one in later]) == (None, [None, "rate_limited"])


async def test_a_group_takes_ten_who_come_by_link_and_ten_additions_at_once(
    strict: Server, people: People, door: Doors
) -> None:
    ada, *others = await people(strict, 12)
    group = await ada.ask("POST", "/api/conversations", {"type": "group", "name": "Crew"})
    link = await ada.ask("POST", f"/api/conversations/{group['id']}/links", {})

    joined = [await door(one, "chat.join", {"token": link["token"]}) for one in others]
    adding = {"conversationId": group["id"], "userIds": [others[0].id]}
    await ada.ask("PUT", f"/api/conversations/{group['id']}/permissions", {"invite": True})
    added = [await door((ada, others[1])[n % 2], "chat.add_participants", adding) for n in range(11)]

    assert [one.code for one in joined] == [None] * 10 + ["rate_limited"]
    assert abs(joined[-1].wait - 1_000) <= 10
    assert [one.code for one in added] == [None] * 10 + ["rate_limited"]
    assert abs(added[-1].wait - 3_333) <= 10


async def test_a_hundred_names_are_looked_up_then_one_every_quarter_of_an_hour(
    strict: Server, clock: TurnableClock, people: People, door: Doors
) -> None:
    ada, *_ = await people(strict, 1)

    found = []
    for number in range(101):
        found.append((await door(ada, "users.search", {"q": f"name{number}"})).limited)
        clock.advance(seconds=1)  # searches of any kind: 30 at once and one a second
    near = await door(ada, "users.search", {"location": "-33.9,18.4"} if door.kind == "http" else PLACE)

    assert found == [False] * 100 + [True]
    assert not near.limited


PLACE = {"location": [-33.9, 18.4]}


async def test_three_failed_sign_ins_are_enough_for_six_seconds_and_success_costs_nothing(
    strict: Server, clock: TurnableClock, session: aiohttp.ClientSession
) -> None:
    email, url = f"{secrets.token_hex(6)}@example.com", strict.url + "/api/auth/"
    person = {"username": f"u{secrets.token_hex(6)}", "displayName": "Ada", "acceptTerms": True}
    await http(
        session, "POST", f"{url}register", json=person | {"email": email, "password": PASSWORD}, address="192.0.2.1"
    )

    async def login(password: str, address: str = "192.0.2.2") -> Answer:
        given = {"email": email, "password": password}
        return await http(session, "POST", f"{url}login", json=given, address=address)

    right = [await login(PASSWORD), await login(PASSWORD)]
    clock.advance(seconds=1000)
    wrong = [await login("not the password") for _ in range(4)]
    elsewhere = await login(PASSWORD, "192.0.2.3")
    clock.advance(milliseconds=wrong[-1].wait)
    later = await login(PASSWORD)

    assert [one.code for one in right] == [None, None]
    assert [one.code for one in wrong] == ["auth.invalid_credentials"] * 3 + ["rate_limited"]
    assert abs(wrong[-1].wait - 1000 / 0.17) <= 5
    assert (elsewhere.code, later.code) == ("rate_limited", None)


FROM_OUTSIDE: dict[str, tuple[str, int, float, str]] = {
    "sign-in by address": ("login", 5, 333, "new"),
    "registration by address": ("register", 3, 60, "nonsense"),
    "letters to one address": ("forgot-password", 5, HOUR / 5, "same"),
}


@pytest.mark.parametrize("row", FROM_OUTSIDE)
async def test_what_strangers_do_to_accounts_is_limited_by_address_or_target(
    strict: Server, clock: TurnableClock, session: aiohttp.ClientSession, row: str
) -> None:
    name, burst, seconds, target = FROM_OUTSIDE[row]
    here, there = "198.51.100.1", "198.51.100.2"
    same = f"{secrets.token_hex(6)}@example.com"

    async def ask(address: str) -> Answer:
        email = {"same": same, "new": f"{secrets.token_hex(6)}@example.com"}.get(target, target)
        given = {"email": email} | ({"password": "x"} if name == "login" else {})
        return await http(session, "POST", f"{strict.url}/api/auth/{name}", json=given, address=address)

    at_once = [await ask(here) for _ in range(burst)]
    past, other = await ask(here), await ask(there)
    clock.advance(milliseconds=past.wait)
    again = await ask(here)

    assert [one.limited for one in at_once] == [False] * burst
    assert (past.limited, other.limited, again.limited) == (True, target == "same", False)
    assert abs(past.wait - seconds * 1000) <= burst
    assert past.headers["X-RateLimit-Remaining"] == "0"


async def test_a_connection_sends_sixty_events_at_once_then_ten_a_second_and_is_closed_when_it_does_not_stop(
    strict: Server, clock: TurnableClock, people: People
) -> None:
    (ada,) = await people(strict, 1)
    socket = await ada.socket()

    found = [(await socket.call("no-such-event", {}))["error"] for _ in range(61)]
    clock.advance(milliseconds=100)
    later = [(await socket.call("no-such-event", {}))["error"]["code"] for _ in range(2)]
    for _ in range(300):
        await socket.client.emit("no-such-event", {})
    await socket.closed.wait()

    assert [one["code"] for one in found] == ["not_found"] * 60 + ["rate_limited"]
    assert found[-1]["retryAfterMs"] == 100
    assert later == ["not_found", "rate_limited"]


async def test_without_redis_spam_is_refused_and_messages_are_counted_by_the_process_alone() -> None:
    clock = TurnableClock(datetime.now(UTC) + timedelta(days=8))
    limiter = Limiter(connect("redis://127.0.0.1:1/0"), clock, namespace="none", on=True)
    actor = Actor(new_id(), "user", frozenset(), new_id(), new_id(), clock.now() + timedelta(days=1))
    caller = Caller("http", "192.0.2.7")

    async def take(name: str) -> str:
        try:
            await limiter.take(named(name), actor, caller, {"conversationId": SAME, "email": "a@example.com"})
        except (RateLimited, Unavailable) as error:
            return error.code
        return "allowed"

    assert [await take("chat.send") for _ in range(11)] == ["allowed"] * 10 + ["rate_limited"]
    assert [await take(name) for name in ("auth.login", "auth.register")] == ["unavailable"] * 2


def test_an_id_says_when_it_was_made() -> None:
    made = made_at(new_id())

    assert made is not None
    assert abs(datetime.now(UTC) - made) < timedelta(seconds=5)
    assert made_at("7d444840-9dc0-11d1-b245-5ffdce74fad2") is made_at("nobody") is None
