"""Several server processes on one port: started, watched, started again, replaced one by one, ended with their parent.

A worker and its parent hold the two ends of a socket pair. The worker says on it that it serves; and when the parent is
gone, however it died, the worker reads the end and stops, so that no start finds the workers of the one before.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from storage.tasks import end

log = logging.getLogger("mixee")

SHARED_PORT = "MIXEE_SHARED_PORT"
"""Set for workers by their parent, to the file descriptor of their end of the line."""
NUMBER = "MIXEE_WORKER"
"""Set likewise, to which of them it is: 1, 2 …"""
FOLDER = "MIXEE_WORKER_FOLDER"
"""Set likewise, to the folder where they hear each other."""
MOST_RESTARTS = 5
"""Deaths of a worker in a row, each before or soon after it served, after which the parent gives up if none serves."""
START_SECONDS = 60.0
"""How long a worker that replaces another may take until it serves."""
STEADY_SECONDS = 10.0
"""A worker that lived this long counts as healthy: its next death is the first again."""
LONGEST_PAUSE = 5.0

Say = Callable[[str], None]


def shares_port() -> bool:
    """Whether this process is a worker beside others."""
    return SHARED_PORT in os.environ


def number() -> int:
    """Which of the workers this process is; 1 when it is alone."""
    return int(os.environ.get(NUMBER, "1"))


@asynccontextmanager
async def line_to_parent(stop: asyncio.Event) -> AsyncIterator[Callable[[], None]]:
    """A worker's end of the line: call what you get once you serve. `stop` is set when the parent is gone."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=int(os.environ[SHARED_PORT])))
    listening = asyncio.create_task(_until_end(reader, stop), name="line to the parent")
    try:
        yield lambda: writer.write(b"serving\n")
    finally:
        listening.cancel()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _until_end(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    with suppress(OSError):
        while await reader.read(100):
            pass
    stop.set()


class Workers:
    """The workers of one parent."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        count: int,
        grace: float,
        serving: Callable[[], None],
        say: Say,
    ) -> None:
        """`grace`: seconds a worker may take to stop. `serving` is called once, when every worker serves."""
        self._command = list(command)
        self._environment = dict(environment)
        self._count = count
        self._grace = grace
        self._all_serve = serving
        self._say = say
        self._serves = {number: asyncio.Event() for number in range(1, count + 1)}
        self._leave = {number: asyncio.Event() for number in range(1, count + 1)}
        self._complete = False
        self._fates: dict[int, asyncio.Future[bool]] = {}
        """Whether a worker that is being replaced came back."""
        self._replacing: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> int:
        """Keep every worker running until `stop`; the exit status."""
        try:
            return max(await asyncio.gather(*(self._keep(number, stop) for number in range(1, self._count + 1))))
        finally:
            if self._replacing is not None:
                await end(self._replacing)

    def replace(self) -> None:
        """Begin to replace the workers one after the other, while the others serve; a signal handler may call it."""
        if not self._complete or (self._replacing is not None and not self._replacing.done()):
            self._say("The workers are just being started: nothing is done.")
        else:
            self._replacing = asyncio.get_running_loop().create_task(self._replace(), name="rolling restart")

    async def _replace(self) -> None:
        self._say("Replacing the workers, one after the other.")
        for number in range(1, self._count + 1):
            fate = self._fates[number] = asyncio.get_running_loop().create_future()
            self._leave[number].set()
            await asyncio.wait({fate}, timeout=self._grace + START_SECONDS)
            del self._fates[number]
            if not (fate.done() and fate.result()):
                self._say(
                    f"Worker {number} does not come back: see above why. It is tried again and again; "
                    "those after it were not replaced."
                )
                return
            self._say(f"Worker {number} was replaced.")
        self._say("Every worker was replaced.")

    def _tell_fate(self, number: int, *, came_back: bool) -> None:
        fate = self._fates.get(number)
        if fate is not None and not fate.done():
            fate.set_result(came_back)

    async def _keep(self, number: int, stop: asyncio.Event) -> int:
        loop = asyncio.get_running_loop()
        deaths = 0
        while not stop.is_set():
            born = loop.time()
            status, served = await self._live(number, stop)
            if stop.is_set():
                break
            if self._leave[number].is_set():
                self._leave[number].clear()
                deaths = 0
                continue
            if not served:
                self._tell_fate(number, came_back=False)
            deaths = 1 if served and loop.time() - born >= STEADY_SECONDS else deaths + 1
            alone = not any(one.is_set() for one in self._serves.values())
            if (deaths >= MOST_RESTARTS and alone) or not (served or self._complete):
                self._say(f"Worker {number} ended with status {status} right after its start: see above why.")
                stop.set()
                return 1
            log.error("worker %d ended with status %s and is started again", number, status)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(2.0**deaths / 8, LONGEST_PAUSE))
        return 0

    async def _live(self, number: int, stop: asyncio.Event) -> tuple[int, bool]:
        """One life of a worker: its exit status, and whether it ever served."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment | {SHARED_PORT: str(theirs.fileno()), NUMBER: str(number)},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C in a terminal is for the parent, which stops us in order
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        hearing = asyncio.create_task(self._hear(reader, number), name=f"line to worker {number}")
        try:
            status = await self._until_over(process, stop, self._leave[number])
            return status, await hearing
        finally:
            hearing.cancel()
            self._serves[number].clear()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _hear(self, reader: asyncio.StreamReader, number: int) -> bool:
        with suppress(OSError):
            if await reader.readline():
                self._serves[number].set()
                self._tell_fate(number, came_back=True)
                if self._complete:
                    log.info("worker %d serves again", number)
                elif all(one.is_set() for one in self._serves.values()):
                    self._complete = True
                    self._all_serve()
                return True
        return False

    async def _until_over(self, process: asyncio.subprocess.Process, stop: asyncio.Event, leave: asyncio.Event) -> int:
        ended = asyncio.create_task(process.wait())
        told = [asyncio.create_task(one.wait()) for one in (stop, leave)]
        await asyncio.wait({ended, *told}, return_when=asyncio.FIRST_COMPLETED)
        for one in told:
            one.cancel()
        if not ended.done():
            process.terminate()
            await asyncio.wait({ended}, timeout=self._grace)
            if not ended.done():
                process.kill()
        return await ended
