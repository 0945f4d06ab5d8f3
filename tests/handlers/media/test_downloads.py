"""Downloads: an address works for its viewer, for minutes, as long as he may see; bytes whole or in part."""

import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from handlers.media.models import PART_BYTES
from server.edge.content import span_of
from server.errors import OutOfRange
from tests.conftest import Cluster, People
from tests.handlers.media.helpers import announce, download, fetch, link, picture, upload
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server

DATA = secrets.token_bytes(700_000)
PLACE = "place"


def changed(url: str, **other: str) -> str:
    """The address with other values in its query."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | other
    return f"{parts.path}?{urlencode(query)}"


async def test_an_address_needs_no_token_and_ends_after_five_minutes(
    people: People, clock: TurnableClock, door: Door
) -> None:
    (ada,) = await people("ada")
    media = await upload(ada, "file", DATA)

    found = await door(ada, "media.link", {"mediaId": media["id"]})
    at_once, _, data = await fetch(ada, found["url"])
    clock.advance(seconds=290)
    before, _, _ = await fetch(ada, found["url"])
    clock.advance(seconds=11)
    after, _, said = await fetch(ada, found["url"])

    assert (at_once, data) == (200, DATA)
    assert (before, after) == (200, 410)
    assert b'"code":"media.old_link"' in said


async def test_an_address_that_was_changed_opens_nothing(people: People) -> None:
    ada, bob = await people("ada", "bob")
    media = await upload(ada, "image", picture())
    other = await upload(ada, "image", picture(form="PNG"))
    url = await link(ada, media["id"])
    signature = parse_qs(urlsplit(url).query)["signature"][0]
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]

    statuses = {
        name: (await fetch(ada, address))[0]
        for name, address in {
            "as it is": url,
            "variant": changed(url, variant="thumbnail"),
            "viewer": changed(url, viewer=bob.id),
            "expires": changed(url, expires="9999999999"),
            "signature": changed(url, signature=flipped),
            "medium": url.replace(media["id"], other["id"]),
            "none": urlsplit(url).path,
        }.items()
    }

    assert statuses == {
        "as it is": 200,
        "variant": 403,
        "viewer": 403,
        "expires": 403,
        "signature": 403,
        "medium": 403,
        "none": 422,
    }


async def test_an_address_works_on_every_server_of_the_cluster(people: People, cluster: Cluster) -> None:
    (ada,) = await people("ada")
    media = await upload(ada, "file", DATA)

    status, _, data = await fetch(ada.at(await cluster()), await link(ada, media["id"]))

    assert (status, data) == (200, DATA)


async def test_only_those_of_a_place_where_it_is_shown_may_see_it_and_only_while_they_are(
    people: People, server: Server, door: Door
) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    inside = {ada.id, bob.id}
    service = server.service("media")

    async def sees(user_id: str, place: str) -> bool:
        return place == PLACE and user_id in inside

    service.admit("club", sees)
    media = await upload(ada, "file", DATA)
    hidden = await upload(ada, "file", b"mine alone")

    await service.show(media["id"], ada.id, scope="club", place=PLACE)
    found = await door(bob, "media.get", {"mediaId": media["id"]})
    url = await link(bob, media["id"])
    seen, _, data = await fetch(bob, url)
    for who, which in ((eve, media), (bob, hidden)):
        for name in ("media.get", "media.link"):
            with pytest.raises(Refusal) as refusal:
                await door(who, name, {"mediaId": which["id"]})
            assert refusal.value.code == "media.not_found"
    inside.remove(bob.id)
    left, _, _ = await fetch(bob, url)
    inside.add(bob.id)
    back, _, _ = await fetch(bob, url)
    await service.hide(media["id"], scope="club", place=PLACE)
    taken, _, _ = await fetch(bob, url)

    assert found == media
    assert (seen, data) == (200, DATA)
    assert (left, back, taken) == (404, 200, 404)
    assert await download(ada, media["id"]) == DATA


async def test_one_may_show_only_what_one_may_see_and_only_when_it_is_finished(people: People, server: Server) -> None:
    ada, eve = await people("ada", "eve")
    service = server.service("media")

    async def nobody(user_id: str, place: str) -> bool:
        return False

    service.admit("club", nobody)
    media = await upload(ada, "file", DATA)
    begun = await announce(ada, "file", DATA)

    codes = []
    for media_id, who in ((media["id"], eve.id), (begun["id"], ada.id), (begun["id"], eve.id)):
        with pytest.raises(Exception, match=r".") as refused:
            await service.show(media_id, who, scope="club", place=PLACE)
        codes.append(getattr(refused.value, "code", None))
    with pytest.raises(ValueError, match="nobody knows"):
        await service.show(media["id"], ada.id, scope="elsewhere", place=PLACE)
    with pytest.raises(ValueError, match="taken"):
        service.admit("club", nobody)

    assert codes == ["media.not_found", "media.not_ready", "media.not_found"]
    assert await server.app.mongo.collection("media_grants").count({}) == 0


async def test_what_is_deleted_is_gone_for_everybody_at_once_with_its_bytes(
    people: People, server: Server, door: Door
) -> None:
    (ada,) = await people("ada")
    media = await upload(ada, "image", picture())
    url = await link(ada, media["id"])
    heard = await ada.socket()

    await door(ada, "media.delete", {"mediaId": media["id"]})

    assert (await fetch(ada, url))[0] == 404
    with pytest.raises(Refusal) as refusal:
        await door(ada, "media.delete", {"mediaId": media["id"]})
    assert refusal.value.code == "media.not_found"
    assert await heard.next("media:deleted") == media
    assert list((server.app.settings.data_dir / "media").iterdir()) == []
    assert await server.app.mongo.collection("media").count({}) == 0


async def test_a_download_says_how_it_may_be_used(people: People) -> None:
    (ada,) = await people("ada")
    page = await upload(ada, "file", b"<html><script>alert(1)</script></html>", filename='évil "page".html')
    image = await upload(ada, "image", picture())

    _, file, _ = await fetch(ada, await link(ada, page["id"]))
    _, shown, _ = await fetch(ada, await link(ada, image["id"]))

    assert page["type"] == "text/html"
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9vil%20%22page%22.html"
    assert (shown["Content-Type"], shown["Content-Disposition"]) == ("image/jpeg", "inline")
    for headers in (file, shown):
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        keep = headers["Cache-Control"].removeprefix("private, max-age=")
        assert 290 <= int(keep) <= 300


async def test_any_part_can_be_had_alone(people: People) -> None:
    (ada,) = await people("ada")
    media = await upload(ada, "file", DATA)
    url = await link(ada, media["id"])
    size = len(DATA)

    for wanted, (start, stop) in {
        "bytes=0-0": (0, 1),
        "bytes=300000-": (300_000, size),
        "bytes=5-600004": (5, 600_005),
        "bytes=699999-9999999": (699_999, size),
        "bytes=-100": (size - 100, size),
        "bytes=-9999999": (0, size),
    }.items():
        status, headers, data = await fetch(ada, url, Range=wanted)
        assert (status, data) == (206, DATA[start:stop]), wanted
        assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert headers["Content-Length"] == str(stop - start)
    status, headers, said = await fetch(ada, url, Range=f"bytes={size}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")
    assert b'"code":"out_of_range"' in said


async def test_a_download_that_broke_off_goes_on_only_with_the_same_bytes(people: People) -> None:
    (ada,) = await people("ada")
    media = await upload(ada, "file", DATA)
    url = await link(ada, media["id"])
    _, headers, _ = await fetch(ada, url)
    etag = headers["ETag"]

    same, _, rest = await fetch(ada, url, **{"Range": "bytes=600000-", "If-Range": etag})
    other, _, all_of_it = await fetch(ada, url, **{"Range": "bytes=600000-", "If-Range": '"other"'})
    known, _, nothing = await fetch(ada, url, **{"If-None-Match": f'"other", {etag}'})

    assert (same, rest) == (206, DATA[600_000:])
    assert (other, all_of_it) == (200, DATA)
    assert (known, nothing) == (304, b"")


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-4", (0, 5)),
        ("bytes=5-", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=9-99", (9, 10)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        ("", None),
    ],
)
def test_ranges_are_read_as_the_standard_says(header: str, span: tuple[int, int] | None) -> None:
    assert span_of(header, 10) == span


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(OutOfRange):
        span_of(header, 10)


async def test_what_is_not_finished_or_has_no_thumbnail_has_no_address(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    begun = await announce(ada, "file", DATA)
    file = await upload(ada, "file", DATA[:PART_BYTES])

    with pytest.raises(Refusal) as early:
        await door(ada, "media.link", {"mediaId": begun["id"]})
    with pytest.raises(Refusal) as small:
        await door(ada, "media.link", {"mediaId": file["id"], "variant": "thumbnail"})

    assert (early.value.code, small.value.code) == ("media.not_ready", "media.no_thumbnail")
