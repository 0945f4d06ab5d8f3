"""The channels of the backplane: one per person, one per large conversation, and one for every process.

What is said in a conversation of few goes to the channel of each member. A conversation of more has a channel of its
own, and a process listens there while one of its members is connected.
"""

from functools import lru_cache

from storage.pubsub import channel_of, name_of

FEW = 32
"""Members up to which a conversation has no channel of its own."""
REMEMBERED = 50_000
"""People whose channels are not worked out again each time."""


class Channels:
    """The names of one cluster's channels; clusters that share a Redis differ in `namespace`."""

    def __init__(self, namespace: str) -> None:
        self._user = f"{namespace}.u.".encode()
        self._conversation = f"{namespace}.c.".encode()
        self._process = f"{namespace}.p.".encode()
        self.control = channel_of(f"{namespace}.n".encode())
        """Where orders go that concern every process."""
        self.user = lru_cache(REMEMBERED)(self._user_channel)
        """Where a person's events go."""

    def _user_channel(self, user_id: str) -> bytes:
        return channel_of(self._user + user_id.encode())

    def conversation(self, conversation_id: str) -> bytes:
        """Where the events of a large conversation go."""
        return channel_of(self._conversation + conversation_id.encode())

    def process(self, node: str) -> bytes:
        """Where what concerns one process goes."""
        return channel_of(self._process + node.encode())

    def user_of(self, channel: bytes) -> str | None:
        """Whose channel it is; None when it is no person's."""
        return _rest(channel, self._user)

    def conversation_of(self, channel: bytes) -> str | None:
        """Which conversation's channel it is; None when it is no conversation's."""
        return _rest(channel, self._conversation)


def _rest(channel: bytes, prefix: bytes) -> str | None:
    name = name_of(channel)
    return name[len(prefix) :].decode() if name.startswith(prefix) else None
