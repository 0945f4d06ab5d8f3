"""Stories in several processes: what is done is in `var/unread.jsonl`, a line for each seed, and is not done again."""

import asyncio
import json
import multiprocessing
import secrets
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty
from typing import Any

from tests.properties.place import Place
from tests.properties.unread import Unread, stories

DONE = Path("var/unread.jsonl")
PROGRESS_SECONDS = 15.0


def work(numbers: Any, results: Any) -> None:
    """One process: two servers on a database of their own, and one seed after the other."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    Unread.loop, Unread.place = loop, loop.run_until_complete(Place.open(f"stories_{secrets.token_hex(6)}"))
    try:
        while (number := numbers.get()) is not None:
            began, wrong = time.monotonic(), ""
            try:
                stories(number)
            except Exception:  # noqa: BLE001 - a story that fails is a result
                wrong = traceback.format_exc()
            results.put({"seed": number, "seconds": round(time.monotonic() - began, 2), "wrong": wrong})
    finally:
        loop.run_until_complete(Unread.place.close())


def play(first: int, count: int, processes: int) -> list[dict[str, Any]]:
    """Play the seeds that were not played yet; all results."""
    DONE.parent.mkdir(exist_ok=True)
    lines = DONE.read_text().splitlines() if DONE.exists() else []
    known = {one["seed"]: one for one in map(json.loads, lines)}
    wanted = range(first, first + count)
    left = [number for number in wanted if number not in known]
    context = multiprocessing.get_context("spawn")
    numbers, results = context.Queue(), context.Queue()
    for number in [*left, *[None] * processes]:
        numbers.put(number)
    workers = [context.Process(target=work, args=(numbers, results)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    shown = time.monotonic()
    with DONE.open("a") as out:
        for done in range(len(left)):
            found = _next(results, workers)
            known[found["seed"]] = found
            out.write(json.dumps(found) + "\n")
            out.flush()
            if found["wrong"]:
                print(f"seed {found['seed']}:\n{found['wrong']}", flush=True)
            if time.monotonic() - shown > PROGRESS_SECONDS or done == len(left) - 1:
                shown = time.monotonic()
                wrong = sum(bool(known[one]["wrong"]) for one in wanted if one in known)
                print(f"{count - len(left) + done + 1:,} of {count:,} seeds, {wrong} wrong", flush=True)
    for worker in workers:
        worker.join()
    return [known[number] for number in wanted]


def _next(results: Any, workers: list[Any]) -> dict[str, Any]:
    while True:
        try:
            found: dict[str, Any] = results.get(timeout=5)
        except Empty:
            if not any(worker.is_alive() for worker in workers):
                raise RuntimeError("every process has ended before the seeds did") from None
        else:
            return found


def report(results: list[dict[str, Any]]) -> str:
    """The figures as a page."""
    wrong = [one["seed"] for one in results if one["wrong"]]
    seconds = sum(one["seconds"] for one in results)
    return f"""# Unread messages against a recount

`make properties` lets Hypothesis make up a story for each seed. Five people on three devices each, at two servers, say,
read, hide, delete, edit, block, mute, mark, leave, return, hang up, come back and `sync`; the clock jumps. After every
pause the counters of the server, a recount of the log by brute force, what each connected device has counted from what
it was told, and the last badge that each sleeping device was told must be equal.

| | |
| --- | --- |
| seeds | {results[0]["seed"]:,} to {results[-1]["seed"]:,} |
| stories that hold | {len(results) - len(wrong):,} |
| seeds that do not | {", ".join(map(str, wrong)) or "none"} |
| seconds for each | {seconds / len(results):.1f} |
| date | {datetime.now(UTC):%Y-%m-%d} |
"""
