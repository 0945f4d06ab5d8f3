"""Stock python-socketio on aiohttp, as its documentation shows it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.peers.peer import Peer
from bench.programs import Program, free_port, listens

NAME = "python-socketio"


async def start(folder: Path, *, on: Sequence[int], key: str) -> Peer:
    """Start the reference server; `key` is the public key in PEM that tokens are checked with."""
    port = free_port()
    program = Program.start(
        f"stock-{port}",
        [sys.executable, "-m", "bench.reference.stock"],
        folder=folder,
        on=on,
        more={"PORT": str(port), "PUBLIC_KEY": key},
    )
    await program.ready(lambda: listens(port))
    return Peer(NAME, port, [program], [program.pid])
