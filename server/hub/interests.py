"""What this process has to hear: the people who are connected here, and the large conversations they are in."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from server.hub.channels import FEW, Channels


@dataclass(slots=True)
class _Person:
    connections: set[str] = field(default_factory=set)
    conversations: set[str] = field(default_factory=set)
    known: bool = False
    """Whether it was read which large conversations the person is in."""


class Reading:
    """A question about memberships that is under way: what changes meanwhile is newer than the answer."""

    def __init__(self) -> None:
        self.changed: set[str] = set()


class Interests:
    """Holds the channels of the people here and of their large conversations, and lets them go."""

    def __init__(self, channels: Channels, *, hold: Callable[[bytes], None], release: Callable[[bytes], None]) -> None:
        self._channels = channels
        self._hold = hold
        self._release = release
        self._people: dict[str, _Person] = {}
        self._users: dict[str, str] = {}
        self._local: dict[str, set[str]] = {}
        self._readings: set[Reading] = set()

    def __len__(self) -> int:
        return len(self._users)

    def arrive(self, user_id: str, connection_id: str) -> None:
        """A connection begins."""
        self._users[connection_id] = user_id
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person()
            self._hold(self._channels.user(user_id))
        person.connections.add(connection_id)

    def depart(self, connection_id: str) -> None:
        """A connection has ended. Nothing happens when it never began, or ended before."""
        user_id = self._users.pop(connection_id, None)
        if user_id is None:
            return
        person = self._people[user_id]
        person.connections.discard(connection_id)
        if not person.connections:
            for conversation in list(person.conversations):
                self._exclude(conversation, user_id)
            del self._people[user_id]
            self._release(self._channels.user(user_id))

    def here(self, connection_id: str) -> bool:
        """Whether the connection has begun and not ended."""
        return connection_id in self._users

    def known(self, user_id: str) -> bool:
        """Whether the large conversations of a person here are known."""
        person = self._people.get(user_id)
        return person is not None and person.known

    def among(self, user_ids: Iterable[str]) -> list[str]:
        """Those of these people who are here."""
        return [one for one in user_ids if one in self._people]

    def people_of(self, conversation: str) -> Collection[str]:
        """The people here who are in a large conversation."""
        return self._local.get(conversation, ())

    def channels_of(self, user_id: str) -> list[bytes]:
        """All channels that a person here needs."""
        person = self._people.get(user_id)
        if person is None:
            return []
        rooms = [self._channels.conversation(one) for one in person.conversations]
        return [self._channels.user(user_id), *rooms]

    def read(self) -> Reading:
        """A reading of memberships begins; `learn` ends it."""
        reading = Reading()
        self._readings.add(reading)
        return reading

    def learn(self, reading: Reading, found: Mapping[str, Collection[str]] | None) -> list[str]:
        """What was read: the large conversations of people. Those that this process did not listen to before.

        None: it could not be read.
        """
        self._readings.discard(reading)
        fresh: list[str] = []
        for user_id, conversations in (found or {}).items():
            person = self._people.get(user_id)
            if person is None:
                continue
            person.known = True
            wanted = set(conversations) - reading.changed
            for gone in person.conversations - wanted - reading.changed:
                self._exclude(gone, user_id)
            for conversation in wanted - person.conversations:
                fresh += self._include(conversation, user_id)
        return fresh

    def spread(self, conversation: str, members: Collection[str]) -> list[str]:
        """Somebody came into a conversation or left it: these are its members now.

        The conversation again when this process did not listen to it before and has to now.
        """
        for reading in self._readings:
            reading.changed.add(conversation)
        wanted = set(self.among(members)) if len(members) > FEW else set()
        fresh: list[str] = []
        for user_id in wanted - self._local.get(conversation, set()):
            fresh += self._include(conversation, user_id)
        for user_id in self._local.get(conversation, set()) - wanted:
            self._exclude(conversation, user_id)
        return fresh

    def _include(self, conversation: str, user_id: str) -> list[str]:
        self._people[user_id].conversations.add(conversation)
        local = self._local.get(conversation)
        if local is not None:
            local.add(user_id)
            return []
        self._local[conversation] = {user_id}
        self._hold(self._channels.conversation(conversation))
        return [conversation]

    def _exclude(self, conversation: str, user_id: str) -> None:
        self._people[user_id].conversations.discard(conversation)
        local = self._local[conversation]
        local.discard(user_id)
        if not local:
            del self._local[conversation]
            self._release(self._channels.conversation(conversation))
