"""Gathers what a server offers, chapter by chapter (a slice each), for the documents and for the page."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from server import errors
from server.errors import MixeeError
from server.events import Event
from server.hub.notices import NOTICES
from server.routes import Command
from server.slices import Permission, Slice

CONNECTION = "connection"
"""The chapter of the events that the engine itself tells."""

ENGINE_ERRORS: tuple[type[MixeeError], ...] = (
    errors.Unreadable,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.NotFound,
    errors.NotAllowed,
    errors.Conflict,
    errors.Gone,
    errors.TooLarge,
    errors.Unsupported,
    errors.OutOfRange,
    errors.Invalid,
    errors.RateLimited,
    errors.Unavailable,
    errors.Overloaded,
)


_LINE_BREAK = re.compile(r"\s*\n\s*(?!\s*- )")
"""One within a paragraph; the break before a list item is none."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One slice as the public sees it: its name, what it is for, and what it offers."""

    name: str
    meaning: str
    commands: tuple[Command, ...]
    events: tuple[type[Event[Any]], ...]
    errors: tuple[type[MixeeError], ...]
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that a server offers; the engine's own events come first, the slices in their order."""

    version: str
    chapters: tuple[Chapter, ...]

    @property
    def commands(self) -> list[Command]:
        """Every command."""
        return [command for chapter in self.chapters for command in chapter.commands]

    @property
    def events(self) -> list[type[Event[Any]]]:
        """Every event that a client can hear."""
        return [event for chapter in self.chapters for event in chapter.events]

    @property
    def permissions(self) -> dict[str, Permission]:
        """Every permission, by its name."""
        return {one.name: one for chapter in self.chapters for one in chapter.permissions}


def catalogue(slices: Sequence[Slice[Any]], version: str) -> Catalogue:
    """What these slices offer."""
    connection = Chapter(
        name=CONNECTION,
        meaning="A connection's start and end, and what may have been missed.",
        commands=(),
        events=tuple(NOTICES),
        errors=ENGINE_ERRORS,
        permissions=(),
    )
    return Catalogue(version, (connection, *(_chapter(one) for one in slices)))


def _chapter(one: Slice[Any]) -> Chapter:
    return Chapter(
        name=one.name,
        meaning=_meaning(one),
        commands=tuple(one.routes.commands) if one.routes else (),
        events=one.events,
        errors=one.errors,
        permissions=one.permissions,
    )


def _meaning(one: Slice[Any]) -> str:
    """The docstring of the slice's package; of its service, when the slice is a single module."""
    package, dot, _ = one.service.__module__.partition(".service")
    module = sys.modules.get(package) if dot else None
    return cleandoc((module and module.__doc__) or one.service.__doc__ or "")


def paragraph(text: str | None) -> str:
    """A docstring with the line breaks of its paragraphs and list items taken out."""
    return "\n\n".join(_LINE_BREAK.sub(" ", block.strip()) for block in cleandoc(text or "").split("\n\n"))
