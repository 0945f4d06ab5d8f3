"""Two stock clients, python-socketio's and JavaScript's, hold a conversation together through a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from tests.conftest import People
from tests.harness.people import Person
from tests.harness.people import befriend as make_friends
from tests.journeys.clients import Client, JavaScriptClient, PythonClient, Refused

OPERATION = "operation-0001"
BY_ITSELF = None
WEBSOCKET = ("websocket",)


class Side(NamedTuple):
    """Somebody with the client that is used."""

    person: Person
    client: Client

    @property
    def id(self) -> str:
        return self.person.id


Pair = tuple[Side, Side]
Clients = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    """`await clients("javascript")` starts a stock client."""
    made: list[Client] = []

    async def start(kind: str) -> Client:
        made.append(await JavaScriptClient.start() if kind == "javascript" else PythonClient())
        return made[-1]

    yield start
    for one in made:
        await one.close()


@pytest.fixture(params=["python to javascript", "javascript to python"])
async def kinds(request: pytest.FixtureRequest) -> list[str]:
    """Which client says something and which hears it."""
    words: str = request.param
    return words.split(" to ")


@pytest.fixture(params=[BY_ITSELF, WEBSOCKET], ids=["polling first", "websocket only"])
async def pair(request: pytest.FixtureRequest, kinds: list[str], people: People, clients: Clients) -> Pair:
    """Ada and Bob, connected with one client each."""
    ada, bob = [
        Side(person, await clients(kind)) for person, kind in zip(await people("ada", "bob"), kinds, strict=True)
    ]
    for side in (ada, bob):
        await connect(side, request.param)
    return ada, bob


async def connect(side: Side, transports: tuple[str, ...] | None = WEBSOCKET) -> dict[str, Any]:
    """Connect; what the server says first."""
    auth = {"token": side.person.token, "deviceId": f"{side.person.name}-phone"}
    await side.client.connect(side.person.server.url, auth, transports)
    ready: dict[str, Any] = await side.client.next("session:ready")
    return ready


async def direct(ada: Side, bob: Side) -> str:
    """A conversation of the two, who are friends, that both know of."""
    await make_friends(ada.person, bob.person)
    made = await ada.client.ask("conversations:create", type="direct", participantIds=[bob.id])
    await bob.client.next("conversation:updated")
    conversation: str = made["id"]
    return conversation


async def befriend(ada: Side, bob: Side) -> None:
    asked = await ada.person.ask("POST", "/api/friends/request", {"recipientId": bob.id})
    await bob.person.ask("PUT", f"/api/friends/{asked['id']}/accept")


async def test_a_message_is_heard_as_it_was_answered_and_as_history_has_it(pair: Pair) -> None:
    ada, bob = pair
    conversation = await direct(ada, bob)

    said = await ada.client.ask(
        "message:send", conversationId=conversation, clientMessageId=OPERATION, type="text", content="Hi Bob 👋"
    )
    heard, echoed = await bob.client.next("message:new"), await ada.client.next("message:new")
    history = await bob.client.ask("messages:history", conversationId=conversation)

    assert heard == echoed == said
    assert history["messages"] == [said | {"readBy": [], "deliveredTo": []}]
    expected = {
        "id": f"{conversation}:{said['seq']}",
        "conversationId": conversation,
        "revision": said["seq"],
        "senderId": ada.id,
        "type": "text",
        "content": "Hi Bob 👋",
        "clientMessageId": OPERATION,
        "idempotent": True,
        "duplicate": False,
        "status": "sent",
        "isDeleted": False,
    }
    assert {name: said[name] for name in expected} == expected


async def test_a_message_that_is_sent_again_is_there_once(pair: Pair) -> None:
    ada, bob = pair
    conversation = await direct(ada, bob)
    message = {"conversationId": conversation, "clientMessageId": OPERATION, "type": "text", "content": "once"}

    first = await ada.client.ask("message:send", **message)
    second = await ada.client.ask("message:send", **message)
    await bob.client.settle()

    assert second == first | {"duplicate": True}
    assert [one["id"] for one in bob.client.events("message:new")] == [first["id"]]
    assert [one["id"] for one in ada.client.events("message:new")] == [first["id"]]


async def test_an_edit_a_reaction_and_a_deletion_reach_the_other(pair: Pair) -> None:
    ada, bob = pair
    conversation = await direct(ada, bob)
    said = await ada.client.ask("message:send", conversationId=conversation, type="text", content="helo")

    edited = await ada.client.ask("message:edit", messageId=said["id"], content="hello")
    after_edit = await bob.client.next("message:updated")
    reacted = await bob.client.ask("message:react", messageId=said["id"], emoji="❤️")
    await ada.client.next("message:updated")
    after_reaction = await ada.client.next("message:updated")
    removed = await ada.client.ask("message:delete", messageId=said["id"])
    after_deletion = await bob.client.next("message:deleted")

    assert after_edit == edited
    assert (edited["content"], edited["id"], edited["seq"]) == ("hello", said["id"], said["seq"])
    assert edited["revision"] == said["seq"] + 1
    assert after_reaction == reacted
    assert reacted["reactions"] == [{"emoji": "❤️", "userIds": [bob.id], "count": 1}]
    assert reacted["revision"] == said["seq"] + 2
    assert after_deletion == removed
    assert (removed["messageId"], removed["targetSeq"], removed["seq"]) == (said["id"], said["seq"], said["seq"] + 3)


async def test_typing_and_reading_reach_the_other(pair: Pair) -> None:
    ada, bob = pair
    conversation = await direct(ada, bob)

    await bob.client.ask("message:typing", conversationId=conversation, isTyping=True)
    typing = await ada.client.next("message:typing")
    said = await ada.client.ask("message:send", conversationId=conversation, type="text", content="read me")
    unread = await bob.client.ask("message:read", conversationId=conversation, messageId=said["id"])
    receipt = await ada.client.next("receipt:update")

    assert typing == {
        "conversationId": conversation,
        "userId": bob.id,
        "isTyping": True,
        "kind": "text",
        "several": False,
    }
    assert receipt == {
        "conversationId": conversation,
        "userId": bob.id,
        "deliveredSeq": said["seq"],
        "readSeq": said["seq"],
    }
    assert (unread["unread"], unread["mentions"], unread["readSeq"]) == (0, 0, said["seq"])


@pytest.mark.usefixtures("eager_presence")
async def test_presence_goes_on_and_off_before_the_eyes_of_the_other(pair: Pair) -> None:
    ada, bob = pair
    await befriend(ada, bob)
    on = await ada.client.next("presence:updated")

    line = {"emoji": "🎧", "text": "In a meeting", "expiresAt": None}
    await bob.client.ask("presence:update", status="busy", customStatus=line)
    busy = await ada.client.next("presence:updated")
    await bob.client.close()
    off = await ada.client.next("presence:updated")

    assert (on["userId"], on["status"]) == (bob.id, "online")
    assert (busy["userId"], busy["status"], busy["customStatus"]) == (bob.id, "busy", line)
    assert (off["userId"], off["status"], off["currentDevice"]) == (bob.id, "offline", None)


@pytest.mark.parametrize("kind", ["python", "javascript"])
class TestOneClient:
    async def test_it_begins_with_polling_and_upgrades(self, kind: str, people: People, clients: Clients) -> None:
        (ada,) = [Side(person, await clients(kind)) for person in await people("ada")]

        ready = await connect(ada, BY_ITSELF)

        assert (ready["userId"], ready["deviceId"]) == (ada.id, "ada-phone")
        await upgraded(ada.client)

    async def test_a_bad_token_is_a_connect_error_with_a_code(
        self, kind: str, people: People, clients: Clients
    ) -> None:
        (ada,) = await people("ada")
        client = await clients(kind)

        with pytest.raises(Refused) as refused:
            await client.connect(ada.server.url, {"token": ada.token[:-4] + "AAAA"}, WEBSOCKET)

        assert refused.value.data["code"] == "unauthenticated"
        assert refused.value.message == refused.value.data["message"]

    async def test_what_it_missed_while_it_was_cut_off_comes_by_sync(
        self, kind: str, people: People, clients: Clients
    ) -> None:
        ada, bob = [
            Side(p, await clients(k)) for p, k in zip(await people("ada", "bob"), ("python", kind), strict=True)
        ]
        await connect(ada)
        await connect(bob)
        conversation = await direct(ada, bob)
        known = await say(ada, conversation, "before")
        await bob.client.next("message:new")

        await bob.client.cut()
        await bob.client.next("(disconnect)")
        missed = [await say(ada, conversation, text) for text in ("one", "two", "three")]
        await bob.client.next("session:ready")
        synced = await bob.client.ask("sync", conversations={conversation: known["seq"]})
        after = await say(ada, conversation, "after")
        await bob.client.settle()

        (part,) = synced["conversations"]
        assert (part["from"], part["to"], part["more"]) == (known["seq"] + 1, known["seq"] + 3, False)
        assert [entry["message"] for entry in part["entries"]] == missed
        live = [one["seq"] for one in bob.client.events("message:new")]
        assert live == sorted(set(live))
        assert (live[0], bob.client.events("message:new")[-1]) == (known["seq"], after)

    async def test_a_logout_elsewhere_closes_it_for_good(self, kind: str, people: People, clients: Clients) -> None:
        (ada,) = [Side(person, await clients(kind)) for person in await people("ada")]
        await connect(ada)

        await ada.person.ask("POST", "/api/auth/logout")
        closing = await ada.client.next("session:closed")
        reason = await ada.client.next("(disconnect)")

        assert closing == {"code": "session_revoked"}
        assert reason in {"io server disconnect", "server disconnect"}


async def say(side: Side, conversation: str, text: str) -> dict[str, Any]:
    message: dict[str, Any] = await side.client.ask(
        "message:send", conversationId=conversation, type="text", content=text
    )
    return message


async def upgraded(client: Client) -> None:
    """Wait until the client has left polling."""
    while await client.transport() != "websocket":
        await client.settle()
