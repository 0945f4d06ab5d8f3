"""Threads: what is said about one message, seen by whoever may see it, and followed by those whom it concerns."""

from datetime import timedelta
from typing import Any

import pytest

from server.models import wire_time
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal, Socket
from tests.harness.servers import Server, until


async def reply(who: Person, root: Any, content: str = "Yes", **more: Any) -> Any:
    """Somebody says something in the thread of a message."""
    return await say(who, root["conversationId"], content, threadRootId=root["id"], **more)


async def thread(who: Person, root: Any, **params: str) -> Any:
    """The thread of a message as somebody sees it."""
    return await who.ask("GET", f"/api/messages/{root['id']}/thread", params=params)


async def texts(who: Person, root: Any) -> list[str]:
    """What somebody finds in a thread, the oldest first."""
    return [one["content"] for one in reversed((await thread(who, root))["messages"])]


async def summary(who: Person, root: Any) -> tuple[int, list[str]] | None:
    """How many replies somebody is told of in the history, and who replied."""
    page = await who.ask("GET", f"/api/conversations/{root['conversationId']}/messages")
    (found,) = [one["thread"] for one in page["messages"] if one["id"] == root["id"]]
    return (found["replies"], found["participantIds"]) if found else None


async def unread(who: Person) -> dict[str, int]:
    """The threads that somebody follows, with what he has not read, by what they are about."""
    page = await who.ask("GET", "/api/threads")
    return {one["root"]["content"]: one["state"]["unread"] for one in page["threads"]}


async def test_a_thread_is_a_view_over_the_one_log(people: People, door: Door, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    root = await say(ada, conversation, "root")
    cyds = await cyd.at(pair[1]).socket()

    first = await reply(bob, root, "first")
    await say(cyd, conversation, "beside")
    second = await reply(cyd, root, "second", showInConversation=True)

    assert (first["threadRootId"], first["showInConversation"], second["showInConversation"]) == (
        root["id"],
        False,
        True,
    )
    assert (root["threadRootId"], root["showInConversation"], root["thread"]) == (None, True, None)
    await until(lambda: first in cyds.events("message:new"))
    assert await said(ada, conversation) == ["root", "first", "beside", "second"]
    assert await missed(ada, conversation, 1) == [(2, "message"), (3, "message"), (4, "message"), (5, "message")]
    page = await door(ada, "chat.thread", {"messageId": root["id"]})
    assert [one["content"] for one in page["messages"]] == ["second", "first"]
    assert page["root"]["content"] == "root"
    assert page["root"]["thread"] == {
        "replies": 2,
        "lastReplyId": second["id"],
        "lastReplyAt": second["createdAt"],
        "participantIds": [cyd.id, bob.id],
        "participants": 2,
    }
    assert await summary(bob, root) == (2, [cyd.id, bob.id])
    params = {"withoutThreads": "true"}
    main = await ada.ask("GET", f"/api/conversations/{conversation}/messages", params=params)
    assert [one["content"] for one in main["messages"]] == ["second", "beside", "root"]
    assert (await shown(ada, conversation))["unread"] == 3


async def test_a_thread_is_read_page_by_page_in_both_directions(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    root = await say(ada, await direct(ada, bob), "root")
    replies = [await reply(bob, root, str(number)) for number in range(5)]

    found: list[str] = []
    wanted: dict[str, Any] = {"messageId": root["id"], "limit": 2}
    for _ in range(3):
        page = await door(ada, "chat.thread", wanted)
        found += [one["content"] for one in page["messages"]]
        wanted["before"] = page["nextBefore"]

    assert (found, page["hasMore"], page["nextBefore"]) == (["4", "3", "2", "1", "0"], False, None)
    page = await door(ada, "chat.thread", {"messageId": root["id"], "limit": 2, "after": replies[1]["id"]})
    assert ([one["content"] for one in page["messages"]], page["hasMore"]) == (["3", "2"], True)


async def test_a_page_without_threads_goes_on_where_it_stopped_looking(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.chat.service.history.PAGE", 2)
    monkeypatch.setattr("handlers.chat.service.history.LOOKS", 2)
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    root = await say(ada, conversation, "root")
    for number in range(9):
        await reply(bob, root, str(number))
    await say(bob, conversation, "last")

    found: list[str] = []
    params = {"withoutThreads": "true", "limit": "1"}
    for _ in range(10):
        page = await ada.ask("GET", f"/api/conversations/{conversation}/messages", params=params)
        found += [one["content"] for one in page["messages"]]
        if page["nextBefore"] is None:
            break
        params["before"] = page["nextBefore"]

    assert found == ["last", "root"]


async def test_threads_are_flat_and_of_messages_that_are_there(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation, other = await direct(ada, bob), await group(ada, bob, cyd)
    root, elsewhere = await say(ada, conversation), await say(ada, other)
    answer = await reply(bob, root)
    gone = await say(ada, conversation)
    await ada.ask("DELETE", f"/api/messages/{gone['id']}")
    wanted = {"conversationId": conversation, "type": "text", "content": "no"}

    for named, code in (
        (answer["id"], "bad_request"),
        (elsewhere["id"], "bad_request"),
        (f"{conversation}:99", "bad_request"),
        (gone["id"], "gone"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(bob, "chat.send", wanted | {"threadRootId": named})
        assert refusal.value.code == code
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.send", wanted | {"showInConversation": True})
    assert refusal.value.fields == {"showInConversation"}
    for command in ("chat.thread", "chat.follow_thread"):
        with pytest.raises(Refusal) as refusal:
            await door(cyd, command, {"messageId": root["id"]})
        assert refusal.value.code == "not_found"


async def test_those_whom_a_thread_concerns_follow_it_and_count_what_they_have_not_read(
    people: People, door: Door, pair: Pair
) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, bob, cyd, dan)
    root = await say(ada, conversation, "root")
    await reply(bob, root)
    phone = await ada.at(pair[1]).socket("phone")
    assert (await unread(ada), await unread(bob), await unread(cyd)) == ({"root": 1}, {"root": 0}, {})

    followed = await door(cyd, "chat.follow_thread", {"messageId": root["id"]})
    assert (followed["following"], followed["unread"]) == (True, 1)
    latest = await reply(dan, root)
    assert (await unread(ada), await unread(bob), await unread(cyd), await unread(dan)) == (
        {"root": 2},
        {"root": 1},
        {"root": 2},
        {"root": 0},
    )

    read = await door(ada, "chat.read_thread", {"messageId": root["id"], "upToSeq": latest["seq"]})
    assert (read["unread"], read["readSeq"]) == (0, latest["seq"])
    assert await phone.next("thread:followed") == read
    assert (await door(ada, "chat.read_thread", {"messageId": root["id"], "upToSeq": 1}))["readSeq"] == latest["seq"]
    assert (await shown(ada, conversation))["unread"] == 2

    left = await door(bob, "chat.unfollow_thread", {"messageId": root["id"]})
    assert (left["following"], left["unread"]) == (False, 0)
    await reply(ada, root)
    assert await unread(bob) == {}
    await reply(bob, root)
    assert await unread(bob) == {"root": 0}


async def test_what_is_in_a_thread_is_told_to_those_who_see_it(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    root = await say(ada, conversation, "root")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    adas, cyds = await ada.at(pair[1]).socket(), await cyd.socket()

    first = await reply(bob, root)
    second = await reply(ada, root)

    await until_replies(adas, 2)
    await bob.ask("DELETE", f"/api/messages/{first['id']}")
    await until_replies(adas, 1)
    removed = await adas.next("message:deleted")
    assert removed["threadRootId"] == root["id"]
    news = adas.events("thread:updated")[-1]
    assert (news["messageId"], news["thread"]["lastReplyId"], news["thread"]["participantIds"]) == (
        root["id"],
        second["id"],
        [ada.id],
    )
    assert await texts(ada, root) == ["Yes"]
    await cyds.settle()
    assert cyds.events("thread:updated") == []  # who came later does not see what it is about


async def until_replies(socket: Socket, number: int) -> None:
    """Somebody is told that there are so many replies."""

    def told() -> bool:
        news = socket.events("thread:updated")
        return bool(news) and news[-1]["thread"]["replies"] == number

    await until(told)


async def test_who_comes_later_sees_of_a_thread_what_was_said_since(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    root, silent = await say(ada, conversation, "root"), await say(ada, conversation, "silent")
    await reply(bob, root, "before")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    await reply(bob, root, "after")

    page = await thread(cyd, root)
    assert (page["root"], [one["content"] for one in page["messages"]]) == (None, ["after"])
    for wanted in (silent, root):
        with pytest.raises(Refusal) as refusal:
            await (thread(cyd, silent) if wanted is silent else reply(cyd, root))
        assert refusal.value.code in {"not_found", "bad_request"}
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")
    with pytest.raises(Refusal) as refusal:
        await thread(bob, root)
    assert refusal.value.code == "not_found"
    assert await unread(bob) == {}


async def test_deleting_and_disappearing_hold_in_threads(people: People, clock: TurnableClock, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    root = await say(ada, conversation, "root")
    await reply(bob, root, "disappears", expiresIn=60)
    hidden = await reply(bob, root, "hidden")
    taken = await reply(bob, root, "taken back")
    await reply(bob, root, "stays")
    await ada.ask("POST", f"/api/messages/{hidden['id']}/hide", {})
    await bob.ask("DELETE", f"/api/messages/{taken['id']}")
    assert (await texts(ada, root), await texts(bob, root)) == (
        ["disappears", "stays"],
        ["disappears", "hidden", "stays"],
    )
    assert (await summary(ada, root), await summary(bob, root)) == ((2, [bob.id]), (3, [bob.id]))
    assert await unread(ada) == {"root": 2}
    clock.advance(seconds=61)

    assert (await texts(ada, root), await summary(ada, root)) == (["stays"], (1, [bob.id]))
    await server.service("chat").timers.sweep()
    assert (await texts(ada, root), await summary(bob, root)) == (["stays"], (2, [bob.id]))
    await ada.ask("DELETE", f"/api/messages/{root['id']}")
    assert await unread(ada) == await unread(bob) == {}
    assert (await thread(ada, root))["root"]["isDeleted"] is True
    with pytest.raises(Refusal) as refusal:
        await reply(bob, root)
    assert refusal.value.code == "gone"


async def test_what_a_blocked_person_says_in_a_thread_is_seen_by_nobody_else(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    root = await say(ada, conversation, "root")
    await block(ada, bob)
    adas = await ada.socket()

    await reply(bob, root, "unheard")

    assert (await texts(bob, root), await summary(bob, root)) == (["unheard"], (1, [bob.id]))
    assert (await texts(ada, root), await summary(ada, root), await unread(ada)) == ([], None, {})
    await adas.settle()
    assert adas.events("thread:updated") == adas.events("message:new") == []


async def test_a_blocked_member_of_a_group_does_not_count_as_unread_in_threads(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    root = await say(ada, await group(ada, bob, cyd), "root")
    await reply(bob, root)
    await reply(cyd, root)

    await block(ada, bob)

    assert await unread(ada) == {"root": 1}


async def test_replies_are_found_scheduled_and_edited_as_other_messages(
    people: People, clock: TurnableClock, server: Server
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    root = await say(ada, conversation, "root")
    answer = await reply(bob, root, "walnut", replyToMessageId=root["id"])
    found = await ada.ask("GET", "/api/messages/search", params={"q": "walnut"})
    assert [(one["id"], one["threadRootId"]) for one in found["messages"]] == [(answer["id"], root["id"])]

    changed = await bob.ask("PUT", f"/api/messages/{answer['id']}", {"content": "hazelnut"})
    assert (changed["threadRootId"], changed["replyToMessageId"]) == (root["id"], root["id"])
    later = {"type": "text", "content": "later", "threadRootId": root["id"]}
    send_at = wire_time(clock.now() + timedelta(seconds=60))
    await bob.ask("POST", f"/api/conversations/{conversation}/scheduled", later | {"sendAt": send_at})
    clock.advance(seconds=61)
    await server.service("chat").scheduled.send_due()

    assert await texts(ada, root) == ["hazelnut", "later"]


async def test_followed_threads_are_listed_page_by_page_and_not_without_end(
    people: People, door: Door, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    one, other = await direct(ada, bob), await group(ada, bob)
    roots = [await say(ada, one, "0"), await say(ada, other, "1"), await say(ada, one, "2")]
    for root in roots:
        await door(bob, "chat.follow_thread", {"messageId": root["id"]})

    first = await door(bob, "chat.list_threads", {"limit": 2})
    rest = await door(bob, "chat.list_threads", {"limit": 2, "cursor": first["nextCursor"]})
    here = await door(bob, "chat.list_threads", {"conversationId": one})
    listed = [[entry["root"]["content"] for entry in page["threads"]] for page in (first, rest, here)]
    assert (listed, rest["nextCursor"]) == ([["2", "1"], ["0"], ["2", "0"]], None)

    monkeypatch.setattr(server.service("chat").threads, "_most", 3)
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.follow_thread", {"messageId": (await say(ada, one))["id"]})
    assert refusal.value.code == "chat.follow_limit"


async def test_a_message_outside_threads_costs_no_question_more(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation)
    chat, asked = server.service("chat"), []
    store = chat.threads._store
    original = store._log.aggregate

    async def noted(*args: Any, **options: Any) -> Any:
        asked.append(args)
        return await original(*args, **options)

    store._log.aggregate = noted
    try:
        root = await say(ada, conversation)
        await said(bob, conversation)
        assert asked == []
        await reply(bob, root)
        await said(bob, conversation)
        assert asked
    finally:
        del store._log.aggregate
