"""A server of the notes slice that tells everybody who connects from which address he seems to come."""

import sys

from server.events import Users
from server.hub.connections import Connection
from tests.server.notes import Note, NoteNew, Notes, slice_of
from tests.server.notes_server import main

ADDRESS = "address"
"""The id of the note that tells it."""


async def tell_address(notes: Notes, connection: Connection) -> None:
    note = Note(id=ADDRESS, author="mixee", text=connection.address)
    await notes.kit.publish(NoteNew(note, to=Users([connection.user_id])))


if __name__ == "__main__":
    sys.exit(main(slice_of(connected=tell_address), module="tests.server.greeting_server"))
