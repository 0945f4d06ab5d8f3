"""A device that knows only what it is told: it counts what is unread by itself, as an app would."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import socketio

ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class Said:
    """A message that the device has."""

    sender: str
    mentions: Collection[str]
    expires_at: datetime | None
    revision: int = 0
    counts: bool = True
    gone: bool = False
    """It was deleted: its place is there, and empty."""
    vanished: bool = False
    """It has expired, or was deleted for this person alone: nothing of it is there."""


@dataclass(slots=True)
class Held:
    """A conversation on the device."""

    joined: int
    read: int
    head: int = 0
    """The last entry before the first hole."""
    told: int = 0
    """The `seq` of the last absolute numbers: what says less is older, and ignored."""
    muted: bool = False
    muted_until: datetime | None = None
    archived: bool = False
    """Archived for good."""
    archived_seq: int | None = None
    """Archived up to what is said after this entry."""
    marked: bool = False
    messages: dict[int, Said] = field(default_factory=dict)

    def prefer(self, told: dict[str, Any]) -> None:
        """Take what its owner has set for himself."""
        self.muted, self.archived_seq = told["muted"], told["archivedSeq"]
        self.muted_until = _time(told["mutedUntil"])
        self.archived = told["isArchived"] and self.archived_seq is None

    def reach(self, seq: int) -> None:
        """An entry was told. What lies before it may still be on its way, by `sync`: then this is not the place yet."""
        if seq == self.head + 1:
            self.head = seq

    def loud(self, now: datetime) -> bool:
        """Whether it is neither muted nor archived."""
        if self.archived or (self.muted and (self.muted_until is None or self.muted_until > now)):
            return False
        place = self.archived_seq
        return place is None or any(
            seq > place and not one.vanished and (one.expires_at is None or one.expires_at > now)
            for seq, one in self.messages.items()
        )


def _time(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)


def _end(message: dict[str, Any], *, own: bool) -> datetime | None:
    """When a message is over for this person. A timer that runs from the reading runs for its sender at once."""
    ends = [_time(message["expiresAt"])]
    if own and message["readTimer"] is not None:
        ends.append(datetime.fromisoformat(message["createdAt"]) + timedelta(seconds=message["readTimer"]))
    return min((end for end in ends if end is not None), default=None)


class Refused(Exception):
    """What the server refused."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["code"])
        self.code = str(error["code"])


class Device:
    """One device of somebody: a stock python-socketio client and what it has learned through it."""

    def __init__(self, user: str, name: str) -> None:
        self.user = user
        self.name = name
        self.held: dict[str, Held] = {}
        self.blocks: dict[str, str] = {}
        """Whom its owner blocks, by the ids of the blocks."""
        self.behind = False
        self._over: set[str] = set()
        self._socket: socketio.AsyncClient | None = None

    @property
    def awake(self) -> bool:
        """Whether it is connected."""
        return self._socket is not None and self._socket.connected

    async def wake(self, url: str, token: str) -> None:
        """Connect, and catch up."""
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("*", self._heard)
        auth = {"token": token, "deviceId": self.name}
        await self._socket.connect(url, auth=auth, transports=["websocket"], wait_timeout=10)
        await self.catch_up()

    async def sleep(self) -> None:
        """Hang up. What it has learned stays."""
        if self._socket is not None:
            await self._socket.disconnect()
            self._socket = None

    def forget(self) -> None:
        """Begin with nothing."""
        self.held, self.blocks, self._over = {}, {}, set()

    async def ask(self, event: str, data: dict[str, Any]) -> Any:
        """Ask the server something. Raises Refused."""
        assert self._socket is not None
        answer = await self._socket.call(event, data, timeout=ANSWER_SECONDS)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer["data"]

    async def settle(self) -> None:
        """Wait until everything that this server told before has arrived."""
        assert self._socket is not None
        await self._socket.call("no-such-event", {}, timeout=ANSWER_SECONDS)

    async def catch_up(self) -> None:
        """Learn what was missed: how the conversations stand, and `sync` for what was said in them."""
        self.behind = False
        known = await self.ask("blocks:list", {"limit": 100})
        self.blocks = {one["id"]: one["blockedUserId"] for one in known["blocks"] if one["id"] not in self._over}
        mine = [
            one
            for archived in (False, True)
            for one in (await self.ask("conversations:list", {"archived": archived, "limit": 100}))["conversations"]
        ]
        for one in mine:
            held = self._join(one["id"], one["joinedSeq"])
            held.prefer(one)
            self._count(one["id"], one["myReadSeq"], one["head"], marked=one["markedUnread"])
        await self.sync(only=False)

    async def sync(self, *, only: bool) -> None:
        """Read what was said since the last entry that the device has of each conversation."""
        cursor = None
        while True:
            wanted: dict[str, Any] = {"conversations": {one: held.head for one, held in self.held.items()}}
            if cursor is not None:
                wanted["cursor"] = cursor
            answer = await self.ask("sync", wanted | {"only": only})
            for one in answer["left"]:
                self.held.pop(one, None)
            for page in answer["conversations"]:
                for entry in page["entries"]:
                    self._read(page["conversationId"], entry)
            cursor = answer["cursor"]
            if not answer["limited"] and not any(page["more"] for page in answer["conversations"]):
                return

    def counted(self, now: datetime) -> dict[str, tuple[int, int]]:
        """Unread messages and mentions, by conversation."""
        return {one: self._unread(held, now) for one, held in self.held.items()}

    def badge(self, now: datetime) -> int:
        """Conversations with unread messages that are neither muted nor archived."""
        counts = self.counted(now)
        loud = [one for one, held in self.held.items() if held.loud(now)]
        return sum(counts[one][0] > 0 or self.held[one].marked for one in loud)

    def _unread(self, held: Held, now: datetime) -> tuple[int, int]:
        silent = {self.user, *self.blocks.values()}
        open_ = [
            one
            for seq, one in held.messages.items()
            if seq > max(held.read, held.joined)
            and one.sender not in silent
            and one.counts
            and not (one.gone or one.vanished)
            and (one.expires_at is None or one.expires_at > now)
        ]
        return len(open_), sum(self.user in one.mentions for one in open_)

    def _join(self, conversation: str, joined: int) -> Held:
        held = self.held.get(conversation)
        if held is None or held.joined < joined:
            held = self.held[conversation] = Held(joined=joined, read=joined)
        return held

    def _count(self, conversation: str, read: int, seq: int, *, marked: bool) -> None:
        """Take absolute numbers; what says less than was told before is older, and ignored."""
        held = self.held.get(conversation)
        if held is not None and seq >= held.told:
            held.told, held.read, held.marked = seq, max(held.read, read), marked

    def _read(self, conversation: str, entry: dict[str, Any]) -> None:
        held = self.held.get(conversation)
        if held is None:
            return
        held.head = max(held.head, entry["seq"])
        if entry["message"] is not None:
            self._take(held, entry["message"])
        elif entry["kind"] in {"hide", "delete"} and entry["target"] is not None:
            self._vanished(held, int(entry["target"].rpartition(":")[2]))

    def _take(self, held: Held, message: dict[str, Any]) -> None:
        seq, revision = message["seq"], message["revision"]
        known = held.messages.get(seq)
        if known is not None and known.revision > revision:
            return
        own, spoken = message["senderId"] == self.user, message["type"] != "system"
        held.messages[seq] = Said(
            message["senderId"],
            message["mentionedUserIds"],
            _end(message, own=own),
            revision,
            counts=spoken,
            gone=message["isDeleted"] or (known is not None and known.gone),
            vanished=known is not None and known.vanished,
        )
        if own and spoken:
            held.read = max(held.read, seq)
            held.marked = held.marked and seq <= held.told

    def _gone(self, held: Held, seq: int) -> None:
        held.messages.setdefault(seq, Said("", (), None)).gone = True

    def _vanished(self, held: Held, seq: int) -> None:
        held.messages.setdefault(seq, Said("", (), None)).vanished = True

    async def _heard(self, event: str, *arguments: Any) -> None:
        payload = arguments[0] if arguments else {}
        if event == "sync:behind":
            self.behind = True
        elif event.startswith("user:"):
            self._blocked(event, payload)
        elif event == "conversation:updated":
            change = payload["change"]
            if change["action"] in {"created", "added"} and self.user in change["userIds"]:
                self._join(payload["conversationId"], payload["seq"])
        held = self.held.get(payload.get("conversationId", ""))
        if held is not None:
            self._happened(event, payload, held)

    def _happened(self, event: str, payload: dict[str, Any], held: Held) -> None:
        conversation = payload["conversationId"]
        if event in {"conversation:read", "conversation:unread"}:
            self._count(conversation, payload["readSeq"], payload["seq"], marked=payload["markedUnread"])
        elif event == "conversation:preferences":
            held.prefer(payload)
        elif event == "conversation:removed":
            if payload["seq"] > held.joined:
                del self.held[conversation]
        elif event in {"message:new", "message:updated"}:
            self._take(held, payload)
            held.reach(payload["revision"])
        elif event in {"message:deleted", "message:hidden"}:
            over = event == "message:hidden" or payload["deletedBy"] == "expired"
            (self._vanished if over else self._gone)(held, payload["targetSeq"])
            held.reach(payload["seq"])

    def _blocked(self, event: str, payload: dict[str, Any]) -> None:
        """The events of one person come from whichever process did it, so the end may be heard before the beginning."""
        if event == "user:unblocked":
            self._over.add(payload["id"])
            self.blocks.pop(payload["id"], None)
        elif event == "user:blocked" and payload["id"] not in self._over:
            self.blocks[payload["id"]] = payload["blockedUserId"]
