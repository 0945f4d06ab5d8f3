"""Several server processes on one port: started, watched, started again, and ended with their parent.

A worker and its parent hold the two ends of a socket pair. The worker says on it that it serves; and when the parent is
gone, however it died, the worker reads the end and stops, so that no start finds the workers of the one before.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

log = logging.getLogger("mixee")

SHARED_PORT = "MIXEE_SHARED_PORT"
"""Set for workers by their parent, to the file descriptor of their end of the line."""
MOST_RESTARTS = 5
"""Deaths of a worker in a row, each before or soon after it served, after which the parent gives up."""
STEADY_SECONDS = 10.0
"""A worker that lived this long counts as healthy: its next death is the first again."""
LONGEST_PAUSE = 5.0

Say = Callable[[str], None]


def shares_port() -> bool:
    """Whether this process is a worker beside others."""
    return SHARED_PORT in os.environ


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
        self._serving: set[int] = set()
        self._complete = False

    async def run(self, stop: asyncio.Event) -> int:
        """Keep every worker running until `stop`; the exit status."""
        return max(await asyncio.gather(*(self._keep(number, stop) for number in range(1, self._count + 1))))

    async def _keep(self, number: int, stop: asyncio.Event) -> int:
        loop = asyncio.get_running_loop()
        deaths = 0
        while not stop.is_set():
            born = loop.time()
            status, served = await self._live(number, stop)
            if stop.is_set():
                break
            deaths = 1 if served and loop.time() - born >= STEADY_SECONDS else deaths + 1
            if deaths >= MOST_RESTARTS or not (served or self._complete):
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
                env=self._environment | {SHARED_PORT: str(theirs.fileno())},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C in a terminal is for the parent, which stops us in order
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        hearing = asyncio.create_task(self._hear(reader, number), name=f"line to worker {number}")
        try:
            status = await self._until_over(process, stop)
            return status, await hearing
        finally:
            hearing.cancel()
            self._serving.discard(number)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _hear(self, reader: asyncio.StreamReader, number: int) -> bool:
        with suppress(OSError):
            if await reader.readline():
                self._serving.add(number)
                if self._complete:
                    log.info("worker %d serves again", number)
                elif len(self._serving) == self._count:
                    self._complete = True
                    self._all_serve()
                return True
        return False

    async def _until_over(self, process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            process.terminate()
            await asyncio.wait({ended}, timeout=self._grace)
            if not ended.done():
                process.kill()
        return await ended
