"""What is behind a link is shown beside the message, later and to its readers alone; nobody waits for it."""

import ipaddress
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from handlers.chat.pages import Page, read
from handlers.chat.store.previews import PREVIEWS
from handlers.chat.words import first_link
from server.outside import Outside, Rules
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, missed, say
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server
from tests.server.outside.conftest import Listener, redirect, reply

HERE = (ipaddress.ip_network("127.0.0.0/8"),)
PAGE = b"""<!doctype html><html><head><meta charset="utf-8"><title>Old</title>
<meta property="og:title" content="Caf\xc3\xa9 &amp; more"><meta property="og:site_name" content="Town">
<meta name="description" content="Open   all\nday"></head><body>"""
SHOWN = {"title": "Café & more", "description": "Open all day", "siteName": "Town"}


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Listener]:
    """A web site on the loopback address."""
    one = Listener()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def listener(site: Listener, curious: Server) -> Listener:
    """The web site, which nobody has visited yet; of what was there before nothing is remembered."""
    site.connections = 0
    site.asked.clear()
    site.answer = lambda _: reply(PAGE, "Content-Type: text/html")
    await curious.app.mongo.collection(PREVIEWS).delete_many({})
    return site


@pytest.fixture(scope="module")
async def curious(
    clock: TurnableClock, tmp_path_factory: pytest.TempPathFactory, site: Listener
) -> AsyncIterator[Server]:
    """A server that looks at links, also at those of the web site on this machine."""
    from run import CORE  # noqa: PLC0415 - tests of pure parts must not need every slice

    database, folder = f"test_{secrets.token_hex(6)}", Path(tmp_path_factory.mktemp("previews"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MIXEE_CHAT_LINK_PREVIEWS", "true")
        one = await servers.start(CORE, database=database, data_dir=folder, clock=clock)
    rules = Rules(own_networks=HERE, ports=frozenset({site.port}), seconds=5.0)
    one.service("chat").previews.outside = Outside(rules, agent="Tests")
    yield one
    await one.app.mongo.drop()
    await one.stop()


def link_to(listener: Listener, path: str = "/cafe") -> str:
    return f"http://127.0.0.1:{listener.port}{path}"


async def looked(server: Server) -> None:
    """Wait until every link that was said was looked at."""
    await server.service("chat").previews.settle()


async def newest(who: Person, conversation: str) -> Any:
    """The last message that somebody finds."""
    return (await who.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"][0]


async def test_what_is_behind_a_link_comes_after_the_message_and_stays_with_it(
    people: People, curious: Server, listener: Listener
) -> None:
    ada, bob = await people("ada", "bob", at=curious)
    conversation = await direct(ada, bob)
    socket = await bob.socket()
    url = link_to(listener)

    message = await say(ada, conversation, f"look ({url}), nice")
    told = await socket.next("message:updated")
    await looked(curious)
    await say(ada, conversation, f"again {url}")
    again = await socket.next("message:updated")

    assert message["preview"] is None
    assert told["preview"] == again["preview"] == {"url": url, **SHOWN}
    assert (told["id"], told["revision"], told["editedAt"]) == (message["id"], message["seq"] + 1, None)
    assert (await newest(bob, conversation))["preview"] == {"url": url, **SHOWN}
    assert await missed(bob, conversation, after=1) == [(2, "message"), (3, "card"), (4, "message"), (5, "card")]
    assert listener.connections == 1  # the second time it was remembered
    assert listener.asked[0].split("\r\n")[0] == "GET /cafe HTTP/1.1"


async def test_nothing_is_looked_at_where_it_is_not_wanted(people: People, curious: Server, listener: Listener) -> None:
    ada, bob = await people("ada", "bob", at=curious)
    conversation = await direct(ada, bob)
    secret = await ada.ask("POST", "/api/conversations", {"type": "group", "name": "x", "participantIds": [bob.id]})
    # Encrypted conversations cannot be made through a door yet, so this one becomes one in the database.
    await curious.app.mongo.collection("conversations").update_one(
        {"_id": secret["id"]}, {"$set": {"isEncrypted": True}}
    )
    await say(ada, secret["id"], link_to(listener))
    await say(ada, conversation, link_to(listener), expiresIn=3600)
    await say(ada, conversation, "no link at all, nor ftp://127.0.0.1/ nor www.example.com")
    await bob.ask("PUT", "/api/users/me/privacy", {"linkPreviews": False})
    await say(bob, conversation, link_to(listener))

    await looked(curious)

    assert listener.connections == 0
    assert (await newest(ada, conversation))["preview"] is None


async def test_a_link_that_leads_inside_or_nowhere_leaves_the_message_as_it_is(
    people: People, curious: Server, listener: Listener
) -> None:
    ada, bob = await people("ada", "bob", at=curious)
    conversation = await direct(ada, bob)
    answers = {
        "/inside": redirect("http://169.254.169.254/latest/meta-data/"),
        "/missing": reply(PAGE, "Content-Type: text/html", status="404 Not Found"),
        "/data": reply(PAGE, "Content-Type: application/octet-stream"),
        "/silent": reply(b"<html><title> </title>", "Content-Type: text/html"),
    }
    listener.answer = lambda head: answers[head.split()[1]]
    wanted = [*(link_to(listener, path) for path in answers), "http://10.0.0.1/", "http://[::1]/", "http://localhost/"]

    for url in wanted:
        await say(ada, conversation, url)
    await looked(curious)

    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert [one["preview"] for one in page["messages"]] == [None] * len(wanted)
    assert listener.connections == len(answers)


async def test_a_preview_goes_with_its_link_and_with_its_message(
    people: People, curious: Server, listener: Listener
) -> None:
    ada, bob = await people("ada", "bob", at=curious)
    conversation = await direct(ada, bob)
    kept, changed = [await say(ada, conversation, link_to(listener)) for _ in range(2)]
    await looked(curious)

    same = await ada.ask("PUT", f"/api/messages/{kept['id']}", {"content": f"see {link_to(listener)}"})
    other = await ada.ask("PUT", f"/api/messages/{changed['id']}", {"content": "nothing"})
    await ada.ask("DELETE", f"/api/messages/{kept['id']}")

    assert (same["preview"]["title"], other["preview"]) == ("Café & more", None)
    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert [(one["isDeleted"], one["preview"]) for one in page["messages"]] == [(False, None), (True, None)]


LINKS = {
    "see https://example.com/a?b=c#d.": "https://example.com/a?b=c#d",
    "(http://example.com/x)": "http://example.com/x",
    "https://en.example.org/wiki/A_(b), or": "https://en.example.org/wiki/A_(b)",
    "HTTPS://EXAMPLE.COM": "HTTPS://EXAMPLE.COM",
    "<https://example.com/>": "https://example.com/",
    "xhttps://example.com/": None,
    "example.com and mailto:a@example.com": None,
}


def test_the_first_link_of_a_text_is_found_without_what_stands_around_it() -> None:
    assert {text: first_link(text) for text in LINKS} == LINKS


def test_a_page_is_read_in_its_own_encoding_and_short() -> None:
    assert read("<title>Grüße</title>".encode("latin-1"), "text/html; charset=ISO-8859-1") == Page("Grüße")
    assert read(b'<meta charset="windows-1251"><title>\xcc\xe8\xf0</title>', "text/html") == Page("Мир")
    assert read(b"<title>a\xff</title>", "text/html; charset=rot13") == Page("a\ufffd")
    assert read(b"<title>\xe2\x80\xaegpj.exe</title>", "text/html") == Page("gpj.exe")
    assert read(b"<title>" + b"x" * 500, "text/html") == Page("x" * 199 + "…")
    assert read(b"\x00\x01\x02", "text/html") is None


@pytest.mark.timeout(10)
@pytest.mark.parametrize("tag", [b"<div>", b"<a><b>", b"<p><i>", b"<table>", b"<svg>", b"<meta name=a content=b>"])
def test_a_page_that_is_nested_without_end_costs_no_more_than_its_length(tag: bytes) -> None:
    assert read(tag * (512 * 1024 // len(tag)), "text/html") is None
