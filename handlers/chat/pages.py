"""What a page says of itself: title, description and site. Pure, and the one door to the library that reads HTML."""

import re
from dataclasses import dataclass
from itertools import islice

from lxml import etree

MAX_TITLE, MAX_DESCRIPTION, MAX_SITE = 200, 300, 100
MAX_METAS = 500
"""Statements of a page about itself that are looked at."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_HEAD = 2048
"""Bytes in which a page must say its encoding."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
"""What is not shown, and what turns the direction of writing."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of itself."""

    title: str
    description: str | None = None
    site_name: str | None = None


def read(body: bytes, content_type: str) -> Page | None:
    """The page that these bytes are, or the beginning of; None when it says nothing of itself."""
    # The parser stops at a depth of 256 and reaches for nothing: endless nesting costs no more than its length.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True)
    try:
        tree = etree.fromstring(_decoded(body, content_type).encode(), parser)
    except (etree.LxmlError, ValueError):
        return None
    if tree is None:
        return None
    said: dict[str, str] = {}
    for node in islice(tree.iter("meta"), MAX_METAS):
        name = node.get("property") or node.get("name")
        content = node.get("content")
        if name and content:
            said.setdefault(name.strip().lower(), content)
    head = next(tree.iter("title"), None)
    title = said.get("og:title") or said.get("twitter:title") or ((head.text or "") if head is not None else "")
    description = said.get("og:description") or said.get("twitter:description") or said.get("description") or ""
    short = _short(title, MAX_TITLE)
    if not short:
        return None
    return Page(
        short, _short(description, MAX_DESCRIPTION) or None, _short(said.get("og:site_name", ""), MAX_SITE) or None
    )


def _decoded(body: bytes, content_type: str) -> str:
    said = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    found = _CHARSET.search(body[:_HEAD])
    name = said.group(1) if said else found.group(1).decode("ascii") if found else "utf-8"
    try:
        return body.decode(name, "replace")
    except (LookupError, ValueError):  # no encoding of text, or none that is known
        return body.decode("utf-8", "replace")


def _short(text: str, most: int) -> str:
    plain = " ".join(_CONTROL.sub(" ", text).split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"
