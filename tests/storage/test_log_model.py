"""Random work on several nodes that crash, compared step by step with a naive model.

`--hypothesis-profile` changes how much is tried; without one it takes about half a minute.
"""

import asyncio
import gc
import os
from collections.abc import Coroutine, Iterator, Sequence
from itertools import count
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from crypto.ids import new_id
from storage.log import Appended, Entry, Hooks, Log, NotThere, Unavailable
from storage.mongo import Mongo
from storage.tasks import end
from tests.harness.clock import TurnableClock
from tests.harness.servers import MONGODB
from tests.storage.log_model import LIFE, SENDERS, Action, Model, Refusal
from tests.storage.log_nodes import prepared, whole

T = TypeVar("T")

POINTS = ("before_insert", "after_insert", "after_ack")
NODES = 3
CONVERSATIONS = 2

node_numbers = st.integers(0, NODES - 1)
actions = st.fixed_dictionaries(
    {
        "conversation": st.integers(0, CONVERSATIONS - 1),
        "what": st.sampled_from(
            ("say", "say", "say", "react", "react", "edit", "delete", "refuse", "join", "leave", "leave")
        ),
        "sender": st.sampled_from(SENDERS),
        "target": st.integers(1, 12),
        "named": st.booleans(),
        "countable": st.booleans(),
        "expiring": st.sampled_from((False, False, True)),
    }
)
bursts = st.lists(st.tuples(node_numbers, actions), min_size=1, max_size=8)


class Trap(Hooks):
    """Once it is set, whoever comes to the point stays there."""

    def __init__(self) -> None:
        self.point = ""
        self.caught = asyncio.Event()

    async def before_insert(self, entries: Sequence[Entry]) -> None:
        await self._at("before_insert")

    async def after_insert(self, entries: Sequence[Entry]) -> None:
        await self._at("after_insert")

    async def after_ack(self, entries: Sequence[Entry]) -> None:
        await self._at("after_ack")

    async def _at(self, point: str) -> None:
        if point == self.point:
            self.caught.set()
            await asyncio.Event().wait()


class Logs(RuleBasedStateMachine):
    """Three nodes, two conversations, and what a node's server remembers of their members."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    mongo: ClassVar[Mongo]
    kind: ClassVar[type[Log]] = Log
    tokens: ClassVar[Iterator[int]] = count()

    def __init__(self) -> None:
        super().__init__()
        self.clock = TurnableClock()
        self.models = {new_id(): Model() for _ in range(CONVERSATIONS)}
        self.names = list(self.models)
        self.known = [dict.fromkeys(self.names, 0) for _ in range(NODES)]
        self.nodes: list[tuple[Log, Trap]] = []
        self.haunted: set[str] = set()
        """Actions that a node was at when it died."""

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end, which must come soon."""
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    @initialize()
    def begin(self) -> None:
        self.nodes = [self.wait(self.born()) for _ in range(NODES)]

    @rule(burst=bursts)
    def work(self, burst: list[tuple[int, dict[str, Any]]]) -> None:
        """Several nodes are given things to do at the same time."""
        wanted = [(node, self.action(choice)) for node, choice in burst]
        self.check(wanted, self.wait(self.submit(wanted)), repeated=False)

    @rule(nodes=st.lists(node_numbers, min_size=1, max_size=4), which=st.integers(0, 1000))
    def again(self, nodes: list[int], which: int) -> None:
        """A client sends something again, to several nodes at once."""
        known = [one for model in self.models.values() for one in model.possible.values() if one.named]
        if not known:
            return
        action = known[which % len(known)]
        seq = self.models[action.conversation].seq_of(action.token)
        wanted = [(node, action) for node in nodes]
        answers = self.wait(self.submit(wanted))
        self.check(wanted, answers, repeated=seq is not None)
        done = [one for one in answers if isinstance(one, Appended)]
        assert len({one.entry.seq for one in done}) <= 1
        if seq is None and action.token not in self.haunted:
            assert not done or [one.duplicate for one in done].count(False) == 1
        elif seq is None:
            # What a dead node sent may arrive now, just where others meant to write it: each may take it for its own.
            assert not done or self.models[action.conversation].seq_of(action.token) == done[0].entry.seq
        else:
            refused_by_server = sum(self.refuses(node, action) for node in nodes)
            assert [one.entry.seq for one in done] == [seq] * (len(nodes) - refused_by_server)

    @rule(node=node_numbers, point=st.sampled_from(POINTS), choices=st.lists(actions, min_size=1, max_size=5))
    def crash(self, node: int, point: str, choices: list[dict[str, Any]]) -> None:
        """A node dies at one of three points of its work, and another takes its place."""
        wanted = [(node, self.action(choice)) for choice in choices]
        self.haunted |= {action.token for _, action in wanted}
        answers = self.wait(self.die(node, point, wanted))
        self.check(wanted, answers, repeated=False)
        self.known[node] = dict.fromkeys(self.names, 0)

    @rule(node=node_numbers, conversation=st.integers(0, CONVERSATIONS - 1))
    def hear(self, node: int, conversation: int) -> None:
        """The news of changes of members reaches a node."""
        name = self.names[conversation]
        self.known[node][name] = self.models[name].members_known

    @rule()
    def pass_time(self) -> None:
        """What expires expires."""
        self.clock.advance(seconds=LIFE.total_seconds())

    @invariant()
    def every_node_answers_alike(self) -> None:
        """What can be asked of a log is what can be counted in the model."""
        if self.nodes:
            self.wait(self.questions())

    def teardown(self) -> None:
        for log, _ in self.nodes:
            self.wait(log.close())

    async def questions(self) -> None:
        """Compare the answers of every node. What a node sent before it was killed may arrive meanwhile."""
        while True:
            await self.catch_up()
            try:
                return await self.compare()
            except AssertionError:
                if await self.nodes[0][0].heads(self.names) == self.heads():
                    raise

    def heads(self) -> dict[str, int]:
        """How far the models go."""
        return {name: len(model.rows) for name, model in self.models.items()}

    async def compare(self) -> None:
        """Ask every node everything."""
        now = self.clock.now()
        for log, _ in self.nodes:
            assert await log.heads(self.names) == self.heads()
            newest = await log.last_messages(self.names)
            assert {name: entry.seq for name, entry in newest.items()} == {
                name: seq for name, model in self.models.items() if (seq := model.last_message(now)) is not None
            }
            for sender in SENDERS[:2]:
                counts = await log.unread([(name, after) for after, name in enumerate(self.names)], not_from=sender)
                assert counts == {
                    name: self.models[name].unread(after, sender, now) for after, name in enumerate(self.names)
                }

    def action(self, choice: dict[str, Any]) -> Action:
        """A new action; the model now knows that it may appear."""
        name = self.names[choice["conversation"]]
        action = Action(**{**choice, "conversation": name, "token": f"action-{next(self.tokens)}"})
        self.models[name].possible[action.token] = action
        return action

    async def submit(self, wanted: Sequence[tuple[int, Action]]) -> list[Appended | BaseException]:
        """Submit all of it at once and wait for the answers."""
        futures = [self.hand_in(self.nodes[node][0], node, action) for node, action in wanted]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        await self.catch_up()
        return answers

    def hand_in(self, log: Log, node: int, action: Action) -> asyncio.Future[Appended]:
        """Submit an action with what the node's server believes."""
        if self.refuses(node, action):
            refused: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
            refused.set_exception(Refusal(action.sender))
            return refused
        known = self.known[node][action.conversation]
        removed = self.models[action.conversation].removed[known]
        return log.submit(action.draft(self.clock.now(), removed, known))

    def refuses(self, node: int, action: Action) -> bool:
        """Whether the node's server knows by itself that the sender is out."""
        known = self.known[node][action.conversation]
        return action.what == "say" and action.sender in self.models[action.conversation].removed[known]

    async def die(self, node: int, point: str, wanted: Sequence[tuple[int, Action]]) -> list[Appended | BaseException]:
        """Let a node do some work and stop it at the point, as if its process were killed."""
        log, trap = self.nodes[node]
        trap.point = point
        futures = [self.hand_in(log, node, action) for _, action in wanted]
        finished = asyncio.gather(*futures, return_exceptions=True)
        caught = asyncio.create_task(trap.caught.wait())
        waits: list[asyncio.Future[Any]] = [finished, caught]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        await end(*log._tasks, caught)
        await log.close()
        answers = await finished
        self.nodes[node] = await self.born()
        await self.catch_up()
        return answers

    async def born(self) -> tuple[Log, Trap]:
        """A new node."""
        trap = Trap()
        log = self.kind(self.mongo, clock=self.clock.now, lanes=2, max_batch=6, heads=2, hooks=trap)
        await log.start()
        return log, trap

    async def catch_up(self) -> None:
        """Let the models read the logs, each from another node."""
        now = self.clock.now()
        for number, (name, model) in enumerate(self.models.items()):
            log, _ = self.nodes[number % NODES]
            model.take(await self.steady(log, name), now)

    async def steady(self, log: Log, name: str) -> list[Entry]:
        """A log, read until two readings agree: what a dead node sent may arrive between two pages of one."""
        entries = await whole(log, name)
        while (again := await whole(log, name)) != entries:
            entries = again
        return entries

    def check(
        self, wanted: Sequence[tuple[int, Action]], answers: Sequence[Appended | BaseException], *, repeated: bool
    ) -> None:
        """Every answer is either true or one of the refusals that there may be.

        What one node refuses, because it has not heard yet that the sender is back, another one accepts.
        """
        pairs = list(zip(wanted, answers, strict=True))
        elsewhere = self.haunted | {action.token for (_, action), answer in pairs if isinstance(answer, Appended)}
        for (_, action), answer in pairs:
            model = self.models[action.conversation]
            if isinstance(answer, Appended):
                model.acknowledged(action, answer, repeated=repeated)
            else:
                assert isinstance(answer, Refusal | NotThere | Unavailable), answer
                if not isinstance(answer, Unavailable) and not repeated and action.token not in elsewhere:
                    assert model.seq_of(action.token) is None, "it was refused, and is in the log"


def effort() -> settings:
    """How much is tried."""
    checks = list(HealthCheck)
    if settings.get_current_profile_name() not in {"default", "ci"}:  # the second is chosen by the variable CI alone
        return settings(deadline=None, suppress_health_check=checks)
    return settings(
        max_examples=40, stateful_step_count=15, deadline=None, derandomize=True, suppress_health_check=checks
    )


# A node that dies inside a transaction holds its conversation for seconds: on a busy machine that adds up.
@pytest.mark.timeout(600)
# The driver does not close the socket of a read that is cancelled half-way, and that is how a node dies here.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
def test_random_work_on_crashing_nodes_agrees_with_a_naive_model(database: str) -> None:
    Logs.loop = asyncio.new_event_loop()
    Logs.mongo = Mongo(os.environ[MONGODB], database)
    Logs.loop.run_until_complete(prepared(Logs.mongo))
    try:
        run_state_machine_as_test(Logs, settings=effort())
    finally:
        Logs.loop.run_until_complete(Logs.mongo.close())
        Logs.loop.close()
        gc.collect()  # here, where the warnings above are expected
