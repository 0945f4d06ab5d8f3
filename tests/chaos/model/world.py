"""The model's network, clients and faults: a seed decides what happens, and the same seed decides the same again."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from tests.chaos.courier import Answered, Courier
from tests.chaos.history import Change, History, Record, Said
from tests.chaos.model.node import Node, Pending, Steps
from tests.chaos.model.store import Doc, Store

CONVERSATIONS = ["red", "blue"]
CLIENTS = 6
NODES = 3
TICKS_A_SECOND = 100
MAX_STEPS = 20_000
"""Steps until a world that does not come to rest is cut off (only a broken one does not)."""


class Link:
    """A connection: what is on its way to the node and to the client."""

    def __init__(self, courier: Courier, node: Node) -> None:
        self.courier = courier
        self.node: Node | None = node
        self.user = courier.user
        self.open = True
        self.up: deque[tuple[str, dict[str, Any], Answered]] = deque()
        self.down: deque[tuple[str, Callable[[], None]]] = deque()

    def emit(self, event: str, payload: dict[str, Any], answered: Answered) -> None:
        """The client sends an event."""
        self.up.append((event, payload, answered))

    def push(self, event: str, payload: dict[str, Any]) -> None:
        """The node sends an event."""
        self.down.append((event, lambda: self._hear(event, payload)))

    def reply(self, answered: Answered, answer: dict[str, Any]) -> None:
        """The node answers."""
        self.down.append(("answer", lambda: answered(answer)))

    def _hear(self, event: str, payload: dict[str, Any]) -> None:
        if event == "session:ready" and self.node is not None:
            self.courier.up(self, self.node.name)
        elif event != "session:ready":
            self.courier.hear(event, payload)


class World:
    """One run: a load with faults, then rest, then a forced resume of everybody."""

    def __init__(self, seed: int, kind: type[Node] = Node) -> None:
        self.records: list[Record] = []
        self.store = Store()
        self.rested = True
        """Whether everything came to an end before the history was closed."""
        self._random = random.Random(seed)
        self._tick = 0
        self._kind = kind
        self._history = History(self.records.append, lambda: self._tick / TICKS_A_SECOND)
        self._timers: list[tuple[int, Callable[[], None]]] = []
        self._work: list[tuple[Node, Steps]] = []
        self._links: list[Link] = []
        self._outside: dict[str, list[str]] = {}
        self._changes: dict[str, int] = {}
        self._couriers = [Courier(f"client-{n}", f"user-{n}", self._history, self._later) for n in range(CLIENTS)]
        self._by_user = {courier.user: courier for courier in self._couriers}
        for conversation in CONVERSATIONS:
            self._found(conversation)
        self._inboxes: dict[Node, deque[tuple[Doc, list[str]]]] = {}
        for n in range(NODES):
            self._start(f"node-{n}")

    def run(self, says: int = 150) -> list[Record]:
        """Play it, and return the history."""
        calm: list[tuple[int, Callable[[], bool]]] = [
            (30, self._advance_work),
            (20, self._pump_up),
            (30, self._pump_down),
            (12, self._hear_others),
            (self._random.choice([1, 4, 12]), self._replicate),
            (4, self._ring),
            (4, self._connect),
        ]
        rough: list[tuple[int, Callable[[], bool]]] = [
            *calm,
            (8, self._say),
            (self._random.choice([1, 1, 4]), self._fault),
        ]
        steps = 0
        while says > 0 and steps < MAX_STEPS:
            steps += 1
            says -= self._step(rough) == self._say
        self._rest(calm)
        self._history.settled()
        for courier in self._couriers:
            self._cut(courier)
        self._rest(calm)
        self._read()
        return self.records

    def spawn(self, node: Node, steps: Steps) -> None:
        """Begin work of a node."""
        self._work.append((node, steps))

    def publish(self, sender: Node, doc: Doc, users: list[str]) -> None:
        """Put an entry into the inbox of every other node; one in fifty is lost on the way."""
        for node, inbox in self._inboxes.items():
            if node is not sender and self._random.random() > 0.02:
                inbox.append((doc, users))

    def _step(self, actions: list[tuple[int, Callable[[], bool]]]) -> Callable[[], bool]:
        self._tick += 1
        (action,) = self._random.choices([call for _, call in actions], [weight for weight, _ in actions])
        action()
        return action

    def _rest(self, calm: list[tuple[int, Callable[[], bool]]]) -> None:
        """No more load and no more faults: until nothing is on its way, or for as long as that can take at most."""
        for _ in range(MAX_STEPS):
            if self._is_at_rest():
                for node in self._inboxes:
                    node.compare()
                if self._is_at_rest():
                    return
            self._step(calm)
        self.rested = False

    def _is_at_rest(self) -> bool:
        moving = self._work or self._timers or self.store.lagging or any(self._inboxes.values())
        return not moving and all(courier.settled for courier in self._couriers) and not any(self._busy_links())

    def _busy_links(self) -> Iterator[bool]:
        for link in self._links:
            yield bool(link.up or (link.down and link.open))

    def _found(self, conversation: str) -> None:
        users = [courier.user for courier in self._couriers]
        outside = self._random.sample(users, 2)
        inside = [user for user in users if user not in outside]
        self._outside[conversation] = outside
        self.store.create(conversation, inside)
        self._history.group(conversation, inside)
        for user in inside:
            self._by_user[user].follow(conversation)

    def _start(self, name: str) -> None:
        node = self._kind(name, self, CONVERSATIONS)
        self._inboxes[node] = deque()
        self._history.node("start", name)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append((self._tick + int(seconds * TICKS_A_SECOND), call))

    def _advance_work(self) -> bool:
        if not self._work:
            return False
        at = self._random.randrange(len(self._work))
        try:
            next(self._work[at][1])
        except StopIteration:
            del self._work[at]
        return True

    def _pump_up(self) -> bool:
        ready = [link for link in self._links if link.up]
        if not ready:
            return False
        link = self._random.choice(ready)
        event, payload, answered = link.up.popleft()
        if link.node is not None:
            link.node.receive(link, event, payload, answered)
        return True

    def _pump_down(self) -> bool:
        ready = [link for link in self._links if link.open and (link.down or link.node is None)]
        if not ready:
            return False
        link = self._random.choice(ready)
        if link.down:
            link.down.popleft()[1]()
        else:
            self._cut(link.courier)
        return True

    def _hear_others(self) -> bool:
        ready = [node for node, inbox in self._inboxes.items() if inbox]
        if not ready:
            return False
        node = self._random.choice(ready)
        node.heard(*self._inboxes[node].popleft())
        return True

    def _replicate(self) -> bool:
        if self.store.lagging:
            self.store.replicate()
        return True

    def _ring(self) -> bool:
        """A timer is due."""
        due = [timer for timer in self._timers if timer[0] <= self._tick]
        if due:
            timer = self._random.choice(due)
            self._timers.remove(timer)
            timer[1]()
        return bool(due)

    def _connect(self) -> bool:
        absent = [one for one in self._couriers if not any(link.courier is one and link.open for link in self._links)]
        if not absent or not self._inboxes:
            return False
        node = self._random.choice(list(self._inboxes))
        link = Link(self._random.choice(absent), node)
        self._links.append(link)
        node.connected(link)
        return True

    def _say(self) -> bool:
        courier = self._random.choice(self._couriers)
        conversation = self._random.choice(CONVERSATIONS)
        outside = courier.user in self._outside[conversation]
        if courier.pending > 12 or (outside and self._random.random() < 0.8):
            return False
        courier.say(conversation, twice=self._random.random() < 0.1)
        return True

    def _fault(self) -> bool:
        faults = [self._kill, self._revive, self._flap, self._flap, self._overflow, self._change, self._change]
        return self._random.choice([*faults, self._fall])()

    def _kill(self) -> bool:
        if len(self._inboxes) < 2:
            return False
        node = self._random.choice(list(self._inboxes))
        del self._inboxes[node]
        self._history.node("kill", node.name)
        self._work = [(owner, steps) for owner, steps in self._work if owner is not node]
        for link in self._links:
            if link.node is node:
                link.node = None
                link.up.clear()
                for _ in range(self._random.randint(0, len(link.down))):
                    link.down.pop()
        return True

    def _revive(self) -> bool:
        alive = {node.name for node in self._inboxes}
        dead = [name for name in (f"node-{n}" for n in range(NODES)) if name not in alive]
        if dead:
            self._start(self._random.choice(dead))
        return bool(dead)

    def _flap(self) -> bool:
        self._cut(self._random.choice(self._couriers))
        return True

    def _cut(self, courier: Courier) -> None:
        """The client drops its connection: what it has sent may still arrive, or the last of it may not."""
        for link in [link for link in self._links if link.courier is courier and link.open]:
            link.open = False
            link.down.clear()
            if link.node is not None:
                link.node.disconnected(link)
            for _ in range(self._random.randint(0, len(link.up))):
                link.up.pop()
            courier.down("cut")
        self._links = [link for link in self._links if link.open or link.up]

    def _overflow(self) -> bool:
        """A client reads too slowly: the youngest events for it are dropped by its node."""
        slow = [link for link in self._links if link.open and link.node and link.courier.online]
        if not slow:
            return False
        link = self._random.choice(slow)
        while link.down and link.down[-1][0] == "message:new":
            link.down.pop()
        if link.node:
            link.node.overflow(link)
        return True

    def _fall(self) -> bool:
        self.store.fall()
        return True

    def _change(self) -> bool:
        """Somebody is added to a conversation, or removed; one change at a time."""
        conversation = self._random.choice(CONVERSATIONS)
        if self._changes.get(conversation, 0) or not self._inboxes:
            return False
        outside = self._outside[conversation]
        op: Change = "add" if outside and self._random.random() < 0.6 else "remove"
        inside = sorted({courier.user for courier in self._couriers} - set(outside))
        user = self._random.choice(outside if op == "add" else inside)
        if op == "remove":
            if len(inside) < 4:
                return False
            outside.append(user)
        self._changes[conversation] = 1
        self._history.change(op, conversation, user)
        said = Said(user, f"change-{self._tick}", op)
        node = self._random.choice(list(self._inboxes))
        node.admit(conversation, Pending("member", said, None, lambda _: self._changed(op, conversation, user)))
        return True

    def _changed(self, op: Change, conversation: str, user: str) -> None:
        self._changes[conversation] = 0
        self._history.changed(op, conversation, user)
        if op == "add":
            self._outside[conversation].remove(user)
            self._by_user[user].follow(conversation)
        else:
            self._by_user[user].forget(conversation)

    def _read(self) -> None:
        for conversation in CONVERSATIONS:
            for doc in self.store.committed(conversation, 0):
                self._history.final(conversation, doc.seq, doc.kind, doc.said if doc.kind == "message" else None)
