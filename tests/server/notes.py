"""A small slice for tests of the engine alone: people write notes; a token is simply `user:<name>`."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from crypto.ids import new_id
from server.actors import Actor, Authenticator
from server.errors import Conflict, Unauthenticated
from server.events import Event, Members, Nobody, Users
from server.hub.connections import Connection
from server.hub.frames import Frame
from server.hub.hub import frame_of
from server.jobs import Job
from server.models import Id, Input, Nothing, Output, Text
from server.routes import Limit, Pending, Routes
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored
from storage.mongo import IndexModel

Short = Annotated[Text, Field(min_length=1, max_length=20)]


class NotesSettings(BaseModel):
    most: int = Field(100, description="Notes that one person may keep.")


class NewNote(Input):
    text: Short
    to: list[str] = Field(default_factory=list, max_length=10)


class OneNote(Input):
    note_id: Id


class Find(Input):
    text: Short | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    exact: bool = False
    among: list[str] = Field(default_factory=list, max_length=5)


class Position(Input):
    thread: Short
    seq: Annotated[int, Field(ge=1)]
    to: list[str]
    spread: bool = False


class Note(Output):
    id: str
    author: str
    text: str


class Found(Output):
    limit: int
    exact: bool
    among: list[str]
    notes: list[Note]


class NoteNew(Event[Note], name="note:new"):
    """Somebody wrote a note."""


class NoteKept(Event[Note], name="note:kept", durable=True):
    """A note is safe."""


class Step(Output):
    thread: str
    seq: int


class Stepped(Event[Step], name="note:step"):
    """Something happened in a thread."""


class NoteTaken(Conflict):
    code = "notes.taken"


class Notes:
    """The service."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.notes = kit.collection("notes")
        self.heard: list[str] = []
        self.heard_at_once: list[str] = []
        self.fail_hearing = 0
        self.fresh: set[str] = set()
        self.seen: list[tuple[str, str]] = []
        self.jobs = 0
        self.most = kit.settings(NotesSettings).most
        self.log: dict[tuple[str, int], Frame] = {}
        self.large: dict[str, list[str]] = {}
        self.filled: list[tuple[str, int, int]] = []
        kit.fills(self.fill, self.heads)

    async def actor(self, token: str) -> Actor:
        kind, _, name = token.partition(":")
        if kind not in {"user", "guest"} or not name:
            raise Unauthenticated("That is no token.")
        scope = frozenset({"notes:write"}) if kind == "user" else frozenset()
        until = self.kit.clock.now() + timedelta(hours=1)
        return Actor(name, "user", scope, f"session-{name}", "device", until)

    async def is_fresh(self, actor: Actor, within: timedelta) -> bool:
        return actor.user_id in self.fresh

    async def write(self, actor: Actor, new: NewNote) -> Note:
        note = Note(id=new_id(), author=actor.user_id, text=new.text)
        await self.notes.insert({"_id": note.id, "author": note.author, "text": note.text})
        await self.kit.publish(NoteKept(note, to=Nobody()))
        await self.kit.publish(NoteNew(note, to=Users([*new.to, actor.user_id])))
        if new.text == "explode":
            raise ZeroDivisionError("a bug with a secret in it")
        if new.text == "taken":
            raise NoteTaken("That note is taken.")
        return note

    async def find(self, found: Find) -> Found:
        where = {} if found.text is None else {"text": found.text}
        documents = await self.notes.find(where, limit=found.limit)
        notes = [Note(id=one["_id"], author=one["author"], text=one["text"]) for one in documents]
        return Found(limit=found.limit, exact=found.exact, among=found.among, notes=notes)

    async def fill(self, thread: str, first: int, last: int) -> Sequence[Frame]:
        self.filled.append((thread, first, last))
        return [self.log[thread, seq] for seq in range(first, last + 1)]

    async def heads(self, threads: Sequence[str]) -> dict[str, int]:
        return {one: max((seq for thread, seq in self.log if thread == one), default=0) for one in threads}

    async def gather(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        return {one: self.large.get(one, []) for one in user_ids}

    async def step(self, position: Position) -> Step:
        step = Step(thread=position.thread, seq=position.seq)
        event = Stepped(step, to=Members(position.thread, position.seq, position.to, spread=position.spread))
        frame = frame_of(event.name, step, event.to)
        assert frame
        self.log[position.thread, position.seq] = frame
        await self.kit.publish(event)
        return step

    async def connected(self, connection: Connection) -> None:
        self.seen.append(("in", connection.user_id))

    async def greet(self, actor: Actor) -> Sequence[Event[Any]]:
        return [NoteNew(Note(id="0", author="mixee", text=f"hello {actor.user_id}"), to=Nobody())]

    async def disconnected(self, connection: Connection) -> None:
        self.seen.append(("out", connection.user_id))

    async def hear(self, event: Event[Note]) -> None:
        if self.fail_hearing:
            self.fail_hearing -= 1
            raise ConnectionError("deaf for a moment")
        self.heard.append(event.payload.text)


routes = Routes("notes")


@routes.command("POST /api/notes", event="note:write", needs="notes:write", unit=True, status=201, errors=(NoteTaken,))
async def write(notes: Notes, actor: Actor, body: NewNote) -> Note:
    """Write a note."""
    return await notes.write(actor, body)


@routes.command("GET /api/notes", event="note:find", public=True)
async def find(notes: Notes, body: Find) -> Found:
    """Find notes."""
    return await notes.find(body)


@routes.command("GET /api/notes/count", event="note:count", needs="notes:write")
async def count(notes: Notes, actor: Actor, body: Nothing) -> Found:
    """Count the actor's notes."""
    return Found(limit=await notes.notes.count({"author": actor.user_id}), exact=True, among=[], notes=[])


@routes.command("DELETE /api/notes/{noteId}", event="note:remove", needs="notes:write")
async def remove(notes: Notes, body: OneNote) -> None:
    """Remove a note."""
    await notes.notes.delete_one({"_id": body.note_id})


@routes.command("POST /api/notes/slow", event="note:slow", needs="notes:write")
async def slow(notes: Notes, actor: Actor, body: NewNote) -> Pending[Note]:
    """Take a place at once, answer later."""
    notes.heard.append(body.text)

    async def rest() -> Note:
        if body.text == "bad":
            raise NoteTaken("Too late.")
        return Note(id=body.text, author=actor.user_id, text=body.text)

    return Pending(rest())


@routes.command("POST /api/notes/step", event="note:advance", needs="notes:write")
async def step(notes: Notes, body: Position) -> Step:
    """Publish an entry of a thread."""
    return await notes.step(body)


@routes.command("POST /api/notes/rare", event="note:rare", needs="notes:write", limits=(Limit(2, 60),))
async def rare(notes: Notes, actor: Actor) -> Note:
    """Something that may be done twice a minute."""
    return Note(id="1", author=actor.user_id, text=str(notes.most))


async def job(notes: Notes) -> None:
    notes.jobs += 1


def hear_at_once(notes: Notes, event: Event[Any]) -> None:
    """Hear an event where it is told; one of them fails."""
    notes.heard_at_once.append(event.payload.text)
    if event.payload.text == "deaf":
        raise RuntimeError("this one cannot be heard")


async def hear(notes: Notes, event: Event[Any]) -> None:
    await notes.hear(event)


def slice_of(**changes: Any) -> Slice[Notes]:
    """The manifest, with some of it changed."""
    given: dict[str, Any] = {
        "name": "notes",
        "service": Notes,
        "build": Notes,
        "routes": routes,
        "events": (NoteNew, NoteKept, Stepped),
        "collections": (Stored("notes", Personal(("author",), "delete"), (IndexModel([("text", 1)], name="text"),)),),
        "permissions": (Permission("notes:write", "Write notes."),),
        "settings": NotesSettings,
        "errors": (NoteTaken,),
        "hears": (Hears(NoteKept, hear), Hears(NoteNew, hear_at_once, at_once=True)),
        "jobs": (Job("notes.count", timedelta(hours=1), job),),
        "provides": {Authenticator: lambda notes: notes},
        "connected": Notes.connected,
        "greets": Notes.greet,
        "disconnected": Notes.disconnected,
        "gathers": Notes.gather,
    }
    return Slice(**(given | changes))
