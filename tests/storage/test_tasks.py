"""A background task ends when it is told to, also one that does not hear it at first."""

import asyncio
import logging

import pytest

from storage.tasks import end, stopped


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    begun, swallowed = asyncio.Event(), 0

    async def deaf() -> None:
        nonlocal swallowed
        while True:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(deaf())
    await begun.wait()

    await asyncio.wait_for(end(task, None), 10)

    assert (task.cancelled(), swallowed) == (True, 2)


async def test_what_a_task_raised_is_logged_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise ValueError("a bug")

    task = asyncio.create_task(broken(), name="broken one")
    await asyncio.wait({task})

    with caplog.at_level(logging.ERROR):
        await end(task)

    assert "broken one" in caplog.text
    assert "a bug" in caplog.text


async def test_what_does_not_stop_is_left_alone_after_its_time(caplog: pytest.LogCaptureFixture) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    await stopped("the driver", never, seconds=0.01)

    assert caplog.messages == ["the driver did not stop within 0 seconds and is left alone"]


async def test_what_stops_in_time_is_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    await stopped("the driver", lambda: asyncio.sleep(0), seconds=1)

    assert caplog.messages == []
