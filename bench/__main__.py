"""All benchmarks, one after the other, on one MongoDB and Redis: `python -m bench` (`make bench`)."""

import asyncio
import sys

from bench import durable, fanout, handshakes, idle, inbound, workers
from bench.crowd import Lost
from bench.lab import Lab, parse
from bench.programs import NotReady
from bench.running import Bench, run
from bench.websocket import Unexpected

ALL: dict[str, Bench] = {
    "fanout": fanout.bench,
    "inbound": inbound.bench,
    "durable": durable.bench,
    "handshakes": handshakes.bench,
    "workers": workers.bench,
    "idle": idle.bench,
}


async def main() -> int:
    """Run all; the exit status. One that fails does not keep the others from running."""
    failed = 0
    async with Lab(parse(None, __doc__ or "")) as lab:
        for name, bench in ALL.items():
            print(f"bench.{name} …", flush=True)
            try:
                await run(bench, lab)
            except (Lost, NotReady, Unexpected) as error:
                print(f"bench.{name} failed: {error}", file=sys.stderr, flush=True)
                failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
