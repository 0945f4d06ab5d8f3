"""Folders: what is in them, their order, and that all devices of their owner know them."""

import asyncio
from typing import Any

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, group, say
from tests.harness.people import Door, Person, Refusal


async def make(who: Person, name: str, **more: Any) -> str:
    answer = await who.ask("POST", "/api/folders", {"name": name, **more})
    return str(answer["folders"][-1]["id"])


async def inside(who: Person, folder: str) -> set[str]:
    page = await who.ask("GET", "/api/conversations", params={"folderId": folder})
    return {one["id"] for one in page["conversations"]}


async def test_folders_are_made_changed_ordered_and_deleted_on_all_devices(
    people: People, pair: Pair, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    other, stranger = await ada.at(pair[1]).socket(), await bob.socket()

    await door(ada, "chat.create_folder", {"name": "Work", "emoji": "💼", "conversationIds": [conversation]})
    made = await door(ada, "chat.create_folder", {"name": "Unread", "rules": {"unread": True}})
    work, unread = (one["id"] for one in made["folders"])
    await door(ada, "chat.order_folders", {"folderIds": [unread, work]})
    await door(ada, "chat.change_folder", {"folderId": work, "name": "Office", "emoji": None})
    await door(ada, "chat.delete_folder", {"folderId": unread})

    told = [await other.next("folders:changed") for _ in range(5)]
    assert [one["version"] for one in told] == [1, 2, 3, 4, 5]
    assert [[folder["name"] for folder in one["folders"]] for one in told] == [
        ["Work"],
        ["Work", "Unread"],
        ["Unread", "Work"],
        ["Unread", "Office"],
        ["Office"],
    ]
    assert await door(ada, "chat.list_folders") == told[-1]
    assert told[-1]["folders"][0] == {
        "id": work,
        "name": "Office",
        "emoji": None,
        "conversationIds": [conversation],
        "rules": {"groups": False, "direct": False, "unread": False, "unmuted": False},
    }
    await stranger.settle()
    assert stranger.events("folders:changed") == []
    assert await door(bob, "chat.list_folders") == {"folders": [], "version": 0}


async def test_a_folder_holds_what_it_names_and_what_its_rules_say(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    one, other = await direct(ada, bob), await direct(ada, cyd)
    crew, quiet = await group(ada, bob), await group(ada, bob)
    archived = await group(ada, bob)
    await ada.ask("PUT", f"/api/conversations/{quiet}", {"muted": True})
    await ada.ask("PUT", f"/api/conversations/{archived}", {"isArchived": True})
    await say(bob, one)
    await say(bob, quiet)

    rules: dict[str, dict[str, bool]] = {
        "named": {},
        "groups": {"groups": True},
        "direct": {"direct": True},
        "unread": {"unread": True},
        "unread groups": {"unread": True, "groups": True},
        "unmuted": {"unmuted": True},
        "unread and unmuted": {"unread": True, "unmuted": True},
    }
    found = {name: await inside(ada, await make(ada, name, rules=rule)) for name, rule in rules.items()}
    both = await make(ada, "both", conversationIds=[other, archived], rules={"unread": True, "groups": True})

    assert found == {
        "named": set(),
        "groups": {crew, quiet},
        "direct": {one, other},
        "unread": {one, quiet},
        "unread groups": {quiet},
        "unmuted": {one, other, crew},
        "unread and unmuted": {one},
    }
    assert await inside(ada, both) == {other, quiet}


async def test_there_are_twenty_folders_also_when_two_devices_make_them_at_once(people: People, pair: Pair) -> None:
    (ada,) = await people("ada")
    there = ada.at(pair[1])
    for number in range(19):
        await make(ada, f"Folder {number}")

    answers = await asyncio.gather(
        make(ada, "Here"), make(there, "There"), make(ada, "Also here"), return_exceptions=True
    )

    refused = [one.code for one in answers if isinstance(one, Refusal)]
    assert refused == ["chat.folder_limit"] * 2
    kept = await ada.ask("GET", "/api/folders")
    assert (len(kept["folders"]), kept["version"]) == (20, 20)


async def test_folders_name_only_ones_own_conversations_and_folders(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    foreign = await direct(bob, cyd)
    folder, hers = await make(ada, "Mine"), await make(bob, "Hers", conversationIds=[foreign])

    async def refused(who: Person, method: str, path: str, body: Any = None) -> str:
        with pytest.raises(Refusal) as refusal:
            await who.ask(method, path, body)
        return refusal.value.code

    assert await refused(ada, "POST", "/api/folders", {"name": "x", "conversationIds": [foreign]}) == "bad_request"
    assert await refused(ada, "PUT", f"/api/folders/{folder}", {"conversationIds": [foreign]}) == "bad_request"
    assert await refused(ada, "PUT", f"/api/folders/{folder}", {"name": None}) == "bad_request"
    assert await refused(ada, "PUT", "/api/folders", {"folderIds": [folder, folder]}) == "bad_request"
    assert await refused(ada, "PUT", "/api/folders", {"folderIds": [hers]}) == "bad_request"
    for method in ("PUT", "DELETE"):
        assert await refused(ada, method, f"/api/folders/{hers}", {} if method == "PUT" else None) == "not_found"
    with pytest.raises(Refusal) as refusal:
        await inside(ada, hers)
    assert refusal.value.code == "not_found"
    await bob.ask("DELETE", f"/api/conversations/{foreign}")
    assert await inside(bob, hers) == set()


async def test_folders_go_with_their_owner(people: People) -> None:
    (ada,) = await people("ada")
    await make(ada, "Mine")
    folders = ada.server.app.mongo.collection("chat_folders")
    assert await folders.count({"userId": ada.id}) == 1

    await ada.server.service("chat").folders.forget(ada.id)

    assert await folders.count({"userId": ada.id}) == 0
