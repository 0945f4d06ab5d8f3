"""One server process from its start to its orderly end, and what it tells the person at the terminal."""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

from aiohttp import web

from config.settings import Settings
from server import checking
from server import log as logs
from server.app import App
from server.assembly import ManifestError
from server.checking import Unusable
from server.serving import listening
from server.serving.handover import Handover
from server.serving.listening import CannotListen
from server.serving.requests import PunctualRunner
from server.serving.workers import FOLDER, Workers, line_to_parent, number, shares_port
from server.slices import Slice
from storage.embedded import Embedded, EmbeddedError
from storage.mongo import PyMongoError
from storage.redis import RedisError

BACKLOG = 4096
LAST_RESORT_SECONDS = 45.0
"""What an orderly end may take beyond the time for draining."""
GARBAGE = (50_000, 20, 50)
"""New objects after which Python looks for cycles among them; how often until it looks at older ones, and at all.

With Python's own (700, 10, 10) each look at all objects of a busy server stops it for some 50 ms: at saturation the
99th percentile of a send was 98 ms, and 52 ms with these.
"""
T = TypeVar("T")


class _Stopped(Exception):
    """The signal came before the server was up."""


def serve(settings: Settings, slices: Sequence[Slice[Any]], *, program: Sequence[str]) -> int:
    """Serve until SIGINT or SIGTERM; the exit status. `program` is how a worker process is started."""
    address = listening.place(settings.host, settings.port)
    logs.set_up(settings.log_level, settings.log_format, f"{address}/{os.getpid()}" if shares_port() else address)
    if settings.production and (weak := checking.weaknesses(settings, slices, os.environ)):
        say("MIXEE_MODE=production refuses to start:\n- " + "\n- ".join(weak))
        return 2
    if faults := checking.faults_of_sections(slices, os.environ):
        say(checking.listed(faults))
        return 2
    _open_files()
    gc.set_threshold(*GARBAGE)
    try:
        return asyncio.run(_serve(settings, slices, program))
    except _Stopped:
        return 0
    except (CannotListen, Unusable, EmbeddedError, ManifestError) as error:
        say(str(error))
    except PyMongoError as error:
        say(f"MongoDB failed while the server started: {checking.brief(error)}")
    except (RedisError, OSError) as error:
        say(f"Something failed while the server started: {error}")
    return 1


def _open_files() -> None:
    """Let this process have as many connections as the system allows; the usual limit is 1,024 open files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _end(stop: asyncio.Event, most: float) -> None:
    """The first signal stops in order, within `most` seconds; a second one, or the end of that time, at once.

    A driver may wait for ever for storage that is gone. The embedded servers end with their parent in any case, and
    nothing that was acknowledged depends on an orderly end.
    """
    if stop.is_set():
        _give_up("Stopping at once.")
    stop.set()
    timer = threading.Timer(most, _give_up, ["Something does not end: stopping at once."])
    timer.daemon = True
    timer.start()


def _give_up(why: str) -> None:
    say(why)
    os._exit(1)


async def _serve(settings: Settings, slices: Sequence[Slice[Any]], program: Sequence[str]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, _end, stop, settings.drain_seconds + LAST_RESORT_SECONDS)
    async with AsyncExitStack() as stack:
        sockets = _sockets(settings, stack)
        url = settings.public_url or f"http://{listening.place(settings.host, sockets[0].getsockname()[1])}"
        serving = await stack.enter_async_context(line_to_parent(stop)) if shares_port() else None
        mongodb_url, redis_url = await _unless(stop, _storage(settings, stack))
        if settings.workers > 1:
            return await _watch(settings, program, stop, _Place(url, sockets, mongodb_url, redis_url))
        app = App(
            settings,
            slices,
            mongodb_url=mongodb_url,
            redis_url=redis_url,
            worker=settings.name_of_worker(number()),
        )
        sites = await _unless(stop, _open(app, sockets, stack))
        gc.freeze()  # what stands now stays: it need not be looked at again
        if serving:
            serving()
        else:
            _announce(settings, url)
        await stop.wait()
        if serving:
            for site in sites[: len(sockets)]:  # the system gives new connections to the other workers from now on
                await site.stop()
        else:
            say("Stopping: clients are asked to come back later.")
        await app.drain()
    return 0


class _Place(NamedTuple):
    """Where the server is, and its storage."""

    url: str
    sockets: list[socket.socket]
    mongodb_url: str
    redis_url: str


async def _watch(settings: Settings, program: Sequence[str], stop: asyncio.Event, place: _Place) -> int:
    """Let workers serve and watch them; SIGHUP replaces them one after the other. The exit status."""
    for own in range(1, settings.workers + 1) if settings.worker_port_base else ():
        for one in listening.take(settings.host, settings.worker_port_base + own):
            one.close()  # each takes its own itself, again and again: this is to say at once that it cannot be had
    with TemporaryDirectory(prefix="mixee-") as folder:
        workers = Workers(
            [*program, "serve", "--workers", "1"],
            os.environ | _for_worker(settings, place) | {FOLDER: folder},
            count=settings.workers,
            grace=settings.drain_seconds * 2 + 5,
            serving=lambda: _announce(settings, place.url),
            say=say,
        )
        loop = asyncio.get_running_loop()
        at_terminal = _has_terminal()
        loop.add_signal_handler(
            signal.SIGHUP, lambda: stop.set() if at_terminal and not _has_terminal() else workers.replace()
        )
        return await workers.run(stop)


def _has_terminal() -> bool:
    """Whether there is a terminal: when it is gone, SIGHUP tells just that, and means the end."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _sockets(settings: Settings, stack: AsyncExitStack) -> list[socket.socket]:
    """Our addresses, taken before anything is started for them."""
    if settings.workers > 1:
        taken = listening.reserve(settings.host, settings.port)
    else:
        taken = listening.take(settings.host, settings.port, shared=shares_port())
    for one in taken:
        stack.enter_context(one)
    return taken


async def _storage(settings: Settings, stack: AsyncExitStack) -> tuple[str, str]:
    """The URLs of MongoDB and Redis; what is not set is started below the data folder. Raises Unusable."""
    mongodb, redis = settings.mongodb_url, settings.redis_url
    if mongodb:
        await checking.probe_mongodb(mongodb.get_secret_value(), settings.mongodb_database)
    if redis:
        await checking.probe_redis(redis.get_secret_value())
    if mongodb and redis:
        return mongodb.get_secret_value(), redis.get_secret_value()
    embedded = await Embedded.start(
        settings.data_dir, mongodb=mongodb is None, redis=redis is None, progress=lambda text: say(f"  {text}")
    )
    stack.push_async_callback(embedded.stop)
    watching = asyncio.create_task(embedded.watch(), name="embedded servers")

    async def unwatch() -> None:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    stack.push_async_callback(unwatch)
    return (
        mongodb.get_secret_value() if mongodb else str(embedded.mongodb_url),
        redis.get_secret_value() if redis else str(embedded.redis_url),
    )


async def _open(app: App, sockets: Sequence[socket.socket], stack: AsyncExitStack) -> list[web.SockSite]:
    """Start the app, and listen: on the given sockets first, then on what is this worker's own."""
    await app.start()
    stack.push_async_callback(app.stop)
    neighbours = Handover(Path(os.environ[FOLDER]), app.worker) if shares_port() else None
    if neighbours:
        neighbours.attach(app.web)
    runner = PunctualRunner(
        app.web,
        header_timeout=app.settings.header_timeout,
        access_log=None,
        shutdown_timeout=app.settings.drain_seconds,
        keepalive_timeout=75,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    own: list[socket.socket] = []
    if app.settings.worker_port_base:
        own = listening.take(app.settings.host, app.settings.worker_port_base + number())
    sites = [web.SockSite(runner, one, backlog=BACKLOG) for one in (*sockets, *own)]
    for site in sites:
        await site.start()
    if neighbours and runner.server:
        await stack.enter_async_context(neighbours.taking(runner.server))
    return sites


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. When the signal comes first, `work` is cancelled and _Stopped raised."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        return task.result()
    while not task.done():
        task.cancel()  # again and again, since a driver that is just connecting may swallow it
        await asyncio.wait({task}, timeout=0.5)
    raise _Stopped


def _for_worker(settings: Settings, place: _Place) -> dict[str, str]:
    """What a worker's environment says beyond ours: what the command line set, and where the storage is."""
    return {
        "MIXEE_HOST": settings.host,
        "MIXEE_PORT": str(place.sockets[0].getsockname()[1]),
        "MIXEE_WORKER_PORT_BASE": str(settings.worker_port_base),
        "MIXEE_DATA_DIR": str(settings.data_dir),
        "MIXEE_MONGODB_URL": place.mongodb_url,
        "MIXEE_REDIS_URL": place.redis_url,
    }


def _announce(settings: Settings, url: str) -> None:
    data = "outside servers (MIXEE_MONGODB_URL, MIXEE_REDIS_URL)"
    if settings.mongodb_url is None or settings.redis_url is None:
        data = str(settings.data_dir.resolve())
    say(
        f"Mixee is running.\n"
        f"  server         {url}\n"
        f"  documentation  {url}/docs\n"
        f"  data           {data}\n"
        f"Press Ctrl+C to stop."
    )
