"""`python -m tests.properties --seeds 10000`: T-UNREAD in full, in several processes; it goes on where it was stopped.

What is done is in `var/unread.jsonl`, a line for each seed; `--report docs/unread.md` writes the figures down.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from storage.embedded import Embedded
from tests.harness.servers import MONGODB, REDIS
from tests.properties.playing import play, report


def main() -> int:
    """Play, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--report", type=Path)
    chosen = parser.parse_args()
    os.environ.setdefault("MIXEE_AUTH_ARGON2_MEMORY_KIB", "19456")
    folder = Path(tempfile.mkdtemp(prefix="mixee-stories-"))
    loop = asyncio.new_event_loop()
    embedded = loop.run_until_complete(Embedded.start(folder))
    os.environ[MONGODB], os.environ[REDIS] = str(embedded.mongodb_url), str(embedded.redis_url)
    try:
        results = play(chosen.first, chosen.seeds, chosen.processes)
    finally:
        loop.run_until_complete(embedded.stop())
        shutil.rmtree(folder, ignore_errors=True)
    if chosen.report:
        chosen.report.write_text(report(results))
    return 1 if any(one["wrong"] for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
