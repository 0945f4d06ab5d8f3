"""The page about all scenarios, docs/chaos.md: a row for each, renewed by each run, and whatever people wrote below."""

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from storage.mongo import Mongo
from storage.redis import connect
from tests.chaos.findings import NAMES
from tests.chaos.scenarios.outcome import Outcome

PACKAGES = ("aiohttp", "python-socketio", "pymongo", "redis")
HEAD = ("scenario", "faults", "acked", "deliveries", "violations", "seconds", "date", "measured")
NUMBERS = ("acked", "deliveries", "seconds")
NOTES = "<!-- Below this line people write; the runs keep it as it is. -->"
TOTAL = "**together**"
START = """# Faults under load

`make chaos` runs every scenario below in full, `make soak` the soak and the aborted connections; each run renews its
row. A short form of each runs with the tests. `python -m tests.chaos --help` lists the scenarios.

Clients send until they are answered, under the same id, and `sync` after each reconnect. All that they see goes into a
history, and a checker holds it against the final logs. The checker is tested itself: by bugs that are put into the real
server, each of which it must catch. Times contain whatever else the machine did; `bench/` measures speed."""


async def versions(mongodb_url: str, redis_url: str) -> dict[str, str]:
    """What ran: the interpreter, both databases, and the libraries that matter here."""
    mongo, redis = Mongo(mongodb_url, "admin"), connect(redis_url)
    try:
        about = await mongo.client.admin.command("buildInfo")
        server = await redis.info("server")
    finally:
        await mongo.close()
        await redis.aclose()
    found = {"Python": platform.python_version(), "MongoDB": str(about["version"])}
    found["Redis"] = str(server["redis_version"])
    return found | {name: version(name) for name in PACKAGES}


def record(path: Path, outcome: Outcome) -> None:
    """Renew the row of a scenario on the page, which may not be there yet."""
    text = path.read_text("utf-8") if path.exists() else ""
    path.write_text(page(text, outcome), "utf-8")


def page(text: str, outcome: Outcome) -> str:
    """The page `text` with the row of this scenario renewed, and the total of all rows."""
    rows = {row["scenario"]: row for row in _rows(text)}
    rows[outcome.scenario] = _row(outcome)
    ordered = [rows[name] for name in sorted(rows)]
    machine = f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores"
    ran = outcome.report.ran if outcome.report else {}
    about = ", ".join([machine, *(f"{name} {release}" for name, release in ran.items())])
    anomalies = [(f"`{name}`", meaning) for name, meaning in NAMES.items()]
    lines = [
        START,
        "",
        "## Scenarios",
        "",
        *_table(HEAD, [*([row[name] for name in HEAD] for row in ordered), _total(ordered)]),
        "",
        f"The last of these runs: {outcome.scenario}, on {about}.",
        "",
        "## What is looked for",
        "",
        *_table(("anomaly", "meaning"), anomalies),
        "",
        NOTES,
    ]
    _, _, notes = text.partition(NOTES)
    return "\n".join(lines) + (notes or "\n")


def _row(outcome: Outcome) -> dict[str, str]:
    violations = [f"{name} {count:,}" for name, count in sorted(outcome.found.items())]
    if outcome.broken:
        violations.append(f"bounds not held {len(outcome.broken)}")
    return {
        "scenario": outcome.scenario,
        "faults": ", ".join(f"{kind} {count:,}" for kind, count in sorted(outcome.faults.items())) or "none",
        "acked": f"{outcome.acked:,}",
        "deliveries": f"{outcome.deliveries:,}",
        "violations": ", ".join(violations) or "0",
        "seconds": f"{outcome.seconds:,.0f}",
        "date": outcome.day,
        "measured": "; ".join(f"{name}: {value}" for name, value in outcome.figures.items()).replace("|", "/"),
    }


def _rows(text: str) -> Iterable[dict[str, str]]:
    """The rows of the page as it is."""
    for line in text.partition(NOTES)[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == len(HEAD) and cells[0] not in {HEAD[0], "---", TOTAL}:
            yield dict(zip(HEAD, cells, strict=True))


def _total(rows: Sequence[dict[str, str]]) -> list[str]:
    sums = {name: f"{sum(int(row[name].replace(',', '')) for row in rows):,}" for name in NUMBERS}
    broken = [row["scenario"] for row in rows if row["violations"] != "0"]
    sums["violations"] = f"in {len(broken)} scenarios" if broken else "0"
    return [TOTAL, *(sums.get(name, "") for name in HEAD[1:])]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
