"""Writes the AsyncAPI 3.0 document: every command of the socket with its answer, and every event it can hear."""

from collections.abc import Mapping, Sequence
from typing import Any

from server import errors
from server.errors import MixeeError
from server.events import Event
from server.routes import Command
from server.slices import Permission, Slice
from server.spec import words
from server.spec.catalogue import CONNECTION, Catalogue, catalogue, paragraph
from server.spec.problems import refusals
from server.spec.schemas import Json, Schemas

MAX_DEVICE_ID = 64
"""Longest name of a device, in characters; the socket door refuses a longer one."""

CONNECT_ERRORS: tuple[type[MixeeError], ...] = (errors.Unauthenticated, errors.Invalid, errors.Unavailable)
_ACKNOWLEDGEMENTS = "acknowledgements"

_AUTH: Json = {
    "type": "object",
    "description": "What the client gives as `auth` when it connects.",
    "properties": {
        "token": {"type": "string", "description": "An access token."},
        "deviceId": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_DEVICE_ID,
            "description": "A name that the device keeps; without it, the one it signed in with.",
        },
    },
    "required": ["token"],
}
_RENEWAL: Json = {
    "type": "object",
    "properties": {"token": {"type": "string", "description": "A fresh access token of the same account."}},
    "required": ["token"],
}
_RENEWED: Json = {
    "type": "object",
    "properties": {
        "expiresAt": {
            "type": "string",
            "format": "date-time",
            "description": "When the connection ends unless it is renewed again.",
        }
    },
    "required": ["expiresAt"],
}
_CONNECT_TEXT = """\
Socket.IO's own handshake, on the path `/socket.io/` and the main namespace. A connection that is refused gets
`connect_error`, whose `data` is the error. One that is let in first hears `session:ready`."""
_RENEW_TEXT = """\
Send a fresh access token before the one of the connection runs out: otherwise the connection hears `session:closed`
and ends."""


def asyncapi(slices: Sequence[Slice[Any]], version: str) -> Json:
    """The document for these slices."""
    of = catalogue(slices, version)
    schemas = Schemas(of)
    writer = _Writer(schemas, of.permissions)
    writer.connect()
    writer.renew()
    for command in of.commands:
        if command.event:
            writer.command(command)
    for chapter in of.chapters:
        for event in chapter.events:
            writer.event(event, chapter.name)
    parts = {
        "channels": dict(sorted(writer.channels.items())),
        "operations": dict(sorted(writer.operations.items())),
    }
    return {
        "asyncapi": "3.0.0",
        "info": _info(of),
        "defaultContentType": "application/json",
        "servers": {"mixee": _server()},
        **_plain(parts),
        "components": {
            "schemas": _plain(schemas.used_by(parts)),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": f"{words.BEARER} It goes into `auth.token` of the connection.",
                }
            },
        },
    }


class _Writer:
    """Collects channels and operations, seen from the server: it receives commands and sends events."""

    def __init__(self, schemas: Schemas, permissions: Mapping[str, Permission]) -> None:
        self._schemas = schemas
        self._permissions = permissions
        self._answers: Json = {}
        self.operations: Json = {}
        self.channels: Json = {
            _ACKNOWLEDGEMENTS: {
                "address": None,
                "title": "Answers",
                "description": "The acknowledgement of a Socket.IO event: every event is answered exactly once.",
                "messages": self._answers,
            }
        }

    def command(self, command: Command) -> None:
        """A command that clients can call."""
        self._receive(
            command.name,
            address=command.event,
            tag=command.tag,
            summary=command.summary,
            description=words.description(command, self._permissions),
            payload=self._schemas.input_of(command),
            answer=self._answer(
                {"type": "null"} if command.output is type(None) else self._schemas.output_of(command),
                refusals(command),
            ),
        )
        if command.needs:
            self.operations[command.name]["x-permission"] = command.needs
        if command.method:
            self.operations[command.name]["x-http"] = f"{command.method} {command.path}"

    def event(self, event: type[Event[Any]], tag: str) -> None:
        """An event that clients hear."""
        key = f"event.{event.name.replace(':', '.')}"
        summary, _, description = paragraph(event.__doc__).partition("\n\n")
        self._send(key, event.name, tag, summary, self._schemas.payload_of(event))
        if description:
            self.operations[key]["description"] = description

    def connect(self) -> None:
        """Socket.IO's handshake, and its refusal."""
        self._receive(
            f"{CONNECTION}.connect",
            address=None,
            tag=CONNECTION,
            summary="Connect with an access token.",
            description=paragraph(_CONNECT_TEXT),
            payload=_AUTH,
            answer=None,
        )
        refusal = {
            "type": "object",
            "properties": {"message": {"type": "string"}, "data": self._error(CONNECT_ERRORS)},
            "required": ["message", "data"],
        }
        self._send(f"{CONNECTION}.refused", "connect_error", CONNECTION, "The connection is not let in.", refusal)

    def renew(self) -> None:
        """The one event that the door itself answers."""
        self._receive(
            f"{CONNECTION}.renew",
            address="session:renew",
            tag=CONNECTION,
            summary="Keep a connection beyond its access token.",
            description=paragraph(_RENEW_TEXT),
            payload=_RENEWAL,
            answer=self._answer(_RENEWED, CONNECT_ERRORS),
        )

    def _send(self, key: str, name: str, tag: str, summary: str, payload: Json) -> None:
        message = {"name": name, "summary": summary, "payload": payload}
        self.channels[key] = {"address": name, "messages": {"event": message}}
        self.operations[key] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "summary": summary,
            "tags": [{"name": tag}],
            "messages": [{"$ref": f"#/channels/{key}/messages/event"}],
        }

    def _receive(
        self,
        key: str,
        *,
        address: str | None,
        tag: str,
        summary: str,
        description: str,
        payload: Json,
        answer: Json | None,
    ) -> None:
        name = address or "connect"
        request = {"name": name, "summary": summary, "payload": payload}
        self.channels[key] = {"address": address, "messages": {"request": request}}
        self.operations[key] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{key}"},
            "summary": summary,
            "description": description,
            "tags": [{"name": tag}],
            "messages": [{"$ref": f"#/channels/{key}/messages/request"}],
        }
        if answer is not None:
            self._answers[key] = {"name": f"answer to {name}", "payload": answer}
            self.operations[key]["reply"] = {
                "channel": {"$ref": f"#/channels/{_ACKNOWLEDGEMENTS}"},
                "messages": [{"$ref": f"#/channels/{_ACKNOWLEDGEMENTS}/messages/{key}"}],
            }

    def _answer(self, data: Json, found: Sequence[type[MixeeError]]) -> Json:
        good: Json = {
            "type": "object",
            "properties": {"ok": {"const": True}, "data": data},
            "required": ["ok", "data"],
        }
        bad: Json = {
            "type": "object",
            "properties": {"ok": {"const": False}, "error": self._error(found)},
            "required": ["ok", "error"],
        }
        return {"oneOf": [good, bad]}

    def _error(self, found: Sequence[type[MixeeError]]) -> Json:
        codes = sorted({one.code for one in found})
        return {"allOf": [self._schemas.refusal], "properties": {"code": {"enum": codes}}}


def _info(of: Catalogue) -> Json:
    return {
        "title": words.TITLE,
        "version": of.version,
        "description": words.about(),
        "license": {"name": "Apache License 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "tags": [{"name": chapter.name, "description": paragraph(chapter.meaning)} for chapter in of.chapters],
    }


def _server() -> Json:
    return {
        "host": "{host}",
        "pathname": "/socket.io/",
        "protocol": "ws",
        "description": "Socket.IO (protocol 5) over WebSocket or long polling; `wss` behind a proxy that ends TLS.",
        "variables": {"host": {"default": "127.0.0.1:8080", "description": "Host and port of the server."}},
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }


def _plain(node: Any) -> Any:
    """Without OpenAPI's discriminator objects: AsyncAPI's are plain names, and `oneOf` with constants says the same."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value)
        for key, value in node.items()
        if not (key == "discriminator" and isinstance(value, dict) and "propertyName" in value)
    }
