"""Ending background tasks for certain.

Before Python 3.12 `asyncio.wait_for`, which the drivers use, may swallow a cancellation: a task that is cancelled once
and awaited may go on for ever.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger("mixee.tasks")

AGAIN_SECONDS = 0.5


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel these tasks, again and again until they have ended. What one raised instead is logged."""
    ours = {task for task in tasks if task is not None}
    running = {task for task in ours if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
    for task in ours:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task %s ended with an error", task.get_name(), exc_info=error)


async def stopped(what: str, stop: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Stop something, within bounds: a driver may wait for ever for its own monitors. What does not end is logged."""
    try:
        async with asyncio.timeout(seconds):
            await stop()
    except TimeoutError:
        log.exception("%s did not stop within %.0f seconds and is left alone", what, seconds)
