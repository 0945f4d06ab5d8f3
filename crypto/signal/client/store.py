"""Where a device keeps its secrets: names and bytes, changed together or not at all; in SQLite each value is sealed."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from crypto.sealing import Sealer


class Store(Protocol):
    """What a device needs of a place for its secrets."""

    def get(self, name: str) -> bytes | None:
        """The value of that name."""
        ...

    def put(self, changes: Mapping[str, bytes | None]) -> None:
        """Set values, and remove those that are None: all of it or nothing."""
        ...

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, sorted."""
        ...


class SQLiteStore:
    """Keeps values in a file, sealed with AES-256-GCM and bound to their names. The names are readable."""

    def __init__(self, path: Path, key: bytes) -> None:
        """`key`: 32 secret bytes, the same every time."""
        self._sealer = Sealer({"device": key}, "device")
        self._database = sqlite3.connect(path)
        self._database.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value BLOB NOT NULL)")

    def get(self, name: str) -> bytes | None:
        """The value of that name. Raises Unsealable."""
        row = self._database.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
        return self._sealer.open(row[0], place=name) if row else None

    def put(self, changes: Mapping[str, bytes | None]) -> None:
        """Set values, and remove those that are None: all of it or nothing."""
        with self._database:
            for name, value in changes.items():
                if value is None:
                    self._database.execute("DELETE FROM kept WHERE name = ?", (name,))
                else:
                    sealed = self._sealer.seal(value, place=name)
                    self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, sealed))

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, sorted."""
        rows = self._database.execute(
            "SELECT name FROM kept WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)
        )
        return [row[0] for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
