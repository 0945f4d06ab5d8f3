"""What a process that dies had not noted yet is pushed all the same."""

import os
import signal
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from handlers.push.service.watch import SILENT
from tests.conftest import People
from tests.handlers.chat.helpers import direct, say
from tests.handlers.push.endpoints import Service
from tests.handlers.push.test_pushing import idle, opened, subscribe
from tests.harness.clock import TurnableClock
from tests.harness.processes import PYTHON, Program, environment
from tests.harness.servers import MONGODB, REDIS, until


async def forgetful(database: str, folder: Path) -> tuple[Program, str]:
    """A server on the test's database that is a process of its own; and where it is."""
    env = environment(
        MIXEE_PORT="0",
        MIXEE_WORKERS="1",
        MIXEE_LIMITS="off",
        MIXEE_DATA_DIR=str(folder),
        MIXEE_MONGODB_URL=os.environ[MONGODB],
        MIXEE_REDIS_URL=os.environ[REDIS],
        MIXEE_MONGODB_DATABASE=database,
        **{name: value for name, value in os.environ.items() if name.startswith("MIXEE_PUSH_")},
    )
    program = await Program.start(PYTHON, "-m", "tests.handlers.push.forgetful_server", "serve", env=env)
    await program.says("Press Ctrl+C to stop.")
    return program, (await program.says("  server ")).split()[-1]


async def test_what_a_killed_process_had_not_noted_is_pushed_by_another(
    pushing: Service, people: People, database: str, clock: TurnableClock, tmp_path: Path
) -> None:
    ada, bob = await people("ada", "bob")
    browser = await subscribe(bob, pushing)
    conversation = await direct(ada, bob)
    await say(ada, conversation, "Noted as it should be")
    await idle(bob)
    program, url = await forgetful(database, tmp_path)
    try:
        there: Any = SimpleNamespace(url=url)
        await say(ada.at(there), conversation, "Committed, and then the process was killed")
        program.tell(signal.SIGKILL)
        await program.ended()
    finally:
        await program.clear()
    assert [told["body"] for told in opened(pushing, browser)] == ["Noted as it should be"]

    clock.advance(seconds=(SILENT + timedelta(seconds=1)).total_seconds())
    await ada.server.service("push").watch.beat()
    await until(lambda: len(opened(pushing, browser)) == 2)
    await idle(bob)

    told = opened(pushing, browser)
    assert [(one["body"], one["unread"]) for one in told[1:]] == [("Committed, and then the process was killed", 2)]
    assert await ada.server.app.mongo.collection("push_nodes").count({}) == 1  # the one that lives


async def test_what_another_process_has_noted_is_not_noted_again(pushing: Service, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    browser = await subscribe(bob, pushing)
    await subscribe(cleo, pushing, "cleo")
    began = ada.server.app.clock.now()
    one, other = await direct(ada, bob), await direct(ada, cleo)
    await say(ada, one, "Noted")
    await idle(bob)
    push = ada.server.service("push")
    push.intake.heard = lambda _: None
    lost = await say(ada, other, "Lost")

    found = await push._chat.notices.since(began, limit=100)
    first, second = await push.intake.make_up(found), await push.intake.make_up(found)
    await idle(cleo)

    assert [(spoken.conversation_id, spoken.seq, spoken.sender) for spoken in found] == [
        (other, lost["seq"], ada.id),
        (one, 2, ada.id),
    ]
    assert (first, second) == (1, 0)
    assert [told["body"] for told in opened(pushing, browser)] == ["Noted"]
    assert len(await push._chat.notices.since(began, limit=1)) == 1
    assert await push._chat.notices.since(ada.server.app.clock.now(), limit=100) == []
