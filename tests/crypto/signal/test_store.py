"""The file in which a device keeps its secrets."""

import sqlite3
from pathlib import Path

import pytest

from crypto.sealing import Unsealable
from crypto.signal.client.store import SQLiteStore

KEY = bytes(range(32))
SECRET = b"a private key of thirty-two byte"


def test_values_are_sealed_found_again_and_bound_to_their_names(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    store = SQLiteStore(path, KEY)
    store.put({"ec/1": SECRET, "ec/2": b"other", "me": b"x"})
    store.put({"ec/2": None, "me": b"y"})
    store.close()

    again = SQLiteStore(path, KEY)
    assert (again.get("ec/1"), again.get("ec/2"), again.get("me")) == (SECRET, None, b"y")
    assert again.names("ec/") == ["ec/1"]
    assert SECRET not in path.read_bytes()
    again._database.execute("UPDATE kept SET name = 'ec/9' WHERE name = 'ec/1'")
    with pytest.raises(Unsealable):
        again.get("ec/9")
    again.close()


def test_another_key_opens_nothing_and_what_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    store = SQLiteStore(path, KEY)
    store.put({"me": SECRET})
    store._database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON kept WHEN new.name = 'ec/1' BEGIN SELECT RAISE(FAIL, 'no room'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        store.put({"me": b"z", "ec/1": b"7"})
    assert store.get("me") == SECRET
    store.close()

    thief = SQLiteStore(path, bytes(32))
    with pytest.raises(Unsealable):
        thief.get("me")
    thief.close()
