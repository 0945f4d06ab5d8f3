"""Renders the page for people: how to connect, every command, event, object, error and limit, in one HTML file."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from server.slices import Slice
from server.spec import words
from server.spec.catalogue import catalogue
from server.spec.views import Views

TEMPLATES = Path(__file__).with_name("templates")
_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^\s*][^*<]*)\*(?![\w*])")
_ITEM = re.compile(r"(?:^|\n)- ")


@dataclass(frozen=True, slots=True)
class Page:
    """The page, and the Content-Security-Policy that admits its one style sheet and nothing else."""

    html: str
    policy: str


def render(slices: Sequence[Slice[Any]], version: str) -> Page:
    """The page for these slices."""
    of = catalogue(slices, version)
    views = Views(of)
    style = _read("docs.css")
    html = (
        _environment()
        .get_template("docs.html")
        .render(
            title=words.TITLE,
            version=version,
            about=words.about(),
            style=Markup(style),  # noqa: S704 - our own file
            chapters=views.chapters(),
            objects=views.objects(),
            errors=views.errors(),
            permissions=of.permissions.values(),
            events={command.event for command in of.commands},
            python_example=_read("client.py.txt"),
            javascript_example=_read("client.mjs.txt"),
        )
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Page(
        html,
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )


def inline(text: str) -> Markup:
    """Text with its `code` and its *stress* marked up."""
    marked = _EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", str(escape(text))))
    return Markup(marked)  # noqa: S704 - escaped just before


def prose(text: str) -> Markup:
    """Paragraphs, and lists (lines that begin with a dash), as HTML."""
    return Markup("\n").join(_block(block) for block in text.split("\n\n") if block.strip())


def _block(text: str) -> Markup:
    if not text.startswith("- "):
        return Markup("<p>{}</p>").format(inline(text))
    items = (" ".join(item.split()) for item in _ITEM.split(text) if item.strip())
    return Markup("<ul>{}</ul>").format(Markup().join(Markup("<li>{}</li>").format(inline(item)) for item in items))


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").rstrip()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    environment.filters["inline"] = inline
    return environment
