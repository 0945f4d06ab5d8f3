"""Durable events are heard at least once, whatever dies or fails on the way."""

from datetime import timedelta

import pytest

from server.events import Nobody, Users
from server.slices import Hears
from storage.outbox import Letter, Outbox
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server
from tests.server.conftest import Engine, notes_of
from tests.server.notes import NewNote, Note, NoteKept, NoteNew, NoteTaken, hear_at_once


async def _write(server: Server, text: str) -> None:
    actor = await notes_of(server).actor("user:ada")
    await server.app.mongo.transact(lambda: notes_of(server).write(actor, NewNote(text=text)))
    await server.app.relay.settle()


async def test_a_durable_event_is_heard_once_and_leaves_the_outbox(engine: Engine) -> None:
    server = await engine()

    await _write(server, "hello")

    assert notes_of(server).heard == ["hello"]
    assert await Outbox(server.app.mongo).waiting() == 0


async def test_an_event_of_a_unit_that_fails_is_neither_heard_nor_kept(engine: Engine) -> None:
    server = await engine()

    with pytest.raises(NoteTaken):
        await _write(server, "taken")

    assert notes_of(server).heard == []
    assert await Outbox(server.app.mongo).waiting() == 0


async def test_a_hearer_that_fails_hears_it_again_later(engine: Engine, clock: TurnableClock) -> None:
    server = await engine()
    notes_of(server).fail_hearing = 2

    await _write(server, "hello")
    first = list(notes_of(server).heard)
    clock.advance(seconds=3)
    await server.app.relay.sweep()
    second = list(notes_of(server).heard)
    clock.advance(seconds=5)
    await server.app.relay.sweep()

    assert (first, second, notes_of(server).heard) == ([], [], ["hello"])
    assert await Outbox(server.app.mongo).waiting() == 0


async def test_what_a_dead_process_left_in_the_outbox_another_takes_up(engine: Engine, clock: TurnableClock) -> None:
    server = await engine()
    payload = {"id": "1", "author": "ada", "text": "left behind"}
    outbox = Outbox(server.app.mongo)
    await outbox.add(Letter("e1", "note:kept", payload, clock.now(), 0))
    taken_by_the_dead = await outbox.take(now=clock.now(), span=timedelta(seconds=30))

    await server.app.relay.sweep()
    at_once = list(notes_of(server).heard)
    clock.advance(seconds=31)
    await server.app.relay.sweep()

    assert taken_by_the_dead is not None
    assert (at_once, notes_of(server).heard) == ([], ["left behind"])


async def test_an_event_that_no_slice_hears_takes_no_place_in_the_outbox(engine: Engine) -> None:
    server = await engine()
    note = Note(id="1", author="ada", text="x")

    await server.app.relay.publish(NoteNew(note, to=Users([])))

    assert await Outbox(server.app.mongo).waiting() == 0


async def test_publishing_outside_a_unit_is_told_at_once(engine: Engine) -> None:
    server = await engine()
    note = Note(id="1", author="ada", text="x")

    await server.app.relay.publish(NoteKept(note, to=Nobody()))
    await server.app.relay.settle()

    assert notes_of(server).heard == ["x"]


async def test_what_is_heard_at_once_was_heard_when_it_is_told_and_a_fault_of_it_harms_nobody(engine: Engine) -> None:
    server = await engine()

    for text in ("deaf", "x"):
        await server.app.relay.publish(NoteNew(Note(id="1", author="ada", text=text), to=Users(["ada"])))

    assert notes_of(server).heard_at_once == ["deaf", "x"]


def test_a_durable_event_cannot_be_heard_at_once() -> None:
    with pytest.raises(TypeError, match="durable"):
        Hears(NoteKept, hear_at_once, at_once=True)
