"""A run that does not get on ends by itself."""

import asyncio
import itertools

import pytest

from tests.chaos.harness import Stuck, advancing


async def test_a_count_that_stands_still_is_stuck() -> None:
    with pytest.raises(Stuck, match="it stands at 7"):
        await asyncio.wait_for(advancing(lambda: 7, 0.1), 10)


async def test_a_count_that_grows_is_not() -> None:
    numbers = itertools.count()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(advancing(lambda: next(numbers), 0.1), 0.5)
