"""Runs one benchmark from its command line."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.circumstances import circumstances
from bench.lab import Lab, parse
from bench.report import Report, write

Bench = Callable[[Lab], Awaitable[Report]]


def main(bench: Bench, description: str | None) -> None:
    """Run it, print what it found, and keep that when `--write` says so."""
    asyncio.run(_main(bench, description or ""))


async def _main(bench: Bench, description: str) -> None:
    options = parse(None, description)
    async with Lab(options) as lab:
        await run(bench, lab)


async def run(bench: Bench, lab: Lab) -> Report:
    """Run it in a lab; the report is printed, and written when that is wanted."""
    started = time.monotonic()
    try:
        report = await bench(lab)
    finally:
        lab.clear()
    report.notes += [*lab.missing, *filter(None, [lab.options.note])]
    lab.missing.clear()
    print(f"\n{report.text()}\n", flush=True)
    if lab.options.write:
        write(report, await circumstances(lab, report.name, time.monotonic() - started))
    return report
