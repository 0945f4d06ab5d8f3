"""Three people chat through a running server while you watch: `python run.py demo`, or `python examples/demo.py URL`.

It is also the example to start from. `Person` is a whole client: an account over HTTP, and a stock python-socketio
client that calls commands (every call is answered with `{"ok": true, "data": …}`) and hears events. `Story` does things
and makes sure that everybody sees what they should; the functions below it are the chapters.
"""

import asyncio
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import socketio
from rich.console import Console
from rich.text import Text

URL = "http://127.0.0.1:8080"
SOON = 5.0
"""Seconds within which an event must be seen."""
IN_A_WHILE = 45.0
"""The same for presence: friends are told after a grace, so that nobody flickers on a bad connection."""
PATIENCE = 90.0
"""Seconds that the demo waits at most when the server asks for it: registrations of one address are limited."""

Payload = dict[str, Any]
T = TypeVar("T")


class Failed(Exception):
    """The story cannot go on; the message says why."""


class Person:
    """Somebody with an account and one device."""

    def __init__(self, name: str, colour: str, url: str, http: aiohttp.ClientSession, timeline: "Timeline") -> None:
        self.name, self.colour, self.id = name, colour, ""
        self.awaits: list[Sight] = []
        self.heard = 0
        self._url, self._http, self._timeline = url, http, timeline
        self._token, self._device = "", f"demo-{name.lower()}"
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("*", self._hear)

    async def register(self) -> None:
        """Make an account, with a fresh username so that the demo can be played again. Raises Failed."""
        username = f"{self.name.lower()}_{secrets.token_hex(4)}"
        account = {
            "username": username,
            "displayName": self.name,
            "email": f"{username}@example.com",
            "password": secrets.token_urlsafe(12),
            "acceptTerms": True,
            "deviceId": self._device,
        }
        answer = await self.post("/api/auth/register", account)
        self.id, self._token = answer["user"]["id"], answer["tokens"]["accessToken"]

    async def post(self, path: str, body: Payload) -> Any:
        """Call a command over HTTP; once more if the server asks to wait. Raises Failed with its reason."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        for patience in (PATIENCE, 0):
            async with self._http.post(self._url + path, json=body, headers=headers) as response:
                answer = await response.json(content_type=None)
            wait = answer.get("retryAfterMs", 0) / 1000
            if response.status < 400:
                return answer
            if not 0 < wait <= patience:
                break
            self._timeline.line(f"           (The server asks to wait {wait:.0f} s.)", "dim")
            await asyncio.sleep(wait)
        raise Failed(f"POST {path} was refused: {answer['message']}")

    async def connect(self) -> None:
        """Open the socket; the server answers with `session:ready` before anything else."""
        credentials = {"token": self._token, "deviceId": self._device}
        await self._socket.connect(self._url, auth=credentials, transports=["websocket"])

    async def call(self, event: str, body: Payload) -> Any:
        """Call a command over the socket. Raises Failed with the server's reason."""
        answer = await self._socket.call(event, body, timeout=10)
        if not answer["ok"]:
            raise Failed(f"{event} was refused: {answer['error']['message']}")
        return answer["data"]

    async def leave(self) -> None:
        """Hang up."""
        await self._socket.disconnect()

    async def _hear(self, event: str, payload: Any = None) -> None:
        self.heard += 1
        for sight in self.awaits:
            if sight.event == event and sight.is_it(payload):
                self.awaits.remove(sight)
                sight.seen.set_result(time.perf_counter())
                return


@dataclass(eq=False)
class Sight:
    """An event that somebody must see."""

    who: Person
    event: str
    text: str
    is_it: Callable[[Any], bool]
    seen: asyncio.Future[float] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def within(self) -> float:
        """Seconds that it may take."""
        return IN_A_WHILE if self.event == "presence:updated" else SOON


class Timeline:
    """Prints who did and saw what, and when: in colours on a terminal, as plain text into a file or a pipe."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = time.perf_counter()

    def chapter(self, title: str) -> None:
        """A heading."""
        self._console.print(Text.assemble("\n", (title, "bold underline")))

    def does(self, who: Person, text: str) -> None:
        """Somebody does something."""
        self._row(who, Text(f"→ {text}", "bold"))

    def sees(self, sight: Sight, milliseconds: float) -> None:
        """Somebody sees something, so many milliseconds after it was done."""
        self._row(sight.who, Text.assemble("  ← ", sight.text, (f"  +{milliseconds:.0f} ms", "dim")))

    def misses(self, sight: Sight) -> None:
        """Somebody did not see something in time."""
        self._row(sight.who, Text(f"  ✗ {sight.text}: no {sight.event} within {sight.within:.0f} s", "bold red"))

    def got(self, who: Person, text: str, *, right: bool) -> None:
        """Somebody got an answer."""
        self._row(who, Text(f"  ← {text}") if right else Text(f"  ✗ {text}: that is not so", "bold red"))

    def line(self, text: str, style: str = "") -> None:
        """A line that is not about one person."""
        self._console.print(Text(text, style))

    def _row(self, who: Person, what: Text) -> None:
        elapsed = (time.perf_counter() - self._began) * 1000
        self._console.print(Text.assemble((f"{elapsed:6.0f} ms  ", "dim"), (f"{who.name:<5}", who.colour), what))


class Story:
    """Lets people do things, and makes sure that everybody sees what they should."""

    def __init__(self, timeline: Timeline, ada: Person, bob: Person, cleo: Person) -> None:
        self.timeline = timeline
        self.people = (ada, bob, cleo)
        self.delays: list[float] = []
        self.missed = 0
        self._watching: list[asyncio.Task[None]] = []

    async def act(self, who: Person, text: str, deed: Awaitable[T], *sights: Sight) -> T:
        """Do something, and wait until it is seen by all who must see it soon; what it returned."""
        self.timeline.does(who, text)
        began = time.perf_counter()
        watching: list[asyncio.Task[None]] = []
        for sight in sights:
            sight.who.awaits.append(sight)
            task = asyncio.create_task(self._watch(sight, began))
            (watching if sight.within == SOON else self._watching).append(task)
        result = await deed
        await asyncio.gather(*watching)
        return result

    async def say(self, who: Person, where: str, text: str, *, to: Sequence[Person], **more: Any) -> Any:
        """Send a message that others must get. By its `clientMessageId` it could be sent again and be there once."""
        body = {"conversationId": where, "type": "text", "content": text, "clientMessageId": secrets.token_hex(8)}
        it = matching(conversationId=where, senderId=who.id, content=text, **more)
        sights = (Sight(one, "message:new", f"{who.name}: “{text}”", it) for one in to)
        return await self.act(who, f"says “{text}”", who.call("message:send", body | more), *sights)

    def check(self, who: Person, text: str, *, holds: bool) -> None:
        """Somebody has got an answer, which must be right."""
        self.missed += not holds
        self.timeline.got(who, text, right=holds)

    async def settle(self) -> None:
        """Wait for what takes a while to be seen."""
        await asyncio.gather(*self._watching)
        self._watching.clear()

    async def close(self) -> None:
        """Everybody hangs up; nothing is waited for any more."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        for one in self.people:
            await one.leave()

    async def _watch(self, sight: Sight, began: float) -> None:
        try:
            delay = (await asyncio.wait_for(sight.seen, sight.within) - began) * 1000
        except TimeoutError:
            sight.who.awaits.remove(sight)
            self.missed += 1
            self.timeline.misses(sight)
        else:
            if sight.within == SOON:
                self.delays.append(delay)
            self.timeline.sees(sight, delay)


def matching(**expected: Any) -> Callable[[Any], bool]:
    """Recognises a payload by some of its fields."""
    return lambda payload: all(payload.get(name) == value for name, value in expected.items())


async def join(story: Story) -> None:
    """Everybody makes an account over HTTP and opens a socket."""
    story.timeline.chapter("Three people join")
    for one in story.people:
        await story.act(one, "registers", one.register())
        await story.act(one, "connects", one.connect())


async def befriend(story: Story) -> None:
    """Each asks each, and is accepted. Friends see each other's presence."""
    story.timeline.chapter("They become friends")
    ada, bob, cleo = story.people
    for one, other in ((ada, bob), (ada, cleo), (bob, cleo)):
        asked = await story.act(
            one,
            f"asks {other.name} to be friends",
            one.post("/api/friends/request", {"recipientId": other.id, "message": f"It is me, {one.name}"}),
            Sight(other, "friend:request", f"“It is me, {one.name}”", matching(requesterId=one.id, status="pending")),
        )
        await story.act(
            other,
            "accepts",
            other.call("friends:accept", {"friendshipId": asked["id"]}),
            Sight(one, "friend:accepted", f"{other.name} is a friend", matching(id=asked["id"], status="accepted")),
            Sight(one, "presence:updated", f"{other.name} is online", matching(userId=other.id, status="online")),
            Sight(other, "presence:updated", f"{one.name} is online", matching(userId=one.id, status="online")),
        )


async def talk(story: Story) -> None:
    """A direct conversation with all that belongs to it."""
    story.timeline.chapter("Ada and Bob talk")
    ada, bob, _ = story.people
    with_bob = {"type": "direct", "participantIds": [bob.id]}
    opened = Sight(bob, "conversation:updated", "a conversation with Ada", matching(createdBy=ada.id, type="direct"))
    chat = await story.act(ada, "opens a conversation with Bob", ada.post("/api/conversations", with_bob), opened)

    typing = {"conversationId": chat["id"], "isTyping": True}
    types = Sight(ada, "message:typing", "Bob is typing …", matching(userId=bob.id, isTyping=True))
    await story.act(bob, "types", bob.call("message:typing", typing), types)
    said = await story.say(bob, chat["id"], "Helo Ada!", to=[ada])

    read = {"conversationId": chat["id"], "messageId": said["id"]}
    seen = Sight(bob, "receipt:update", "Ada has read it", matching(userId=ada.id, readSeq=said["seq"]))
    await story.act(ada, "reads it", ada.call("message:read", read), seen)

    text = {"messageId": said["id"], "content": "Hello Ada!"}
    edited = Sight(ada, "message:updated", "Bob: “Hello Ada!” (edited)", matching(id=said["id"], content="Hello Ada!"))
    await story.act(bob, "mends it: “Hello Ada!”", bob.call("message:edit", text), edited)

    wave = {"messageId": said["id"], "emoji": "👋"}
    waved = matching(id=said["id"], reactions=[{"emoji": "👋", "userIds": [ada.id], "count": 1}])
    reacted = Sight(bob, "message:updated", "👋 from Ada", waved)
    await story.act(ada, "reacts with 👋", ada.call("message:react", wave), reacted)

    slip = await story.say(ada, chat["id"], "Oops, wrong window", to=[bob])
    gone = Sight(bob, "message:deleted", "a message of Ada is gone", matching(messageId=slip["id"]))
    await story.act(ada, "takes it back", ada.call("message:delete", {"messageId": slip["id"]}), gone)


async def meet(story: Story) -> tuple[str, int]:
    """A group, a reply that mentions somebody, a status; the group's id, and up to where everybody has all of it."""
    story.timeline.chapter("A group of three")
    ada, bob, cleo = story.people
    hike = matching(name="Sunday hike", type="group")
    group = await story.act(
        ada,
        "makes the group “Sunday hike”",
        ada.post("/api/conversations", {"type": "group", "name": "Sunday hike", "participantIds": [bob.id, cleo.id]}),
        Sight(bob, "conversation:updated", "the group “Sunday hike”", hike),
        Sight(cleo, "conversation:updated", "the group “Sunday hike”", hike),
    )
    said = await story.say(ada, group["id"], "Who is in?", to=[bob, cleo])
    mention = {"replyToMessageId": said["id"], "mentionedUserIds": [bob.id]}
    reply = await story.say(cleo, group["id"], "Me! And you, @Bob?", to=[ada, bob], **mention)
    line = {"emoji": "🥾", "text": "Looking for boots", "expiresAt": None}
    await story.act(
        cleo,
        "is busy: 🥾 Looking for boots",
        cleo.call("presence:update", {"status": "busy", "customStatus": line}),
        Sight(
            ada, "presence:updated", "Cleo is busy: 🥾 Looking for boots", matching(userId=cleo.id, customStatus=line)
        ),
    )
    return group["id"], reply["seq"]


async def come_back(story: Story, group_id: str, last_seq: int) -> None:
    """Bob loses his connection, misses something, and gets it when he is back: all of it, and nothing twice."""
    story.timeline.chapter("Bob goes offline, and comes back")
    ada, bob, cleo = story.people
    offline, online = (matching(userId=bob.id, status=status) for status in ("offline", "online"))
    await story.act(
        bob,
        "loses his connection",
        bob.leave(),
        Sight(ada, "presence:updated", "Bob is offline", offline),
        Sight(cleo, "presence:updated", "Bob is offline", offline),
    )
    missed = ["We start at nine.", "Bring water.", "And boots!"]
    for who, other, text in zip((ada, cleo, ada), (cleo, ada, cleo), missed, strict=True):
        await story.say(who, group_id, text, to=[other])
    story.timeline.line("           (Friends are told after a while: connections come and go.)", "dim")
    await story.settle()
    await story.act(
        bob,
        "is back",
        bob.connect(),
        Sight(bob, "presence:snapshot", "Ada is online, Cleo is busy", shows({ada.id: "online", cleo.id: "busy"})),
        Sight(ada, "presence:updated", "Bob is online", online),
        Sight(cleo, "presence:updated", "Bob is online", online),
    )
    synced = await story.act(bob, "asks what he missed", bob.call("sync", {"conversations": {group_id: last_seq}}))
    texts = [entry["message"]["content"] for group in synced["conversations"] for entry in group["entries"]]
    story.check(bob, " ".join(f"“{text}”" for text in texts), holds=texts == missed)
    await story.say(bob, group_id, "I am in, and I have boots", to=[ada, cleo])
    page = await story.act(cleo, "reads it all again", cleo.call("messages:history", {"conversationId": group_id}))
    said = ["Who is in?", "Me! And you, @Bob?", *missed, "I am in, and I have boots"]
    texts = [one["content"] for one in reversed(page["messages"])]
    story.check(cleo, f"{len(texts)} messages, in order", holds=texts == said)
    await story.settle()


def shows(people: dict[str, str]) -> Callable[[Any], bool]:
    """Recognises a snapshot of the presence of these people."""
    return lambda snapshot: {one["userId"]: one["status"] for one in snapshot["presences"]} == people


async def play(url: str) -> int:
    """Play the story on a server; 0 when everybody saw everything that should be seen, else 1."""
    timeline = Timeline()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15)) as http:
        if not await is_ready(url, http):
            timeline.line(f"There is no Mixee server at {url} that is ready.", "bold red")
            timeline.line("Start one with `python run.py serve`, or name another with --url.")
            return 1
        cast = (("Ada", "magenta"), ("Bob", "cyan"), ("Cleo", "yellow"))
        story = Story(timeline, *(Person(name, colour, url, http, timeline) for name, colour in cast))
        try:
            await join(story)
            await befriend(story)
            await talk(story)
            await come_back(story, *await meet(story))
        except (Failed, aiohttp.ClientError, socketio.exceptions.SocketIOError, TimeoutError) as error:
            story.missed += 1
            timeline.line(f"\nThe story stops here. {error or type(error).__name__}", "bold red")
        finally:
            await story.close()
    return summary(story)


async def is_ready(url: str, http: aiohttp.ClientSession) -> bool:
    """Whether a Mixee server answers there."""
    try:
        async with http.get(f"{url}/readyz") as response:
            return bool(await response.json(content_type=None) == {"status": "ready"})
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False


def summary(story: Story) -> int:
    """Say how it went; the exit status."""
    story.timeline.chapter("How it went")
    for one in story.people:
        story.timeline.line(f"  {one.name:<5} heard {one.heard} events", one.colour)
    if story.missed or not story.delays:
        story.timeline.line(f"Not everything was seen: {story.missed} line(s) in red above.", "bold red")
        return 1
    story.timeline.line(
        f"Everybody saw everything: {len(story.delays)} events besides presence, the typical one "
        f"{statistics.median(story.delays):.0f} ms after its cause, the slowest {max(story.delays):.0f} ms.",
        "bold green",
    )
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(play(sys.argv[1] if len(sys.argv) > 1 else URL)))
