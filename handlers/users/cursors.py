"""Where the next page of a search begins, as text that clients hand back unread."""

import base64
import binascii

import orjson

from server.models import Output


class Position(Output):
    """The place of one result in the order of a search; `username` makes it unique."""

    rank: int
    distance: int
    username: str

    @property
    def key(self) -> tuple[int, int, str]:
        """What results are ordered by."""
        return self.rank, self.distance, self.username


def write_cursor(position: Position) -> str:
    """The position as opaque text."""
    raw = orjson.dumps([position.rank, position.distance, position.username])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(text: str) -> Position:
    """The position of a cursor. Raises ValueError for what is none."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        rank, distance, username = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, orjson.JSONDecodeError, TypeError, UnicodeEncodeError) as error:
        raise ValueError("not a cursor") from error
    return Position(rank=rank, distance=distance, username=username)
