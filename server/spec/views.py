"""What the page shows of each command, event, object and error, ready for its template."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from server.errors import MixeeError
from server.events import Event
from server.routes import WITH_BODY, Command
from server.spec import words
from server.spec.catalogue import Catalogue, paragraph
from server.spec.examples import example
from server.spec.openapi import body
from server.spec.problems import Internal, failures, phrase, refusals
from server.spec.schemas import Json, Schemas, without_null
from server.spec.shapes import words_for


@dataclass(frozen=True, slots=True)
class Row:
    """A field in a table."""

    name: str
    where: str
    kind: Markup
    required: bool
    default: str
    meaning: str


class Views:
    """Builds the views of one catalogue."""

    def __init__(self, of: Catalogue) -> None:
        self._of = of
        self._schemas = Schemas(of)

    def chapters(self) -> list[Json]:
        """Commands and events by chapter."""
        return [
            {
                "name": chapter.name,
                "meaning": paragraph(chapter.meaning),
                "commands": [self._command(command) for command in chapter.commands],
                "events": [self._event(event) for event in chapter.events],
            }
            for chapter in self._of.chapters
        ]

    def objects(self) -> list[Json]:
        """Every object that an answer, an event, a field or another object names."""
        roots: list[Json] = [self._schemas.problem]
        for command in self._of.commands:
            roots += [self._schemas.output_of(command), self._schemas.resolve(self._schemas.input_of(command))]
        roots += [self._schemas.payload_of(event) for event in self._of.events]
        return [
            {"name": name, "meaning": schema.get("description", ""), "rows": self._rows(schema)}
            for name, schema in self._schemas.used_by(roots).items()
            if schema.get("type") == "object"
        ]

    def errors(self) -> list[Json]:
        """Every error by chapter; the engine's own come first."""
        return [
            {"name": chapter.name, "codes": _codes(chapter.errors if place else (*chapter.errors, Internal))}
            for place, chapter in enumerate(self._of.chapters)
            if chapter.errors
        ]

    def _command(self, command: Command) -> Json:
        output = None if command.gives_content or command.output is type(None) else self._schemas.output_of(command)
        return {
            "name": command.name,
            "method": command.method,
            "path": command.path,
            "event": command.event,
            "summary": command.summary,
            "description": paragraph(command.description),
            "access": words.access(command, self._of.permissions),
            "limits": [words.limit(one) for one in command.limits],
            "rows": self._inputs(command),
            "http": self._http(command),
            "socket": self._socket(command),
            "status": f"{command.status} {phrase(command.status)}",
            "kind": words_for(output, self._schemas) if output else None,
            "answer": _pretty(example(output, self._schemas)) if output else None,
            "errors": _codes(_errors_of(command)),
        }

    def _event(self, event: type[Event[Any]]) -> Json:
        payload = self._schemas.payload_of(event)
        return {
            "name": event.name,
            "meaning": paragraph(event.__doc__),
            "kind": words_for(payload, self._schemas),
            "example": _pretty(example(payload, self._schemas)),
        }

    def _inputs(self, command: Command) -> list[Row]:
        """What a command takes, and where it goes in a request."""
        rest = "" if command.path is None else "body" if _has_json(command) else "query"
        rows = self._rows(self._schemas.resolve(self._schemas.input_of(command)), nullable=rest != "query")
        return [replace(row, where="path" if row.name in command.placeholders else rest) for row in rows]

    def _rows(self, schema: Json, *, nullable: bool = True) -> list[Row]:
        required = schema.get("required", ())
        return [
            Row(
                name=name,
                where="",
                kind=words_for(field if nullable else without_null(field), self._schemas),
                required=name in required,
                default=json.dumps(field["default"], ensure_ascii=False) if "default" in field else "",
                meaning=field.get("description", ""),
            )
            for name, field in schema.get("properties", {}).items()
        ]

    def _given(self, command: Command) -> Json:
        """An example of what a command takes; what its path needs is always there."""
        whole = self._schemas.input_of(command)
        fields = self._schemas.resolve(whole).get("properties", {})
        needed = {name: example(fields[name], self._schemas) for name in command.placeholders}
        given: Json = needed | example(whole, self._schemas)
        return given

    def _http(self, command: Command) -> str:
        """A request for curl."""
        if command.path is None:
            return ""
        given = self._given(command)
        rest = {name: value for name, value in given.items() if name not in command.placeholders}
        path = re.sub(r"\{(\w+)\}", lambda found: str(given[found[1]]), command.path)
        if not _has_json(command) and rest:
            path += "?" + "&".join(f"{name}={_in_query(value)}" for name, value in rest.items())
        lines = [f'curl -X {command.method} "$URL"{shlex.quote(path)}']
        if not command.public:
            lines.append('-H "Authorization: Bearer $TOKEN"')
        if body(command, self._schemas) is not None:
            lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(_pretty(rest))}"]
        if command.takes:
            lines += ["-H 'Content-Type: application/octet-stream'", "--data-binary @part"]
        return " \\\n  ".join(lines)

    def _socket(self, command: Command) -> str:
        """A call for a JavaScript client."""
        if command.event is None:
            return ""
        given = self._given(command)
        argument = f", {_pretty(given)}" if given else ""
        return f'const {{ ok, data, error }} = await socket.emitWithAck("{command.event}"{argument});'


def _has_json(command: Command) -> bool:
    return command.method in WITH_BODY and not command.takes


def _errors_of(command: Command) -> list[type[MixeeError]]:
    if command.path is None:
        return refusals(command)
    return [one for some in failures(command).values() for one in some]


def _codes(found: Sequence[type[MixeeError]]) -> list[Json]:
    return [
        {"code": one.code, "status": one.status, "meaning": paragraph(one.__doc__)}
        for one in sorted(found, key=lambda one: (one.status, "." in one.code, one.code))
    ]


def _in_query(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
