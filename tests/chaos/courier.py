"""A chat client without its socket: sends in order until it is answered, sees holes by seq, and repairs them by `sync`.

It knows nothing of time or networks: it is told what happens and emits through a line. So the very same client talks to
real servers and to the model of one. Everything it sees goes into the history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.chaos.history import History, Said

Answered = Callable[[Any], None]

AGAIN = frozenset({"overloaded", "rate_limited", "slow_mode"})
"""Refusals that are certain and pass: the message is sent again."""
OPEN = frozenset({"unavailable", "internal", "unauthenticated"})
"""Errors that leave open what became of the message: it is sent again under the same id."""

WINDOW = 8
"""Messages that one client has on their way at once, unless it is told otherwise."""
PAUSE = 0.2
"""Seconds before the next attempt when the server does not say."""
MAX_REPAIRS = 3
"""Attempts to fill one hole before the client calls the server broken."""


class Line(Protocol):
    """One connection to a server."""

    def emit(self, event: str, payload: dict[str, Any], answered: Answered) -> None:
        """Send an event; `answered` is called with the answer, or never."""
        ...


@dataclass(slots=True)
class Draft:
    """A message that is not acknowledged yet."""

    conversation: str
    said: Said
    turn: int


class Courier:
    """One device of one user."""

    def __init__(
        self,
        name: str,
        user: str,
        history: History,
        later: Callable[[float, Callable[[], None]], None],
        *,
        window: int = WINDOW,
    ) -> None:
        self.name = name
        self.user = user
        self._history = history
        self._later = later
        self._line: Line | None = None
        self._drafts: dict[str, Draft] = {}
        self._turns: dict[str, int] = {}
        self._said = 0
        self._window = self._most = float(window)
        self.acked = 0
        """Messages that were acknowledged."""
        self.reached: dict[str, int] = {}
        """The youngest place at which one of its messages was acknowledged, by conversation."""
        self._positions: dict[str, int] = {}
        self._ahead: dict[str, set[int]] = {}
        self._wanted: set[str] = set()
        self._repairs: dict[str, int] = {}
        self._asking = False
        history.client(name, user)

    @property
    def online(self) -> bool:
        """Whether there is a line."""
        return self._line is not None

    @property
    def pending(self) -> int:
        """Messages that are not acknowledged yet."""
        return len(self._drafts)

    @property
    def free(self) -> bool:
        """Whether it would say one more thing now: like TCP, it keeps less on its way after a server had too much."""
        return len(self._drafts) < self._window

    @property
    def waiting(self) -> bool:
        """Whether any answer is outstanding on the line."""
        return self.online and (bool(self._drafts) or self._asking)

    @property
    def settled(self) -> bool:
        """Whether it has said everything, and knows of nothing that it misses."""
        return self.online and not (self._drafts or self._asking or self._wanted or any(self._ahead.values()))

    @property
    def conversations(self) -> list[str]:
        """What it follows."""
        return list(self._positions)

    def position(self, conversation: str) -> int:
        """Up to where it has everything."""
        return self._positions.get(conversation, 0)

    def follow(self, conversation: str) -> None:
        """It has become a member: whatever it may see there is wanted."""
        self._positions.setdefault(conversation, 0)
        self._want(conversation)

    def forget(self, conversation: str) -> None:
        """It is no longer a member."""
        self._positions.pop(conversation, None)
        self._ahead.pop(conversation, None)
        self._wanted.discard(conversation)

    def up(self, line: Line, node: str) -> None:
        """A session starts: what was missed is asked for, and what was not answered is sent again, in order."""
        self._line = line
        self._history.up(self.name, node)
        self._repairs.clear()
        self._wanted = set(self._positions)
        self._sync()
        for draft in list(self._drafts.values()):
            self._send(draft)

    def down(self, why: str) -> None:
        """The line is gone, and with it every answer that was still to come."""
        if self._line is None:
            return
        self._line, self._asking = None, False
        for draft in self._drafts.values():
            self._history.unknown(self.name, draft.conversation, draft.said, why, answered=False)
        self._history.down(self.name, why)

    def say(self, conversation: str, *, twice: bool = False) -> None:
        """Say something; `twice` sends it two times at once, as clients with a short timeout do."""
        self._said += 1
        turn = self._turns[conversation] = self._turns.get(conversation, 0) + 1
        said = Said(self.user, f"{self.name}-{self._said:08d}", f"{turn} from {self.name}")
        draft = self._drafts[said.id] = Draft(conversation, said, turn)
        self._send(draft)
        if twice:
            self._send(draft)

    def aside(self, event: str, payload: dict[str, Any]) -> None:
        """Do something beside messages. It may be refused, but not answered with something that is no answer."""
        if self._line is not None:
            self._line.emit(event, payload, lambda answer: self._set_aside(event, answer))

    def _set_aside(self, event: str, answer: Any) -> None:
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            self.odd(f"an answer to {event} that is none: {answer!r:.200}")

    def hear(self, event: str, payload: Any) -> None:
        """The server tells something."""
        if event == "message:new":
            self._message(payload)
        elif event == "sync:behind":
            self._history.behind(self.name)
            named = payload.get("conversationIds") or list(self._positions)
            self._want(*(one for one in named if one in self._positions))
        elif event == "session:ready":
            self.odd("session:ready in the middle of a session")

    def odd(self, why: str) -> None:
        """It got something that no server may send."""
        self._history.odd(self.name, why)

    def _send(self, draft: Draft) -> None:
        line = self._line
        if line is None:
            return
        said = draft.said
        self._history.send(self.name, draft.conversation, said, draft.turn)
        payload = {
            "conversationId": draft.conversation,
            "clientMessageId": said.id,
            "type": "text",
            "content": said.body,
        }
        line.emit("message:send", payload, lambda answer: self._answered(draft, line, answer))

    def _answered(self, draft: Draft, line: Line, answer: Any) -> None:
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            self.odd(f"an answer that is none: {answer!r:.200}")
        elif answer["ok"]:
            self._accepted(draft, answer.get("data"))
        else:
            self._refused(draft, line, answer.get("error") or {})

    def _accepted(self, draft: Draft, data: Any) -> None:
        self.acked += self._drafts.pop(draft.said.id, None) is not None
        self._window = min(self._most, self._window + 1 / self._window)
        parsed = _parse(data)
        if parsed is None:
            self.odd(f"an acknowledgement without a message: {data!r:.200}")
            return
        conversation, seq, said = parsed
        if (conversation, said.id) != (draft.conversation, draft.said.id):
            self.odd(f"{draft.said.id} was answered with {said.id} of {conversation}")
            return
        self.reached[conversation] = max(seq, self.reached.get(conversation, 0))
        self._history.sent(self.name, conversation, said, seq, duplicate=bool(data.get("duplicate")))

    def _refused(self, draft: Draft, line: Line, error: dict[str, Any]) -> None:
        code = str(error.get("code"))
        if code in OPEN:
            self._history.unknown(self.name, draft.conversation, draft.said, code, answered=True)
        else:
            self._history.refused(self.name, draft.conversation, draft.said, code)
            self._window = max(1.0, self._window / 2)
        if code not in OPEN and code not in AGAIN:
            self._drafts.pop(draft.said.id, None)
            return
        self._later(float(error.get("retryAfterMs") or PAUSE * 1000) / 1000, lambda: self._again(draft, line))

    def _again(self, draft: Draft, line: Line) -> None:
        if self._line is line and draft.said.id in self._drafts:
            self._send(draft)

    def _message(self, payload: Any) -> None:
        parsed = _parse(payload)
        if parsed is None:
            self.odd(f"message:new without a message: {payload!r:.200}")
            return
        conversation, seq, said = parsed
        self._history.live(self.name, conversation, seq, said)
        if conversation not in self._positions:
            return
        if seq > self._positions[conversation]:
            self._ahead.setdefault(conversation, set()).add(seq)
            self._advance(conversation)

    def _advance(self, conversation: str) -> None:
        """Take in what follows without a hole; ask for what is missing before the rest."""
        ahead = self._ahead.get(conversation)
        if not ahead:
            return
        position = self._positions[conversation]
        while position + 1 in ahead:
            position += 1
            ahead.remove(position)
        self._positions[conversation] = position
        if ahead:
            self._want(conversation)
        else:
            self._repairs.pop(conversation, None)

    def _want(self, *conversations: str) -> None:
        self._wanted.update(conversations)
        self._sync()

    def _sync(self) -> None:
        line = self._line
        if line is None or self._asking or not self._wanted:
            return
        self._asking = True
        vector, wanted = dict(self._positions), self._wanted
        self._wanted = set()
        line.emit("sync", {"conversations": vector}, lambda answer: self._synced(vector, wanted, line, answer))

    def _synced(self, vector: dict[str, int], wanted: set[str], line: Line, answer: Any) -> None:
        if self._line is not line:
            return
        if not isinstance(answer, dict) or not answer.get("ok"):
            error = answer.get("error") if isinstance(answer, dict) else None
            self._not_synced(wanted, line, error if isinstance(error, dict) else {})
            return
        data = answer["data"]
        for page in data["conversations"]:
            wanted.discard(page["conversationId"])
            self._page(vector, page)
        for conversation in sorted(wanted - set(data.get("left") or ())):
            self._without_page(conversation, vector[conversation], limited=bool(data.get("limited")))
        self._asking = False
        self._sync()

    def _not_synced(self, wanted: set[str], line: Line, error: dict[str, Any]) -> None:
        self._asking = False
        code = str(error.get("code"))
        if code not in OPEN and code not in AGAIN:
            self.odd(f"sync was refused: {code}: {error.get('message')}")
            return
        self._wanted.update(one for one in wanted if one in self._positions)
        pause = float(error.get("retryAfterMs") or PAUSE * 1000) / 1000
        self._later(pause, lambda: self._sync() if self._line is line else None)

    def _page(self, vector: dict[str, int], page: dict[str, Any]) -> None:
        conversation = page["conversationId"]
        if conversation not in vector:
            self.odd(f"sync answered for {conversation}, which was not asked for")
            return
        for entry in page["entries"]:
            parsed = _parse(entry.get("message")) if entry["kind"] == "message" else None
            self._history.entry(self.name, conversation, entry["seq"], entry["kind"], parsed[2] if parsed else None)
        asked, last, more = vector[conversation], page["to"], page["more"]
        self._history.page(self.name, conversation, asked=asked, first=page["from"], last=last, more=more)
        if conversation not in self._positions:
            return
        self._reach(conversation, last)
        if more and last <= asked:
            self.odd(f"sync of {conversation} from {asked} says that there is more and does not move on")
        elif more:
            self._want(conversation)

    def _without_page(self, conversation: str, asked: int, *, limited: bool) -> None:
        """The answer does not name it: nothing is new there, or (`limited`) it was cut off and is asked for again."""
        if conversation not in self._positions:
            return
        if limited:
            self._wanted.add(conversation)
            return
        self._history.page(self.name, conversation, asked=asked, first=asked, last=asked, more=False)
        self._reach(conversation, asked)

    def _reach(self, conversation: str, last: int) -> None:
        """Everything up to `last` is there."""
        if last > self._positions[conversation]:
            self._repairs.pop(conversation, None)
            self._positions[conversation] = last
            self._ahead[conversation] = {one for one in self._ahead.get(conversation, ()) if one > last}
        elif self._ahead.get(conversation):
            self._repairs[conversation] = self._repairs.get(conversation, 0) + 1
            if self._repairs[conversation] >= MAX_REPAIRS:
                hole = f"{last + 1} to {min(self._ahead[conversation]) - 1}"
                self.odd(f"the hole {hole} in {conversation} stays open after {MAX_REPAIRS} syncs")
                self._ahead[conversation].clear()
        self._advance(conversation)


def _parse(message: Any) -> tuple[str, int, Said] | None:
    """Conversation, seq and identity of a message, or None when it is none."""
    if not isinstance(message, dict):
        return None
    try:
        conversation, seq = message["conversationId"], message["seq"]
        said = Said(message["senderId"], message.get("clientMessageId") or message["id"], message["content"])
    except KeyError:
        return None
    if not isinstance(seq, int) or seq < 1 or message.get("id") != f"{conversation}:{seq}":
        return None
    return conversation, seq, said
