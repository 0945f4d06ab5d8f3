"""What somebody sets in a conversation for himself alone: muted for a time, archived until something is said."""

from datetime import timedelta
from typing import Any

import pytest

from server.models import wire_time
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, group, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal


async def prefer(who: Person, conversation: str, **wanted: Any) -> Any:
    return await who.ask("PUT", f"/api/conversations/{conversation}", wanted)


async def listed(who: Person, **params: str) -> list[str]:
    page = await who.ask("GET", "/api/conversations", params=params)
    return [one["id"] for one in page["conversations"]]


async def test_muting_ends_by_itself_at_its_time_or_never(people: People, pair: Pair, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    for_a_while, always = await direct(ada, bob), await group(ada, bob)
    other = await ada.at(pair[1]).socket()
    until = wire_time(clock.now() + timedelta(minutes=10))

    muted = await prefer(ada, for_a_while, mutedUntil=until)
    await prefer(ada, always, muted=True)
    told = [await other.next("conversation:preferences") for _ in range(2)]
    clock.advance(minutes=5)
    before = [(await shown(ada, one))["muted"] for one in (for_a_while, always)]
    clock.advance(minutes=5)
    after = await shown(ada, for_a_while)

    assert (muted["muted"], muted["mutedUntil"]) == (True, until)
    assert [(one["conversationId"], one["muted"], one["mutedUntil"]) for one in told] == [
        (for_a_while, True, until),
        (always, True, None),
    ]
    assert before == [True, True]
    assert (after["muted"], after["mutedUntil"], (await shown(ada, always))["muted"]) == (False, None, True)
    assert (await shown(bob, always))["muted"] is False
    await prefer(ada, always, muted=False)
    assert (await shown(ada, always))["muted"] is False


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"mutedUntil": timedelta(0)}, "mutedUntil"),
        ({"mutedUntil": timedelta(days=367)}, "mutedUntil"),
        ({"mutedUntil": timedelta(hours=1), "muted": False}, "mutedUntil"),
        ({"mutedUntil": None}, "mutedUntil"),
        ({"muted": None}, "muted"),
        ({"keepArchived": True}, "keepArchived"),
        ({"keepArchived": True, "isArchived": False}, "keepArchived"),
    ],
)
async def test_what_cannot_be_preferred_is_refused(
    people: People, clock: TurnableClock, wanted: dict[str, Any], field: str
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    given = {
        name: wire_time(clock.now() + value) if isinstance(value, timedelta) else value
        for name, value in wanted.items()
    }

    with pytest.raises(Refusal) as refusal:
        await prefer(ada, conversation, **given)

    assert refusal.value.fields == {field}
    assert not {name: value for name, value in (await shown(ada, conversation)).items() if name == "muted" and value}


async def test_an_archived_conversation_comes_back_with_the_next_message_unless_it_is_kept(people: People) -> None:
    ada, bob = await people("ada", "bob")
    back, kept = await direct(ada, bob), await group(ada, bob)
    await say(bob, back, "before")
    await prefer(ada, back, isArchived=True)
    await prefer(ada, kept, isArchived=True, keepArchived=True)
    assert (await listed(ada), set(await listed(ada, archived="true"))) == ([], {back, kept})
    assert set(await listed(bob)) == {back, kept}

    await say(bob, back, "after")
    await say(bob, kept, "after")

    assert (await listed(ada), await listed(ada, archived="true")) == ([back], [kept])
    looks = [(one["isArchived"], one["keepArchived"]) for one in (await shown(ada, back), await shown(ada, kept))]
    assert looks == [(False, False), (True, True)]
    joined = (await ada.ask("GET", "/api/sync"))["joined"]
    assert {one["id"]: one["isArchived"] for one in joined} == {back: False, kept: True}
    await prefer(ada, kept, isArchived=False)
    assert set(await listed(ada)) == {back, kept}


async def test_an_archived_conversation_does_not_come_back_by_what_its_member_does_not_see(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await prefer(ada, conversation, isArchived=True)
    await block(ada, bob)

    await say(bob, conversation, "unheard")

    assert (await listed(ada), await listed(ada, archived="true")) == ([], [conversation])


async def test_a_theme_is_set_by_those_who_may_change_a_groups_face_and_told_to_all(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation, pair = await group(ada, bob), await direct(ada, bob)
    hearing = await bob.socket()
    theme = {"color": "#1e88e5", "background": "dunes", "emoji": "🏜️"}

    with pytest.raises(Refusal) as refusal:
        await prefer(bob, conversation, theme=theme)
    await prefer(ada, conversation, theme=theme)
    told = await hearing.next("conversation:updated")
    await ada.ask("PUT", f"/api/conversations/{conversation}/permissions", {"changeInfo": True})
    changed = await prefer(bob, conversation, theme={"color": "#000000"})
    cleared = await prefer(bob, conversation, theme=None)
    await prefer(bob, pair, theme={"background": "sea"})

    assert refusal.value.code == "forbidden"
    assert (told["theme"], told["change"]["fields"]) == (theme, ["theme"])
    assert (changed["theme"], cleared["theme"]) == ({"color": "#000000", "background": None, "emoji": None}, None)
    assert (await shown(ada, pair))["theme"]["background"] == "sea"
    for wrong in ({}, {"color": "red"}, {"background": "https://example.com/a.jpg"}, {"emoji": "no"}):
        with pytest.raises(Refusal) as refusal:
            await prefer(ada, conversation, theme=wrong)
        assert refusal.value.code == "bad_request"


async def test_the_blocked_do_not_decorate_a_conversation_for_the_one_who_blocks(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await block(ada, bob)

    await prefer(bob, conversation, theme={"color": "#ff0000"})
    with pytest.raises(Refusal) as refusal:
        await prefer(ada, conversation, theme={"color": "#ff0000"})

    assert refusal.value.code == "forbidden"
    assert (await shown(ada, conversation))["theme"] is None
