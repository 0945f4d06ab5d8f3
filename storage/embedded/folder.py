"""The data folder of the embedded servers: who may use it, the secrets in it, the ports it remembers."""

import contextlib
import fcntl
import os
import random
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from storage.embedded.errors import EmbeddedError, InUse

LOCK = "embedded.lock"
HOST = "127.0.0.1"
PORTS = range(20_000, 32_768)
"""Below the range that Linux lends to outgoing connections, so a remembered port is rarely taken by chance."""
PORT_TRIES = 64


class DataFolder:
    """A folder that this process alone uses until `release`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock

    @classmethod
    def claim(cls, path: Path) -> "DataFolder":
        """Create the folder if need be and lock it. The lock goes with the process, however that dies.

        Raises EmbeddedError when the folder cannot be written, and InUse when another living process has it.
        """
        path = path.expanduser().resolve()
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(unwritable(path, error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
            raise InUse(
                f"the data folder {path} is in use by process {holder}: stop that one first, "
                "or set MIXEE_DATA_DIR to a folder of its own"
            ) from None
        except OSError as error:
            os.close(lock)
            raise EmbeddedError(unwritable(path, error)) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode("ascii"), 0)
        return cls(path, lock)

    def release(self) -> None:
        """Let the next one have the folder. Doing it twice is harmless."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def room(self, name: str) -> Path:
        """A folder inside, for one server and closed to other users. Raises EmbeddedError when it cannot be written."""
        room = self.path / name
        try:
            room.mkdir(exist_ok=True)
            room.chmod(0o700)
            write_private(room / ".writable", "")
            (room / ".writable").unlink()
        except OSError as error:
            raise EmbeddedError(unwritable(room, error)) from error
        return room


def unwritable(path: Path, error: OSError) -> str:
    """What to tell the operator about a folder that cannot be used."""
    return (
        f"the data folder {path} cannot be written ({error.strerror}): "
        "make it writable for this user, or set MIXEE_DATA_DIR to a folder that is"
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all, even if we are killed halfway."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def password() -> str:
    """256 random bits that need no quoting in a URL."""
    return secrets.token_urlsafe(32)


def secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in the file, which is made and kept if there is none. Raises EmbeddedError when it cannot be read."""
    try:
        if path.exists():
            path.chmod(0o600)
        else:
            write_private(path, make())
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise EmbeddedError(
            f"the secret in {path} cannot be read ({error.strerror}): start Mixee as the user who owns the folder"
        ) from error


def remembered_port(path: Path) -> int | None:
    """The port of the last run, or None when there is none worth trying."""
    with contextlib.suppress(OSError, ValueError):
        port = int(path.read_text(encoding="ascii"))
        return port if 1024 <= port <= 65_535 else None
    return None


def free_port(first: int | None) -> int:
    """A port that nobody listens on: the first choice if it is free, else one by chance.

    It may be taken before it is used; whoever binds it finds out. Raises EmbeddedError when no port can be had.
    """
    choices = [first] if first is not None else []
    choices += random.sample(PORTS, PORT_TRIES)
    choices.append(0)
    for choice in choices:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, choice))
            port: int = probe.getsockname()[1]
            return port
    raise EmbeddedError(f"no port is free on {HOST}: stop what uses them, or set MIXEE_MONGODB_URL and MIXEE_REDIS_URL")
