"""The command line: `python -m tests.chaos SCENARIO` runs one scenario in full, or short; `all` runs every one."""

import argparse
import asyncio
import dataclasses
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests.chaos.checker import check_file
from tests.chaos.harness import Place
from tests.chaos.paper import record
from tests.chaos.scenarios import kills, leak, links, presence, redis, resumes, rolling, slow, soak, storm
from tests.chaos.scenarios.outcome import Outcome

T = TypeVar("T")

Play = Callable[[Any, Place], Awaitable[Outcome]]

SCENARIOS: dict[str, tuple[Play, Any, Any, str]] = {
    "kills": (kills.play, kills.FULL, kills.SHORT, kills.__doc__ or ""),
    "redis": (redis.play, redis.FULL, redis.SHORT, redis.__doc__ or ""),
    "links": (links.play, links.FULL, links.SHORT, links.__doc__ or ""),
    "rolling": (rolling.play, rolling.FULL, rolling.SHORT, rolling.__doc__ or ""),
    "storm": (storm.play, storm.FULL, storm.SHORT, storm.__doc__ or ""),
    "resumes": (resumes.play, resumes.FULL, resumes.SHORT, resumes.__doc__ or ""),
    "slow": (slow.play, slow.FULL, slow.SHORT, slow.__doc__ or ""),
    "presence": (presence.play, presence.FULL, presence.SHORT, presence.__doc__ or ""),
    "leak": (leak.play, leak.FULL, leak.SHORT, leak.__doc__ or ""),
    "soak": (soak.play, soak.FULL, soak.SHORT, soak.__doc__ or ""),
}
ALL, CHECK = "all", "check"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    listed = "\n".join(f"  {name:<10}{about}" for name, (_, _, _, about) in SCENARIOS.items())
    line = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=f"Put faults into a cluster under load and check that every promise was kept.\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    line.add_argument("scenario", choices=[*SCENARIOS, ALL, CHECK], nargs="+")
    line.add_argument("--short", action="store_true", help="the form that runs with the tests")
    line.add_argument("--messages", type=int, help="messages that must be acknowledged, where there is a checker")
    line.add_argument("--rate", type=float, help="messages a second at most")
    line.add_argument("--seed", type=int, help="the same seed gives the same choices")
    line.add_argument("--minutes", type=float, help="length of the soak")
    line.add_argument("--folder", type=Path, help="where histories and logs are kept (a new temporary folder)")
    line.add_argument("--report", type=Path, help="a page, docs/chaos.md, whose rows for these scenarios are renewed")
    line.add_argument("--history", type=Path, help="the history that `check` reads")
    return line


def adjusted(options: Any, arguments: argparse.Namespace) -> Any:
    """The options of a scenario with what the command line says over them, as far as it has to do with them."""
    fields = {field.name for field in dataclasses.fields(options)}
    if "plan" in fields:
        given = {name: getattr(arguments, name) for name in ("messages", "rate", "seed")}
        plan = dataclasses.replace(options.plan, **{name: value for name, value in given.items() if value is not None})
        options = dataclasses.replace(options, plan=plan)
    if "minutes" in fields and arguments.minutes is not None:
        options = dataclasses.replace(options, minutes=arguments.minutes)
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Run scenarios; 0 when all are clean, 1 when a promise was broken or a bound not held."""
    arguments = parser().parse_args(words)
    if CHECK in arguments.scenario:
        report = check_file(arguments.history)
        print(report.table())
        return 0 if report.clean else 1
    names = list(SCENARIOS) if ALL in arguments.scenario else arguments.scenario
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="mixee-chaos-"))
    print(f"histories and logs: {folder}", file=sys.stderr)
    outcomes = [_one(name, arguments, folder / name) for name in names]
    print(f"together: {sum(one.acked for one in outcomes):,} messages acknowledged")
    clean = all(one.clean for one in outcomes)
    if clean and arguments.folder is None:
        shutil.rmtree(folder)
    return 0 if clean else 1


def _one(name: str, arguments: argparse.Namespace, folder: Path) -> Outcome:
    play, full, short, _ = SCENARIOS[name]
    folder.mkdir(parents=True, exist_ok=True)
    options = adjusted(short if arguments.short else full, arguments)
    outcome = asyncio.run(_until_stopped(_play(play, options, Place(folder=folder))))
    print(outcome.text(), flush=True)
    if arguments.report is not None:
        record(arguments.report, outcome)
    return outcome


async def _play(play: Play, options: Any, place: Place) -> Outcome:
    return await play(options, place)


async def _until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """Do the run. SIGTERM ends it as Ctrl+C does, so that no server is left behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    sys.exit(main())
