"""The report of a run for people: what was done, with what, and what came out, as Markdown."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from storage.mongo import Mongo
from storage.redis import connect
from tests.chaos.findings import NAMES, Report
from tests.chaos.plan import Plan

PACKAGES = ("aiohttp", "python-socketio", "pymongo", "redis")


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


def markdown(report: Report, plan: Plan, ran: dict[str, str]) -> str:
    """The report as a page."""
    counts = report.counts
    verdict = "No promise was broken." if report.clean else "**Promises were broken.**"
    outcome = (
        f"{verdict} {counts['acked']:,} messages were acknowledged while {counts['node kills']} times one of "
        f"{plan.nodes} server processes was ended with `kill -9` and started again."
    )
    load = (
        f"{plan.users} clients in {plan.conversations} conversations of {plan.members} members or more, all on one "
        f"MongoDB (one member, `w: majority, j: true`) and one Redis. {plan.twice:.0%} of the messages are sent twice "
        f"at once, {plan.cuts:.0%} of the clients lose their connection in each second; members are added or removed "
        f"{plan.changes:g} times a second. Clients send again until they are answered, and `sync` after each reconnect."
    )
    lines = [
        "# Killing servers under load",
        "",
        outcome,
        "",
        "`make chaos` repeats this run. `tests/chaos` holds the clients, the faults, the checker, and the test of the",
        "checker: bugs that are put into the real server, each of which it must catch.",
        "",
        "## The run",
        "",
        *_table(("", ""), [("Date", datetime.now(UTC).date().isoformat()), *_machine(ran)]),
        "",
        load,
        "",
        "## What happened",
        "",
        *_table(("count", "number"), [(name, f"{count:,}") for name, count in sorted(counts.items())]),
        "",
        *_table(("milliseconds", "p50", "p95", "p99"), [_spread("send to acknowledgement", report.ack.document())]),
        "",
        "Times include retries across kills and contain whatever else the machine did; `bench/` measures speed.",
        "",
        "## What was looked for",
        "",
        *_table(
            ("anomaly", "meaning", "found"),
            [(f"`{name}`", meaning, f"{report.found[name]:,}") for name, meaning in NAMES.items()],
        ),
    ]
    return "\n".join([*lines, *(f"- {one.name}: {one.sentence}" for one in report.violations[:20]), ""])


def _machine(ran: dict[str, str]) -> list[tuple[str, str]]:
    return [("Machine", f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores"), *ran.items()]


def _spread(name: str, figures: dict[str, float]) -> tuple[str, ...]:
    return name, *(f"{figures[part]:,.0f}" for part in ("p50", "p95", "p99"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
