"""What happened: one typed class per event, with its name on the wire, its payload and the audience that hears it.

    class MessageNew(Event[Message], name="message:new"):
        \"\"\"A message was said in a conversation.\"\"\"

    await publish(MessageNew(message, to=Members(conversation_id, seq, member_ids)))

The audience is mandatory and an empty one reaches nobody. No payload is a bare string: JavaScript clients take a
trailing string for a resume offset.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args, get_origin

from crypto.ids import new_id
from server.models import Output

P = TypeVar("P", bound=Output)


@dataclass(frozen=True, slots=True)
class Users:
    """These people, on every device that is connected."""

    ids: Collection[str]


@dataclass(frozen=True, slots=True)
class Devices:
    """These devices of one person, by the ids with which they signed in, where they are connected."""

    user_id: str
    ids: Collection[str]


@dataclass(frozen=True, slots=True)
class Members:
    """The people of a conversation who may see the log entry `seq`; delivered in the order of `seq`, once.

    Every entry of a log is published once with its `seq`, also one that nobody may see (then `ids` is empty):
    the nodes watch for holes and fill them from the log.
    """

    conversation_id: str
    seq: int
    ids: Collection[str]
    everybody: Collection[str] | None = None
    """All members, when the entry is hidden from some: their nodes must learn that its place is taken."""
    spread: bool = False
    """Whether the entry changes who is in the conversation."""


@dataclass(frozen=True, slots=True)
class Passing:
    """These people, if it can be done now: may be dropped for a client that is slow (typing, presence).

    With `where`, only their devices that show it hear, and those that never said what they show (`server.hub.screens`).
    """

    ids: Collection[str]
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Nobody:
    """No client: an event that only other slices hear."""


Audience = Users | Devices | Members | Passing | Nobody


class Event(Generic[P]):
    """Something that happened. Subclass with `name=`; the docstring is the public documentation.

    A `durable` event is written to the outbox in the transaction of the change, and every slice that hears it gets it
    at least once.
    """

    name: ClassVar[str]
    payload_type: ClassVar[type[Output]]
    durable: ClassVar[bool]

    def __init_subclass__(cls, *, name: str, durable: bool = False) -> None:
        cls.name = name
        cls.durable = durable
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Event:
                (cls.payload_type,) = get_args(base)
        if not getattr(cls, "payload_type", None):
            raise TypeError(f"{cls.__name__} must name its payload: class {cls.__name__}(Event[Payload], name=…)")

    def __init__(self, payload: P, *, to: Audience, id: str | None = None) -> None:  # noqa: A002 - it is the event's id
        self.payload = payload
        self.to = to
        self._id = id

    @property
    def id(self) -> str:
        """Which event it is, for those who must hear it once."""
        if self._id is None:
            self._id = new_id()
        return self._id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.payload!r}, to={self.to!r})"


class Publisher(Protocol):
    """Where a service tells what happened."""

    async def __call__(self, event: Event[Any]) -> None:
        """Tell it: at once, or after the commit when the caller runs in a unit of work."""
        ...
