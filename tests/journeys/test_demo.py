"""The demo is honest: it succeeds only when everybody saw everything. (That it succeeds is in tests/test_run.py.)"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from examples import demo
from examples.demo import Failed, Sight, Story, matching
from tests.harness.servers import Server

Chapter = Callable[[Story], Awaitable[Any]]


async def nothing(*_: Any) -> tuple[str, int]:
    return "", 0


async def something_is_not_seen(story: Story) -> None:
    ada, bob, _ = story.people
    await story.act(ada, "waves", asyncio.sleep(0), Sight(bob, "no:such-event", "a wave", matching()))


async def an_answer_is_wrong(story: Story) -> None:
    story.check(story.people[1], "2 + 2 is 5", holds=False)


async def the_server_refuses(story: Story) -> None:
    ada, *_ = story.people
    await story.act(ada, "asks for what is not there", ada.call("users:get", {"userId": "nobody"}))


async def a_chapter_cannot_go_on(story: Story) -> None:
    raise Failed(f"There are only {len(story.people)} people.")


@pytest.mark.parametrize(
    ("chapter", "says"),
    [
        (something_is_not_seen, "Bob    ✗ a wave: no no:such-event within 0 s"),
        (an_answer_is_wrong, "Bob    ✗ 2 + 2 is 5: that is not so"),
        (the_server_refuses, "The story stops here. users:get was refused: The request does not fit: userId"),
        (a_chapter_cannot_go_on, "The story stops here. There are only 3 people."),
    ],
)
async def test_a_story_that_goes_wrong_says_where_and_fails(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], chapter: Chapter, says: str
) -> None:
    monkeypatch.setattr(demo, "SOON", 0.2)
    monkeypatch.setattr(demo, "befriend", chapter)
    for name in ("talk", "meet", "come_back"):
        monkeypatch.setattr(demo, name, nothing)

    status = await demo.play(server.url)

    assert status == 1
    said = capsys.readouterr().out
    assert says in said
    assert said.splitlines()[-1] == "Not everything was seen: 1 line(s) in red above."
