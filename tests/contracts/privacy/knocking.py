"""How a command is called as somebody, through either door, and what is made of the answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from crypto.ids import new_id
from server.routes import Command
from tests.contracts.privacy.rows import USUAL, Row
from tests.harness.people import Socket, _word

ADDRESS = re.compile(r"/api/media/[^\"\s]+signature=[A-Za-z0-9_-]+")


@dataclass
class Viewer:
    """Somebody who calls: by a token, and by a socket if there is one."""

    name: str
    session: aiohttp.ClientSession
    url: str
    token: str | None
    socket: Socket | None


@dataclass(frozen=True)
class Answer:
    """What came back."""

    door: str
    ok: bool
    code: str
    text: str


def names(value: Any) -> set[str]:
    """The things of the world (`@name`) that an input names."""
    if isinstance(value, str):
        return {value} if value.startswith("@") else set()
    if isinstance(value, Mapping):
        return names(list(value)) | names(list(value.values()))
    if isinstance(value, list):
        return set().union(*(names(one) for one in value))
    return set()


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """The input with ids in place of names."""
    if isinstance(value, str):
        return ids[value] if value.startswith("@") else value
    if isinstance(value, Mapping):
        return {filled(key, ids): filled(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    return value


def input_of(row: Row, command: Command) -> dict[str, Any]:
    """What the command is called with: what the row says, and the usual things for other fields that it needs."""
    given = dict(row.given)
    for name, model_field in command.input.model_fields.items():
        wire = model_field.alias or name
        if model_field.is_required() and wire not in given:
            if wire not in USUAL:
                raise LookupError(f"{command.name} needs {wire}: give it in its row, or add it to USUAL")
            given[wire] = USUAL[wire]
    return given


def missing(real: str) -> str:
    """An id of the same form that nothing has."""
    if "@" in real:
        return f"{new_id()}@example.com"
    if re.fullmatch(r"[0-9a-f-]{36}:\d+", real):
        return f"{new_id()}:{real.partition(':')[2]}"
    return new_id() if re.fullmatch(r"[0-9a-f-]{36}", real) else "nobody_at_all"


def doors(row: Row, command: Command, viewer: Viewer) -> list[str]:
    """Through which doors it is called: both, when it reads; what writes goes over HTTP, or the socket alone."""
    socket = command.event is not None and viewer.socket is not None and not viewer.socket.closed.is_set()
    if command.path is None:
        return ["socket"] if socket else []
    return ["http", "socket"] if socket and not row.writes else ["http"]


async def knock(viewer: Viewer, command: Command, given: Mapping[str, Any], door: str) -> Answer:
    """Call a command, and follow every signed address in the answer."""
    if door == "socket":
        assert viewer.socket is not None
        said = await viewer.socket.call(str(command.event), dict(given))
        text = orjson.dumps(said).decode()
        code = said.get("error", {}).get("code", "")
        return Answer(door, bool(said["ok"]), code, text + await _followed(viewer, text))
    rest, path, headers = dict(given), str(command.path), {}
    for placeholder in command.placeholders:
        path = path.replace(f"{{{placeholder}}}", str(rest.pop(placeholder)))
    if viewer.token:
        headers["Authorization"] = f"Bearer {viewer.token}"
    more: dict[str, Any] = {"json": rest}
    if command.method in {"GET", "DELETE"} or command.takes:
        more = {"params": {name: _word(value) for name, value in rest.items()}}
    if command.takes:
        more["data"], headers["Content-Type"] = b"abc", "application/octet-stream"
    async with viewer.session.request(str(command.method), viewer.url + path, headers=headers, **more) as response:
        text = (await response.read()).decode(errors="replace")
        ok = response.status < 400
        code = "" if ok else orjson.loads(text)["code"]
    return Answer(door, ok, code, text + await _followed(viewer, text))


async def _followed(viewer: Viewer, text: str) -> str:
    bodies = []
    for address in ADDRESS.findall(text):
        async with viewer.session.get(viewer.url + address) as response:
            bodies.append((await response.read()).decode(errors="replace"))
    return "".join(bodies)
