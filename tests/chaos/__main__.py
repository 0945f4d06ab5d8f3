"""The command line of a chaos run: `python -m tests.chaos --kills 50 --messages 100000 --seed 1 --report PATH`."""

import argparse
import asyncio
import dataclasses
import signal
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.chaos.checker import check_file
from tests.chaos.findings import Report
from tests.chaos.harness import run
from tests.chaos.paper import markdown
from tests.chaos.plan import Plan

NUMBERS = ("seed", "messages", "kills", "nodes", "users", "conversations", "members", "window")
RATES = ("rate", "twice", "cuts", "changes", "rest")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kill server processes under load and check that every promise to the clients was kept.",
    )
    plan = Plan()
    for name in NUMBERS:
        line.add_argument(f"--{name}", type=int, default=getattr(plan, name), help="(%(default)s)")
    for name in RATES:
        line.add_argument(f"--{name}", type=float, default=getattr(plan, name), help="(%(default)s)")
    line.add_argument("--folder", type=Path, help="where history and logs are kept (a new temporary folder)")
    line.add_argument(
        "--report", type=Path, help="where the report is written: as a page if it ends in .md, else as JSON"
    )
    line.add_argument("--check", type=Path, metavar="HISTORY", help="only check a history that is there already")
    return line


def main(words: Sequence[str] | None = None) -> int:
    """Do a run; 0 when it is clean, 1 when a promise was broken."""
    arguments = parser().parse_args(words)
    if arguments.check:
        return _end(check_file(arguments.check), None, arguments.report)
    plan = Plan(**{name: getattr(arguments, name) for name in (*NUMBERS, *RATES)})
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="mixee-chaos-"))
    print(f"history and logs: {folder}", file=sys.stderr)
    return _end(asyncio.run(_until_stopped(run(plan, folder))), plan, arguments.report)


async def _until_stopped(work: Coroutine[Any, Any, Report]) -> Report:
    """Do the run. SIGTERM ends it as Ctrl+C does, so that no server is left behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _end(report: Report, plan: Plan | None, path: Path | None) -> int:
    print(report.table())
    print("clean" if report.clean else "NOT CLEAN")
    if path is not None:
        path.write_bytes(_page(report, plan) if path.suffix == ".md" else _document(report, plan))
    return 0 if report.clean else 1


def _page(report: Report, plan: Plan | None) -> bytes:
    return markdown(report, plan or Plan(), report.ran).encode()


def _document(report: Report, plan: Plan | None) -> bytes:
    document = {"plan": dataclasses.asdict(plan) if plan else None, **report.document()}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


if __name__ == "__main__":
    sys.exit(main())
