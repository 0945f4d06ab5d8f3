"""The page for people has everything, works without the network, and cannot be broken by what it shows."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from server.spec.page import Page, prose, render
from tests.server.spec.garden import manifest


class Anchors(HTMLParser):
    """Collects tags, ids and links; fails on a tag that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given[name]) for name in ("href", "src") if name in given]
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> Page:
    return render([manifest], "1.2.3")


@pytest.fixture(scope="module")
def anchors(page: Page) -> Anchors:
    found = Anchors()
    found.feed(page.html)
    assert found.open == []
    return found


def test_the_page_names_every_command_event_object_and_error(page: Page, anchors: Anchors) -> None:
    expected = {"garden.plant", "garden.look", "garden.remove", "garden.water", "garden.whisper"}
    expected |= {"event-plant:grown", "event-session:ready", "object-Plant", "object-Spot", "object-CityPlace"}

    assert expected <= set(anchors.ids)
    for code in ("garden.spot_taken", "garden.no_such_plant", "rate_limited", "internal"):
        assert f"<dt><code>{code}</code>" in page.html
    assert "At most 5 at once, then one more every minute, for each account." in page.html
    assert "Version 1.2.3" in page.html


def test_every_link_leads_somewhere_on_this_server(anchors: Anchors) -> None:
    inner = {link[1:] for link in anchors.links if link.startswith("#")}
    outer = {link for link in anchors.links if not link.startswith("#")}

    assert inner <= set(anchors.ids)
    assert outer == {"/openapi.json", "/asyncapi.json"}
    assert len(anchors.ids) == len(set(anchors.ids))


def test_the_page_needs_no_script_and_its_policy_admits_its_style_alone(page: Page, anchors: Anchors) -> None:
    style = re.search(r"<style>(.*?)</style>", page.html, re.DOTALL)

    assert style
    assert not {"script", "link", "img", "iframe", "object"} & anchors.tags
    assert " style=" not in page.html
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert page.policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_what_docstrings_say_is_text_and_not_markup(page: Page) -> None:
    assert "<b>once</b>" not in page.html
    assert "Everybody hears it &lt;b&gt;once&lt;/b&gt;." in page.html


def test_prose_becomes_paragraphs_lists_and_code() -> None:
    text = "Say `a < b` *twice*, not 2 * 3 * 4.\n\n- first\n- second\nand last"

    assert prose(text) == (
        "<p>Say <code>a &lt; b</code> <em>twice</em>, not 2 * 3 * 4.</p>\n"
        "<ul><li>first</li><li>second and last</li></ul>"
    )


def test_an_example_of_a_request_can_be_pasted_into_a_shell(page: Page) -> None:
    assert "curl -X GET &#34;$URL&#34;&#39;/api/plants?near=" in page.html
    assert "curl -X DELETE &#34;$URL&#34;/api/plants/0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60" in page.html
