"""Manifests that do not fit together are refused before anything starts, every fault by name."""

from datetime import timedelta
from typing import Any

import pytest

from server import assembly
from server.actors import Actor, Authenticator
from server.content import Content
from server.events import Event
from server.models import Nothing
from server.routes import Routes
from server.slices import Hears, Personal, Slice, Stored
from tests.server import notes
from tests.server.notes import Note, Notes, NoteTaken, slice_of


def faults(*slices: Slice[Any]) -> str:
    with pytest.raises(assembly.ManifestError) as refused:
        assembly.check(slices)
    return str(refused.value)


def test_slices_that_agree_pass() -> None:
    assembly.check([slice_of()])


def test_everything_that_is_declared_twice_is_named() -> None:
    told = faults(slice_of(), slice_of())

    for fault in (
        "slice notes is declared 2 times",
        "address POST /api/notes is declared 2 times",
        "socket event note:write is declared 2 times",
        "event note:new is declared 2 times",
        "collection notes is declared 2 times",
        "permission notes:write is declared 2 times",
        "job notes.count is declared 2 times",
        "port Authenticator is declared 2 times",
    ):
        assert fault in told


def test_a_slice_is_built_after_those_that_it_needs() -> None:
    assert "notes needs users, which is not built before it" in faults(slice_of(needs=("users",)))


def test_a_port_needs_somebody_who_answers() -> None:
    assert "notes asks Authenticator, which no slice provides" in faults(slice_of(provides={}, asks=(Authenticator,)))


def test_a_permission_must_be_declared() -> None:
    assert "notes.write needs notes:write, which no slice declares" in faults(slice_of(permissions=()))


def test_an_error_code_must_be_declared() -> None:
    assert "notes.write answers NoteTaken, which its slice does not declare" in faults(slice_of(errors=()))


def test_what_a_needed_slice_refuses_may_be_passed_on() -> None:
    asked = slice_of()
    asking = Routes("asking")

    @asking.command("POST /api/asking", public=True, errors=(NoteTaken,))
    async def ask(notes: Notes, body: Nothing) -> None:
        """Ask the notes."""

    other: dict[str, Any] = {"name": "asking", "service": Notes, "build": asked.build, "routes": asking}

    assembly.check([asked, Slice(**other, needs=("notes",))])
    with pytest.raises(assembly.ManifestError, match=r"asking\.ask answers NoteTaken"):
        assembly.check([asked, Slice(**other)])


def test_personal_data_that_is_kept_needs_a_reason() -> None:
    kept = Stored("notes", Personal(("author",), "keep"))

    assert "keeps personal data after erasure and gives no reason" in faults(slice_of(collections=(kept,)))


def test_an_engine_collection_cannot_be_taken() -> None:
    assert "collection outbox is declared 2 times" in faults(slice_of(collections=(Stored("outbox", None),)))


def test_an_event_is_documented_and_well_named() -> None:
    class Silent(Event[Note], name="Silent_Event"):
        pass

    told = faults(slice_of(events=(notes.NoteNew, notes.NoteKept, Silent)))

    assert "event Silent_Event has no docstring" in told
    assert "event name Silent_Event must be like message:new" in told


def test_a_slice_hears_only_what_some_slice_tells() -> None:
    class Foreign(Event[Note], name="foreign:event"):
        """Told by nobody."""

    assert "notes hears " in faults(slice_of(hears=(Hears(Foreign, notes.hear),)))


def test_a_command_names_a_permission_or_says_that_it_is_public() -> None:
    with pytest.raises(TypeError, match="public=True"):
        Routes("x").command("GET /api/x")


def test_a_public_command_has_no_session_that_could_be_fresh() -> None:
    with pytest.raises(TypeError, match="could be fresh"):
        Routes("x").command("GET /api/x", public=True, fresh=timedelta(minutes=10))


def test_a_public_command_must_expect_that_there_is_no_actor() -> None:
    async def handler(notes: Notes, actor: Actor) -> Note:
        """Do something."""
        return await notes.write(actor, notes.NewNote(text="x"))  # type: ignore[attr-defined]

    with pytest.raises(TypeError, match="its actor may be missing"):
        Routes("x").command("GET /api/x", public=True)(handler)


def test_a_command_about_bytes_says_how_many_and_has_no_event() -> None:
    async def taker(notes: Notes, content: bytes) -> None:
        """Take bytes."""
        await notes.notes.count({"content": content})

    async def giver(notes: Notes) -> Content:
        """Give bytes."""
        return Content(type="text/plain", size=0, etag="x", read=notes.read)  # type: ignore[attr-defined]

    with pytest.raises(TypeError, match="how many bytes"):
        Routes("x").command("POST /api/x", public=True)(taker)
    with pytest.raises(TypeError, match="cannot have an event"):
        Routes("x").command("POST /api/x", event="x:y", public=True, takes=10)(taker)
    with pytest.raises(TypeError, match="its method must be one of POST, PUT, PATCH"):
        Routes("x").command("GET /api/x", public=True, takes=10)(taker)
    with pytest.raises(TypeError, match="cannot have an event"):
        Routes("x").command("GET /api/x", event="x:y", public=True)(giver)


def test_a_command_needs_a_docstring_a_door_and_fields_for_its_placeholders() -> None:
    async def silent(notes: Notes) -> None:
        await notes.notes.count({})

    async def lost(notes: Notes) -> None:
        """Do something with a thing."""
        await notes.notes.count({})

    with pytest.raises(TypeError, match="docstring"):
        Routes("x").command("GET /api/x", public=True)(silent)
    with pytest.raises(TypeError, match="has no door"):
        Routes("x").command(public=True)(lost)
    with pytest.raises(TypeError, match="no field for"):
        Routes("x").command("GET /api/x/{thingId}", public=True)(lost)
    with pytest.raises(TypeError, match="must be a method and a path"):
        Routes("x").command("FETCH /api/x", public=True)(lost)
