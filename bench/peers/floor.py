"""The floor: a C program that does nothing but one send(2) per member. No server on this kernel can do it for less."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.peer import Peer
from bench.programs import Program, free_port

NAME = "C send(2)"
SOURCE = Path(__file__).parents[1] / "reference" / "floor.c"


class NoCompiler(RuntimeError):
    """There is no C compiler; the message says how to get one."""


@dataclass(slots=True)
class Floor(Peer):
    """It has no protocol: a byte asks for one event to the first members (`s`: 3, `a`: all)."""

    def message(self, group: str, number: int, ack: int) -> bytes:
        """The byte for the group."""
        del number, ack  # it counts nothing
        return group.encode()


def build(binary: Path) -> None:
    """Compile it. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompiler("no C compiler, so no floor: apt-get install gcc libc6-dev")
    subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-o", str(binary), str(SOURCE)], check=True)


async def start(folder: Path, *, on: Sequence[int], members: int, small: int, frame: int) -> Floor:
    """Build and start it, for so many members and events of `frame` bytes. Raises NoCompiler."""
    binary = folder / "floor"
    build(binary)
    port = free_port()
    program = Program.start(
        "floor", [str(binary), str(port), str(members), str(small), str(frame)], folder=folder, on=on, more={}
    )
    await program.ready(lambda: "listening" in program.said())
    return Floor(NAME, port, [program], [program.pid])
