"""The privacy matrix: every viewer calls every command with the ids of others' things, and hears every event.

The tables beside this file say what may come of it: `oracle.py` who may see what, `rows.py` the commands, `hears.py`
the events. They ask nothing of Mixee.
"""

import os
import secrets
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import aiohttp
import orjson
import pytest
import socketio

from run import CORE
from server import assembly
from server.edge.dispatch import parse
from storage.mongo import Mongo
from tests.contracts.privacy.hears import HEARS
from tests.contracts.privacy.knocking import Answer, Viewer, doors, filled, input_of, knock, missing, names
from tests.contracts.privacy.life import live
from tests.contracts.privacy.oracle import HOSTILE, LIVE, SHUT, WITNESSES, allowed, found_in
from tests.contracts.privacy.rows import ROWS, Row
from tests.contracts.privacy.world import World, arrive, build
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Person

COMMANDS = {command.name: command for command in assembly.commands(CORE)}
SHUT_CODES = {"unauthenticated", "session_revoked", "account_suspended"}
_numbers = count(1)


@pytest.fixture(scope="module")
def clock() -> TurnableClock:
    return TurnableClock(running=True)


@pytest.fixture(scope="module")
async def world(clock: TurnableClock, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The world, in which everybody has heard what there is to hear."""
    database, folder = f"test_{secrets.token_hex(6)}", Path(tmp_path_factory.mktemp("privacy"))
    server = await servers.start(CORE, database=database, data_dir=folder, clock=clock)
    try:
        async with aiohttp.ClientSession() as session:
            made = await build(server, session)
            await arrive(made)
            await live(made, clock)
            yield made
            for socket in made.sockets.values():
                await socket.close()
    finally:
        await server.stop()
        mongo = Mongo(os.environ[servers.MONGODB], database)
        await mongo.drop()
        await mongo.close()


def test_the_matrix_has_every_command() -> None:
    """Whoever adds a command says in `rows.py` what a stranger gets for it."""
    without = sorted(set(COMMANDS) - {row.name for row in ROWS})
    gone = sorted({row.name for row in ROWS} - set(COMMANDS))

    assert not without, (
        f"the privacy matrix does not cover {', '.join(without)}: add a row for each to"
        ' tests/contracts/privacy/rows.py, such as row("chat.get", shows="group.name"), and what it keeps private to'
        " MAY_SEE in oracle.py and to world.py"
    )
    assert not gone, f"tests/contracts/privacy/rows.py has rows of commands that are no more: {', '.join(gone)}"


def test_the_matrix_has_every_event() -> None:
    """Whoever adds an event says in `hears.py` who hears it."""
    told = {event.name for event in assembly.events(CORE)}
    without, gone = sorted(told - set(HEARS)), sorted(set(HEARS) - told)

    assert not without, (
        f"the privacy matrix does not cover the events {', '.join(without)}: say in"
        " tests/contracts/privacy/hears.py who hears each, and let it happen in life.py"
    )
    assert not gone, f"tests/contracts/privacy/hears.py has events that are no more: {', '.join(gone)}"


async def test_an_event_is_heard_by_those_whom_it_concerns_and_shows_nobody_more(world: World) -> None:
    heard: dict[str, set[str]] = {name: set() for name in HEARS}
    leaks = []
    for viewer, events in world.heard.items():
        for name, payload in events:
            heard[name].add(viewer)
            if more := found_in(orjson.dumps(payload).decode()) - allowed(viewer):
                leaks.append(f"{viewer} reads {', '.join(sorted(more))} in {name}")

    assert not leaks, "\n".join(leaks)
    assert heard == {name: set(viewers.split()) for name, viewers in HEARS.items()}


@pytest.mark.parametrize("name", WITNESSES)
async def test_those_whom_it_concerns_read_what_they_may_see_and_no_more(world: World, name: str) -> None:
    faults = await _witness(world, name)

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", HOSTILE)
async def test_nobody_reads_by_any_command_what_he_may_not_see(world: World, name: str) -> None:
    faults = await _intrude(world, name)
    if name in LIVE:
        faults += [f"after {name} has tried it all, {fault}" for fault in await _witness(world, "ada", only="http")]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", SHUT)
async def test_who_is_shut_out_does_not_connect(world: World, name: str) -> None:
    answer = {"user": {"id": ""}, "tokens": {"accessToken": world.viewer(name).token or ""}}
    person = Person(world.server, world.session, name, answer)

    with pytest.raises(socketio.exceptions.ConnectionError):
        await person.socket()


async def _witness(world: World, name: str, *, only: str = "") -> list[str]:
    """Somebody whom it concerns reads, and finds what is shown and no more than he may see; what is wrong."""
    viewer, faults = world.viewer(name), []
    for row in ROWS:
        if row.writes or (name == "moderator" and name not in row.to) or (only and not row.shows):
            continue
        command = COMMANDS[row.name]
        for door in doors(row, command, viewer):
            if only not in {"", door}:
                continue
            answer = await knock(viewer, command, filled(input_of(row, command), _ids(world, viewer)), door)
            where, found = f"{row.name} [{door}]", found_in(answer.text)
            if more := found - allowed(name) - _said(row):
                faults.append(f"{name} reads {', '.join(sorted(more))} by {where}")
            if name in row.to and (lacks := row.shows - found):
                faults.append(f"{name} does not find {', '.join(sorted(lacks))} by {where}: {answer.text[:300]}")
    return faults


async def _intrude(world: World, name: str) -> list[str]:
    """Somebody hostile calls everything, first what only reads; what is wrong."""
    viewer, faults = world.viewer(name), list[str]()
    for row in sorted(ROWS, key=lambda one: (one.last, one.writes)):
        command, compared = COMMANDS[row.name], name in row.knows
        for door in doors(row, command, viewer):
            given, ids = input_of(row, command), _ids(world, viewer)
            parse(command.input, filled(given, ids))  # a row whose input does not fit would prove nothing
            answer = await knock(viewer, command, filled(given, ids), door)
            faults += _leaks(viewer, row, answer)
            if name in SHUT and not command.public:
                if answer.code not in SHUT_CODES:
                    faults.append(f"{name} is not shut out of {row.name}: {answer.text[:200]}")
                continue
            others = {one for one in names(given) if one in world.ids}
            if others and not compared:
                compared = True  # both doors give the answer of one function
                nothing = {one: missing(ids[one]) for one in others}
                absent = await knock(viewer, command, filled(given, ids | nothing), door)
                faults += _tells(viewer, row, door, _plain(answer, ids, others), _plain(absent, nothing, others))
    return faults


def _ids(world: World, viewer: Viewer) -> dict[str, str]:
    own = {"@new.name": f"new{next(_numbers)}", "@tomorrow": "2099-01-01T00:00:00.000Z"}
    if viewer.name in LIVE:
        own |= {"@me": world.ids[f"@{viewer.name}"], "@own": world.ids[f"@own.{viewer.name}"]}
    else:
        own |= {"@me": world.ids["@stranger"], "@own": world.ids["@group"]}
    return world.ids | own


def _leaks(viewer: Viewer, row: Row, answer: Answer) -> list[str]:
    found = found_in(answer.text) - _said(row)
    expected = row.reveals.get(viewer.name, frozenset())
    where = f"{row.name} [{answer.door}]"
    faults = []
    if more := found - expected - _own(viewer):
        faults.append(f"{viewer.name} reads {', '.join(sorted(more))} by {where}: {answer.text[:300]}")
    if lacks := expected - found:
        faults.append(f"{viewer.name} does not find {', '.join(sorted(lacks))} by {where}, and the table says so")
    return faults


def _own(viewer: Viewer) -> set[str]:
    """What is somebody's own, or was said to him."""
    return {one for one in allowed(viewer.name) if not one.endswith(".card")}


def _said(row: Row) -> set[str]:
    """Secrets that the caller says himself, by looking for them."""
    return found_in(orjson.dumps(row.given).decode())


def _plain(answer: Answer, ids: dict[str, str], others: set[str]) -> str:
    text = answer.text
    for one in sorted(others):
        text = text.replace(ids[one], one).replace(ids[one].partition(":")[0], one)
    return text


def _tells(viewer: Viewer, row: Row, door: str, there: str, absent: str) -> list[str]:
    if there == absent:
        return []
    return [f"{viewer.name} can tell by {row.name} [{door}] that it exists: {there[:250]} — but {absent[:250]}"]
