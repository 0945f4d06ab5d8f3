"""Keeps connections open in a process of its own: `python -m bench.holder PORT FILE`, one CONNECT payload a line.

It says `in` once all are, and then answers pings until it is ended. Its memory and its descriptors are its own.
"""

import sys
from pathlib import Path

from bench.crowd import Crowd


def main() -> None:
    """Hold."""
    port, auths = int(sys.argv[1]), Path(sys.argv[2]).read_bytes().splitlines()
    with Crowd(f"port {port}", port) as crowd:
        crowd.join(auths)
        print("in", flush=True)
        while True:
            crowd.pump(10.0)


if __name__ == "__main__":
    main()
