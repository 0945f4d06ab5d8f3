"""The life of one private server: started on a port, healed when it dies, stopped in order, its log kept small."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from storage.embedded import logs
from storage.embedded.binaries import Binary, Kind, ending
from storage.embedded.errors import DataRefused, EmbeddedError, PortTaken
from storage.embedded.folder import HOST, free_port, remembered_port, write_private
from storage.embedded.orphans import end_survivor

log = logging.getLogger("mixee.embedded")

START_SECONDS = 180.0
"""How long a server may take to be ready: after a crash, a large journal is replayed first."""
PATIENCE_SECONDS = 10.0
"""How often a server that is not ready yet is spoken of."""
STOP_SECONDS = 20.0
"""How long a server may take to close its data before it is killed."""
PORT_RACES = 5
FIRST_DELAY = 0.2
LAST_DELAY = 30.0
"""Seconds before a dead server is started again: doubled each time, up to this."""
STEADY_SECONDS = 60.0
"""A server that lived this long is healthy: its next death is the first again."""
LAUNCHER = Path(__file__).with_name("launch.py")

Progress = Callable[[str], None]


class Server(ABC):
    """One server below its own folder. A subclass says how it is configured and when it is ready."""

    kind: ClassVar[Kind]
    port_in_use: ClassVar[str] = "Address already in use"
    data_refused: ClassVar[tuple[str, ...]] = ()
    """What the log says when the data is of a release that this binary does not understand."""

    def __init__(self, folder: Path, binaries: Sequence[Binary], progress: Progress) -> None:
        self.folder = folder
        self.binaries = binaries
        self.binary = binaries[0]
        self.port = 0
        self.trouble = ""
        """Why `ready` still waits, for the message when it waited too long."""
        self._progress = progress
        self._process: Process | None = None
        self._keeper: asyncio.Task[Any] | None = None
        self.log_file = folder / f"{self.kind.program}.log"
        self.config_file = folder / f"{self.kind.program}.conf"
        self._pid_file = folder / f"{self.kind.program}.pid"
        self._port_file = folder / "port"
        self._output = folder / "output.log"

    @property
    @abstractmethod
    def url(self) -> str:
        """How a client reaches it, with the password."""

    @abstractmethod
    def configuration(self) -> str:
        """The configuration file for the present port."""

    @abstractmethod
    async def ready(self) -> None:
        """Return once clients can work, after whatever a first start needs. The caller bounds the wait."""

    @abstractmethod
    def log_moved(self) -> None:
        """Tell the running server that its log file was moved away. Raises OSError when it runs no more."""

    @property
    def pid(self) -> int | None:
        """The process id, or None while none runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """End what an earlier run left, then start with the newest binary that understands the data.

        Raises EmbeddedError.
        """
        await end_survivor(self._pid_file, self.config_file, seconds=STOP_SECONDS, tell=self._tell_survivor)
        refusals: list[DataRefused] = []
        for binary in self.binaries:
            self.binary = binary
            try:
                await self._start_on_free_port()
            except DataRefused as refusal:
                log.warning("%s", refusal)
                refusals.append(refusal)
            else:
                return
        raise refusals[0]

    async def stop(self) -> None:
        """End it: ask, wait, then kill. Doing it twice is harmless."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._process is None:
            return
        await self._send(signal.SIGTERM, STOP_SECONDS)
        if self.pid is not None:
            log.error("%s did not end within %.0f s and is killed", self.kind.title, STOP_SECONDS)
            await self._send(signal.SIGKILL, None)
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    async def keep(self) -> None:
        """Start it again, on the same port, each time it dies. Runs until it is cancelled, as `stop` does too."""
        self._keeper = asyncio.current_task()
        delay = FIRST_DELAY
        clock = asyncio.get_running_loop().time
        while self._process is not None:
            since = clock()
            code = await self._process.wait()
            delay = FIRST_DELAY if clock() - since >= STEADY_SECONDS else delay
            log.error("%s %s; it is started again in %.1f s", self.kind.title, ending(code), delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)
            try:
                await self._run()
            except EmbeddedError as error:
                log.error("%s", error)  # noqa: TRY400 - the message is for the operator, a stack says nothing
            else:
                log.warning("%s runs again as process %d on port %d", self.kind.title, self._process.pid, self.port)

    def trim_log(self) -> None:
        """Move the log aside when it has grown too large."""
        try:
            if logs.rotate(self.log_file):
                self.log_moved()
        except OSError as error:
            log.warning("the log %s could not be moved aside: %s", self.log_file, error)

    async def _start_on_free_port(self) -> None:
        wanted = remembered_port(self._port_file)
        for _ in range(PORT_RACES):
            self.port = free_port(wanted)
            self._progress(f"starting {self.kind.title} {self.binary.release} on {HOST}:{self.port}")
            try:
                await self._run()
            except PortTaken as error:
                log.warning("%s", error)
                wanted = None
            else:
                write_private(self._port_file, str(self.port))
                return
        raise EmbeddedError(
            f"{self.kind.title} lost {PORT_RACES} ports to other programs while starting: start Mixee again, "
            f"or set {self.kind.setting}"
        )

    async def _run(self) -> None:
        """Start one process on the present port and wait until it is ready. Raises EmbeddedError; then none runs."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            logs.rotate(self.log_file)
            log_start = logs.size(self.log_file)
            write_private(self.config_file, self.configuration())
            self._process = process = await self._spawn()
        except OSError as error:
            raise EmbeddedError(f"{self.kind.title} cannot be started in {self.folder}: {error}") from error
        try:
            await self._until_ready(process, began + START_SECONDS, log_start)
        except EmbeddedError:
            await self._send(signal.SIGKILL, None)
            raise
        self._progress(f"{self.kind.title} is ready after {loop.time() - began:.1f} s")

    async def _spawn(self) -> Process:
        with self._output.open("wb") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                LAUNCHER,
                str(os.getpid()),
                self._pid_file,
                self.binary.path,
                *self.arguments(),
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=self.binary.environment,
                start_new_session=True,  # Ctrl-C in a terminal is for the parent, which stops us in order
            )

    def arguments(self) -> list[str]:
        """What follows the program's name on its command line."""
        return [str(self.config_file)]

    async def _until_ready(self, process: Process, end: float, log_start: int) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        death = asyncio.create_task(process.wait())
        ready = asyncio.create_task(self.ready())
        try:
            while not death.done() and not ready.done():
                if clock() >= end:
                    raise EmbeddedError(self._too_late(log_start))
                await asyncio.wait((death, ready), timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not death.done() and not ready.done():
                    self._progress(f"{self.kind.title} is not ready yet ({clock() - began:.0f} s)")
            if death.done():  # whoever answered then, it was not our server
                raise self._obituary(death.result(), log_start)
            ready.result()
        finally:
            await _abandon(death, ready)

    def _words(self, log_start: int) -> str:
        return self._output.read_text("utf-8", "replace") + logs.read_since(self.log_file, log_start)

    def _obituary(self, code: int, log_start: int) -> EmbeddedError:
        words = self._words(log_start)
        name = f"{self.kind.title} {self.binary.release}"
        if self.port_in_use in words:
            return PortTaken(f"{name} found port {self.port} taken")
        story = f"{name} {ending(code)} while starting. Its last words, of {self.log_file}:\n{logs.last_words(words)}"
        if any(sign in words for sign in self.data_refused):
            return DataRefused(
                f"{story}\nThe data in {self.folder} was written by another release of {self.kind.title}: "
                f"put that release's `{self.kind.program}` on PATH, or move the folder away to start with no data"
            )
        return EmbeddedError(
            f"{story}\nIf this is not for you to mend, set {self.kind.setting} to a server of your own"
        )

    def _too_late(self, log_start: int) -> str:
        return (
            f"{self.kind.title} was not ready after {START_SECONDS:.0f} s ({self.trouble or 'it does not listen'}). "
            f"Its last words, of {self.log_file}:\n{logs.last_words(self._words(log_start))}\n"
            f"Start Mixee again when this machine is less busy, or set {self.kind.setting} to a server of your own"
        )

    async def _send(self, number: signal.Signals, seconds: float | None) -> None:
        """Send a signal that ends the process, and wait for its end, `seconds` at most."""
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), seconds)

    def _tell_survivor(self, pid: int) -> None:
        self._progress(f"stopping {self.kind.title} of an earlier run (process {pid})")


async def _abandon(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they end: a driver may take a cancellation for a failed attempt, and try again."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=1.0)
    await asyncio.gather(*tasks, return_exceptions=True)


async def listening(port: int) -> None:
    """Return once something accepts connections on the port of this machine."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return
