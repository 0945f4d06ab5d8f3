"""A chat server on stock python-socketio: PORT and PUBLIC_KEY (Ed25519, PEM) come from the environment."""

import itertools
import os
from datetime import UTC, datetime
from typing import Any

import jwt
import socketio
from aiohttp import web

sio = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
app = web.Application()
sio.attach(app)
KEY = os.environ["PUBLIC_KEY"]
numbers = itertools.count(1)


@sio.event  # type: ignore[untyped-decorator]  # python-socketio has no type information
async def connect(sid: str, _: dict[str, Any], auth: dict[str, Any]) -> None:
    try:
        claims = jwt.decode(auth["token"], KEY, algorithms=["EdDSA"], audience="mixee", issuer="mixee")
    except jwt.InvalidTokenError as error:
        raise socketio.exceptions.ConnectionRefusedError("unauthenticated") from error
    await sio.save_session(sid, {"user": claims["sub"]})
    for room in auth.get("rooms", ()):
        await sio.enter_room(sid, room)


@sio.on("message:send")  # type: ignore[untyped-decorator]  # python-socketio has no type information
async def send(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    message = shaped(data, (await sio.get_session(sid))["user"])
    await sio.emit("message:new", message, room=data["conversationId"])
    return {"ok": True, "data": message}


@sio.event  # type: ignore[untyped-decorator]  # python-socketio has no type information
async def answer(_: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "data": "x" * data["size"]}


def shaped(data: dict[str, Any], user: str) -> dict[str, Any]:
    """A message with the fields of Mixee's, so that it is as long."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "id": f"{data['conversationId']}:{next(numbers)}",
        "conversationId": data["conversationId"],
        "seq": next(numbers),
        "revision": 1,
        "senderId": user,
        "type": data["type"],
        "content": data["content"],
        "media": None,
        "location": None,
        "poll": None,
        "replyToMessageId": None,
        "mentionedUserIds": [],
        "reactions": [],
        "status": "sent",
        "deliveredTo": [],
        "readBy": [],
        "isReported": False,
        "isDeleted": False,
        "deletedAt": None,
        "deletedBy": None,
        "expiresAt": None,
        "createdAt": now,
        "updatedAt": now,
        "editedAt": None,
        "clientMessageId": data["clientMessageId"],
        "idempotent": True,
        "duplicate": False,
    }


if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
