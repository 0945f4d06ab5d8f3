"""Twenty stock clients of one kind who write to each other, and what came of it: for servers of the notes slice."""

import asyncio
import json
from typing import Any, NamedTuple

import socketio

from tests.harness.processes import NODE, ROOT, Program
from tests.harness.servers import until

CROWD = 20
NOTES = 3
PATIENCE = 40.0
TRANSPORTS = {"polling only": ["polling"], "polling, then upgrade": None, "WebSocket only": ["websocket"]}


class Crowd(NamedTuple):
    """What came of a crowd: notes that were acknowledged and heard, what went wrong, transports, workers."""

    acks: int
    heard: int
    errors: list[str]
    used: list[str]
    workers: list[str]


async def crowd_of_python(url: str, transports: list[str] | None) -> Crowd:
    """Stock python-socketio clients: each writes notes to the next."""
    heard: list[list[str]] = [[] for _ in range(CROWD)]
    errors: list[str] = []
    clients = [socketio.AsyncClient(reconnection=False) for _ in range(CROWD)]

    async def live(number: int) -> int:
        client, before = clients[number], f"py{(number - 1) % CROWD}"

        async def note(data: dict[str, str]) -> None:
            if data["author"] == before:
                heard[number].append(data["text"])

        client.on("note:new", note)
        client.on("connect_error", lambda data: errors.append(str(data)))
        await client.connect(url, auth={"token": f"user:py{number}"}, transports=transports, wait_timeout=PATIENCE)
        ready[number].set()
        for one in ready:
            await one.wait()
        new = [{"text": str(turn), "to": [f"py{(number + 1) % CROWD}"]} for turn in range(NOTES)]
        return sum([(await client.call("note:write", one, timeout=PATIENCE))["ok"] for one in new])

    ready = [asyncio.Event() for _ in range(CROWD)]
    acks = await asyncio.gather(*(live(number) for number in range(CROWD)))
    await until(lambda: all(len(one) == NOTES for one in heard), seconds=PATIENCE)
    assert heard == [[str(turn) for turn in range(NOTES)]] * CROWD
    used = {str(client.transport()) for client in clients}
    workers = {str(client.eio.sid)[:3] for client in clients}
    await asyncio.gather(*(client.disconnect() for client in clients))
    return Crowd(sum(acks), sum(map(len, heard)), errors, sorted(used), sorted(workers))


async def crowd_of_javascript(url: str, transports: list[str] | None) -> Crowd:
    """Stock socket.io-clients in one Node process."""
    given: dict[str, Any] = {"url": url, "count": CROWD, "notes": NOTES}
    if transports:
        given["transports"] = transports
    program = await Program.start(NODE, str(ROOT / "tests" / "js" / "crowd.mjs"), json.dumps(given))
    assert await program.ended(PATIENCE * 2) == 0, program.said
    return Crowd(**json.loads(program.out[-1]))


CROWDS = {"Python": crowd_of_python, "JavaScript": crowd_of_javascript}


def expected(transports: list[str] | None) -> Crowd:
    """What must come of a crowd before two workers: everything arrives, by the wanted transport, at both."""
    return Crowd(
        acks=CROWD * NOTES,
        heard=CROWD * NOTES,
        errors=[],
        used=["polling" if transports == ["polling"] else "websocket"],
        workers=["w01", "w02"],
    )
