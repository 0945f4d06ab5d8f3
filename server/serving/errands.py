"""One thing done with the services by whoever runs the server, whether it runs or not."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from config.settings import Settings
from server import checking
from server.app import App
from server.checking import Unusable
from server.errors import MixeeError
from server.slices import Slice
from storage.embedded import Embedded, EmbeddedError, InUse, has_data, urls
from storage.mongo import PyMongoError
from storage.redis import RedisError

Work = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Does it with the services, by the names of their slices; what to tell the operator."""


def errand(settings: Settings, slices: Sequence[Slice[Any]], work: Work) -> int:
    """Do it and say what came of it; the exit status."""
    try:
        said = asyncio.run(_with_storage(settings, slices, work))
    except MixeeError as error:
        _complain(error.message)
    except (Unusable, EmbeddedError) as error:
        _complain(str(error))
    except PyMongoError as error:
        _complain(f"MongoDB failed: {checking.brief(error)}")
    except (RedisError, OSError) as error:
        _complain(f"Redis failed: {error}")
    else:
        sys.stdout.write(f"{said}\n")
        return 0
    return 1


async def _with_storage(settings: Settings, slices: Sequence[Slice[Any]], work: Work) -> str:
    async with AsyncExitStack() as stack:
        mongodb_url, redis_url = await _storage(settings, stack)
        return await App(settings, slices, mongodb_url=mongodb_url, redis_url=redis_url).errand(work)


async def _storage(settings: Settings, stack: AsyncExitStack) -> tuple[str, str]:
    """The URLs of MongoDB and Redis: those that are set, those that a running server started, or our own.

    Raises Unusable, EmbeddedError.
    """
    mongodb = settings.mongodb_url.get_secret_value() if settings.mongodb_url else None
    redis = settings.redis_url.get_secret_value() if settings.redis_url else None
    if mongodb:
        await checking.probe_mongodb(mongodb, settings.mongodb_database)
    elif not has_data(settings.data_dir):
        raise EmbeddedError(
            f"There is no data below {settings.data_dir} yet: start the server once with `run.py serve`, and register; "
            "or say with --data-dir or MIXEE_MONGODB_URL where the data is."
        )
    if redis:
        await checking.probe_redis(redis)
    if mongodb and redis:
        return mongodb, redis
    try:
        embedded = await Embedded.start(settings.data_dir, mongodb=mongodb is None, redis=redis is None)
    except InUse:
        running = urls(settings.data_dir)
        return mongodb or running[0], redis or running[1]
    stack.push_async_callback(embedded.stop)
    return mongodb or str(embedded.mongodb_url), redis or str(embedded.redis_url)


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
