"""Uploads in messages: whose they may be, what is told of them, and who may see them for how long."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.models import wire_time
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, fresh_id, group, say, unblock
from tests.handlers.media.helpers import announce, download, fetch, link, picture, tone, upload
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal

PICTURE = picture(400, 300)
FILE = b"%PDF-1.7 the plan" * 100


async def send(who: Person, conversation: str, medium: Any, **more: Any) -> Any:
    """A message with an upload."""
    kind = medium["kind"]
    media = {"type": kind, "mediaId": medium["id"]}
    return await say(who, conversation, "", **{"type": kind, "media": media, **more})


async def may_see(who: Person, media_id: str) -> bool:
    """Whether somebody gets an address of a medium."""
    status, answer = await who.http("GET", f"/api/media/{media_id}/link")
    assert (status, answer.get("code")) in {(200, None), (404, "media.not_found")}
    return status == 200


async def test_what_was_uploaded_is_sent_with_what_is_known_of_it_and_seen_by_the_members_alone(
    people: People, door: Door
) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await direct(ada, bob)
    medium = await upload(ada, "image", PICTURE, filename="beach.jpg")
    listener = await bob.socket()
    before = await may_see(bob, medium["id"])
    wanted = {
        "conversationId": conversation,
        "type": "image",
        "content": "look",
        "media": {"type": "image", "mediaId": medium["id"]},
    }

    message = await door(ada, "chat.send", wanted)

    assert message["media"] == {
        "type": "image",
        "mediaId": medium["id"],
        "url": f"/api/media/{medium['id']}/link",
        "thumbnail": f"/api/media/{medium['id']}/link?variant=thumbnail",
        "filename": "beach.jpg",
        "size": medium["size"],
        "duration": None,
        "width": 400,
        "height": 300,
        "blurhash": medium["blurhash"],
        "waveform": None,
    }
    assert message["album"] == []
    assert await listener.next("message:new") == message
    assert (before, await may_see(eve, medium["id"])) == (False, False)
    assert await download(bob, medium["id"]) == await download(ada, medium["id"])
    answer = await bob.ask("GET", message["media"]["thumbnail"])
    assert (await fetch(bob, answer["url"]))[1]["Content-Type"] == "image/webp"


async def test_a_voice_message_and_a_file_carry_what_their_readers_need(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    voice, file = await upload(ada, "audio", tone()), await upload(ada, "file", FILE, filename="plan.pdf")

    said = (await send(ada, conversation, voice))["media"]
    given = (await send(ada, conversation, file))["media"]

    assert (said["type"], said["duration"], len(said["waveform"]), said["thumbnail"]) == ("audio", 2.0, 64, None)
    assert (given["type"], given["filename"], given["size"]) == ("file", "plan.pdf", len(FILE))
    assert await download(bob, file["id"]) == FILE
    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert [one["media"] for one in page["messages"]] == [given, said]


async def test_only_ones_own_finished_upload_of_the_right_kind_is_sent(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    hers, his = await upload(ada, "image", PICTURE), await upload(bob, "image", PICTURE)
    begun, gone = await announce(ada, "image", PICTURE), await upload(ada, "image", PICTURE)
    await ada.ask("DELETE", f"/api/media/{gone['id']}")
    at = wire_time(clock.now() + timedelta(hours=1))
    later = {"sendAt": at, "type": "image", "media": {"type": "image", "mediaId": his["id"]}}

    found = []
    for medium, kind in ((his, "image"), (begun, "image"), (gone, "image"), (hers, "video")):
        with pytest.raises(Refusal) as refusal:
            await send(ada, conversation, medium, type=kind, media={"type": kind, "mediaId": medium["id"]})
        found.append((refusal.value.status, refusal.value.code))
    with pytest.raises(Refusal) as scheduled:
        await ada.ask("POST", f"/api/conversations/{conversation}/scheduled", later)

    assert found == [
        (404, "media.not_found"),
        (409, "media.not_ready"),
        (404, "media.not_found"),
        (422, "media.wrong_kind"),
    ]
    assert scheduled.value.code == "media.not_found"
    assert (await bob.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"] == []


async def test_several_pictures_and_videos_are_one_message(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    uploads = [await upload(ada, "image", PICTURE), await upload(ada, "image", picture(10, 10))]
    album: list[dict[str, Any]] = [{"type": "image", "mediaId": one["id"]} for one in uploads]
    album.append({"type": "video", "url": "https://cdn.example.com/a.mp4"})

    message = await say(ada, conversation, "trip", type="image", album=album)

    assert [(one["type"], one["mediaId"]) for one in message["album"]] == [
        ("image", uploads[0]["id"]),
        ("image", uploads[1]["id"]),
        ("video", None),
    ]
    assert message["media"] == message["album"][0]
    assert [await may_see(bob, one["id"]) for one in uploads] == [True, True]


async def test_what_is_deleted_for_all_or_for_oneself_or_has_disappeared_takes_its_upload_with_it(
    people: People, clock: TurnableClock
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    uploads = [await upload(ada, "file", FILE) for _ in range(3)]
    deleted, hidden, brief = uploads
    messages = [await send(ada, conversation, one) for one in (deleted, hidden)]
    await send(ada, conversation, brief, expiresIn=30)
    url = await link(bob, deleted["id"])
    before = [await may_see(bob, one["id"]) for one in uploads]

    await ada.ask("DELETE", f"/api/messages/{messages[0]['id']}")
    await bob.ask("POST", "/api/messages/delete", {"messageIds": [messages[1]["id"]], "forEveryone": False})
    clock.advance(seconds=31)

    assert before == [True, True, True]
    assert [await may_see(bob, one["id"]) for one in uploads] == [False, False, False]
    assert [await may_see(cyd, one["id"]) for one in uploads] == [False, True, False]
    assert [await may_see(ada, one["id"]) for one in uploads] == [True, True, True]
    assert (await fetch(bob, url))[0] == 404


async def test_newcomers_and_those_who_have_left_or_are_blocked_see_no_more_than_the_messages_they_may_read(
    people: People, pair: Pair
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    crew, alone = await group(ada, bob), await direct(ada, cyd)
    early, late, unwanted = [await upload(ada, "file", FILE) for _ in range(3)]
    await send(ada, crew, early)
    await ada.ask("POST", f"/api/conversations/{crew}/participants", {"userIds": [cyd.id]})
    await send(ada, crew, late)
    await block(cyd, ada)
    await send(ada, alone, unwanted)

    newcomer = [await may_see(cyd, one["id"]) for one in (early, late, unwanted)]
    await unblock(cyd, ada)
    url = await link(bob, late["id"])
    await ada.ask("DELETE", f"/api/conversations/{crew}/participants/{bob.id}")

    assert newcomer == [False, True, False]
    assert not await may_see(cyd, unwanted["id"])
    assert [await may_see(one, early["id"]) for one in (bob, bob.at(pair[1]))] == [False, False]
    assert (await fetch(bob, url))[0] == 404


async def test_a_forward_is_seen_by_those_it_was_forwarded_to_also_when_the_first_message_is_gone(
    people: People,
) -> None:
    ada, bob, cyd, eve = await people("ada", "bob", "cyd", "eve")
    source, target = await direct(ada, bob), await direct(bob, cyd)
    uploads = [await upload(ada, "image", PICTURE) for _ in range(3)]
    one = await send(ada, source, uploads[0])
    album = [{"type": "image", "mediaId": medium["id"]} for medium in uploads[1:]]
    several = await say(ada, source, "", type="image", album=album)

    for message in (one, several):
        wanted = {"conversationIds": [target], "operationId": fresh_id()}
        copy = (await bob.ask("POST", f"/api/messages/{message['id']}/forward", wanted))["messages"][0]
        assert (copy["media"], copy["album"]) == (message["media"], message["album"])
        await ada.ask("DELETE", f"/api/messages/{message['id']}")

    for medium in uploads:
        assert [await may_see(who, medium["id"]) for who in (bob, cyd, eve)] == [True, True, False]
    with pytest.raises(Refusal):
        await send(bob, target, uploads[0])  # what one may see is not one's own


async def test_an_upload_that_its_owner_deletes_is_seen_nowhere(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    medium = await upload(ada, "file", FILE)
    message = await send(ada, conversation, medium)

    await ada.ask("DELETE", f"/api/media/{medium['id']}")

    assert not await may_see(bob, medium["id"])
    wanted = {"conversationIds": [await group(bob)], "operationId": fresh_id()}
    answer = await bob.ask("POST", f"/api/messages/{message['id']}/forward", wanted)
    assert [one["code"] for one in answer["refused"]] == ["media.not_found"]


async def test_a_scheduled_message_carries_its_upload_when_it_is_sent(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    medium = await upload(ada, "file", FILE)
    at = wire_time(clock.now() + timedelta(seconds=60))
    wanted = {"type": "file", "media": {"type": "file", "mediaId": medium["id"]}, "sendAt": at}
    await ada.ask("POST", f"/api/conversations/{conversation}/scheduled", wanted)
    before = await may_see(bob, medium["id"])

    clock.advance(seconds=61)
    await pair[0].service("chat").scheduled.send_due()

    assert (before, await may_see(bob, medium["id"])) == (False, True)


async def test_r40_what_is_shown_once_is_gone_for_whoever_looked_on_all_his_devices(
    people: People, door: Door, pair: Pair
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    medium = await upload(ada, "image", PICTURE)
    phone = await bob.at(pair[1]).socket("phone")

    message = await send(ada, conversation, medium, viewOnce=True)

    shown = message["media"]
    assert (message["viewOnce"], shown["thumbnail"], shown["blurhash"]) == (True, None, None)
    assert [await may_see(one, medium["id"]) for one in (bob, cyd)] == [False, False]
    found = await door(bob, "chat.view", {"messageId": message["id"]})
    assert (await fetch(bob, found["url"]))[0] == 200
    assert (await phone.next("message:hidden"))["messageId"] == message["id"]
    for who, code in ((bob, "not_found"), (ada, "forbidden")):
        with pytest.raises(Refusal) as refusal:
            await door(who, "chat.view", {"messageId": message["id"]})
        assert refusal.value.code == code
    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert page["messages"] == []
    assert (await cyd.ask("POST", f"/api/messages/{message['id']}/view"))["url"].startswith("/api/media/")


async def test_r40_of_two_devices_that_look_at_the_same_moment_one_sees_it(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    message = await send(ada, await direct(ada, bob), await upload(ada, "image", PICTURE), viewOnce=True)

    answers = await asyncio.gather(
        *(bob.at(server).http("POST", f"/api/messages/{message['id']}/view") for server in pair)
    )

    assert sorted(status for status, _ in answers) == [200, 404]


async def test_r40_the_address_of_what_is_shown_once_ends_and_cannot_be_made_up(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, medium = await direct(ada, bob), await upload(ada, "image", PICTURE)
    message = await send(ada, conversation, medium, viewOnce=True)
    other = await send(ada, conversation, medium)
    found = await bob.ask("POST", f"/api/messages/{message['id']}/view")
    plain = await bob.ask("GET", f"/api/media/{medium['id']}/link")

    assert (await fetch(bob, found["url"].replace("last=true&", "")))[0] == 403
    assert (await fetch(bob, f"{plain['url']}&last=true"))[0] == 403
    with pytest.raises(Refusal) as refusal:
        await bob.ask("POST", f"/api/messages/{other['id']}/view")
    assert refusal.value.code == "chat.not_once"
    clock.advance(seconds=61)
    assert (await fetch(bob, found["url"]))[0] == 410


async def test_r40_what_is_shown_once_is_one_upload_that_waits_for_two_weeks(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation, medium = await direct(ada, bob), await upload(ada, "image", PICTURE)
    outside: dict[str, Any] = {"type": "image", "media": {"type": "image", "url": "https://example.com/a.png"}}
    for content, wrong in (("no", {}), ("", outside)):
        with pytest.raises(Refusal) as refusal:
            await say(ada, conversation, content, **wrong, viewOnce=True)
        assert refusal.value.fields == {"viewOnce"}

    message = await send(ada, conversation, medium, viewOnce=True)

    assert message["expiresAt"] == wire_time(datetime.fromisoformat(message["createdAt"]) + timedelta(days=14))
    with pytest.raises(Refusal) as refusal:
        await bob.ask("POST", f"/api/messages/{message['id']}/forward", {"conversationIds": [conversation]})
    assert refusal.value.code == "forbidden"
