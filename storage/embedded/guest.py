"""Using the private servers of a folder from a second process, while the first one runs them."""

from pathlib import Path

from storage.embedded.errors import EmbeddedError
from storage.embedded.folder import remembered_port
from storage.embedded.mongod import Mongod
from storage.embedded.redis_server import RedisServer


def has_data(data_dir: Path) -> bool:
    """Whether a private MongoDB was ever started below the folder."""
    return (data_dir.expanduser() / "mongodb" / "data").is_dir()


def urls(data_dir: Path) -> tuple[str, str]:
    """How the MongoDB and the Redis are reached that another process runs below the folder.

    Raises EmbeddedError when they are just being started, or belong to another user.
    """
    found = []
    for name, url_of in (("mongodb", Mongod.url_of), ("redis", RedisServer.url_of)):
        room = data_dir.expanduser().resolve() / name
        port = remembered_port(room / "port")
        try:
            word = (room / "password").read_text(encoding="ascii").strip()
        except OSError as error:
            raise EmbeddedError(
                f"{room / 'password'} cannot be read ({error.strerror}): is the server yours?"
            ) from error
        if port is None:
            raise EmbeddedError(f"the server of {data_dir} is just being started: try again in a moment")
        found.append(url_of(word, port))
    return found[0], found[1]
