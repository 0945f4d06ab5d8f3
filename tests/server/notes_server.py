"""A server of the notes slice as a process of its own, for tests of how processes start, share a port and end."""

import argparse
import sys
from typing import Any

from config.settings import Settings
from server import serving
from server.slices import Slice
from tests.server.notes import slice_of


def main(notes: Slice[Any], *, module: str) -> int:
    """Serve as the environment says; the exit status. `module` is how workers are started."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    chosen = {} if arguments.workers is None else {"workers": arguments.workers}
    settings = Settings(_env_file=None, **chosen)
    return serving.serve(settings, [notes], program=[sys.executable, "-m", module])


if __name__ == "__main__":
    sys.exit(main(slice_of(), module="tests.server.notes_server"))
