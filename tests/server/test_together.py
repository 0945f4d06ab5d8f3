"""Questions that are put together."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from server.together import Together


class Asked:
    """Answers with the double, and keeps what it was asked. It waits for `go`."""

    def __init__(self) -> None:
        self.questions: list[list[int]] = []
        self.go = asyncio.Event()

    async def __call__(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.questions.append(list(keys))
        await self.go.wait()
        if 13 in keys:
            raise LookupError("13")
        return {key: 2 * key for key in keys}


async def test_who_asks_while_a_question_is_under_way_is_part_of_the_next() -> None:
    asked = Asked()
    together = Together(asked)

    first = asyncio.create_task(together(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(together(key)) for key in (2, 3, 2, 1)]
    await asyncio.sleep(0)
    asked.go.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6, 4, 2]
    assert asked.questions == [[1], [2, 3, 1]]


async def test_a_question_has_no_more_keys_than_allowed() -> None:
    asked = Asked()
    asked.go.set()
    together = Together(asked, most=2)

    assert await asyncio.gather(*(together(key) for key in range(5))) == [0, 2, 4, 6, 8]
    assert asked.questions == [[0, 1], [2, 3], [4]]


async def test_what_goes_wrong_is_everybodys_and_the_next_question_is_asked_all_the_same() -> None:
    asked = Asked()
    asked.go.set()
    together = Together(asked)

    answers = await asyncio.gather(together(12), together(13), return_exceptions=True)

    assert [type(one) for one in answers] == [LookupError, LookupError]
    assert await together(14) == 28


async def test_one_who_no_longer_waits_spoils_nothing_for_the_others() -> None:
    asked = Asked()
    together = Together(asked)
    one, other = asyncio.create_task(together(1)), asyncio.create_task(together(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    one.cancel()
    asked.go.set()

    with pytest.raises(asyncio.CancelledError):
        await one
    assert await other == 2


async def test_questions_do_not_follow_each_other_sooner_than_the_rest_between_them() -> None:
    asked = Asked()
    asked.go.set()
    together = Together(asked, rest=0.05)
    loop = asyncio.get_running_loop()

    began = loop.time()
    await together(1)
    await asyncio.gather(together(2), together(3))

    assert asked.questions == [[1], [2, 3]]
    assert loop.time() - began >= 0.05
