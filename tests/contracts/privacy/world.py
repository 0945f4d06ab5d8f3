"""The world in which everybody calls everything: Ada with all that a person can have, and the others around her."""

from dataclasses import dataclass, field
from typing import Any

import aiohttp

from storage.outbox import COLLECTION as OUTBOX
from tests.conftest import PASSWORD
from tests.contracts.privacy.knocking import Viewer
from tests.contracts.privacy.oracle import LIVE, MAY_SEE, VIEWERS, form
from tests.handlers.chat.conftest import HERE
from tests.handlers.chat.helpers import direct, group, say
from tests.handlers.keys.helpers import Keyring
from tests.handlers.media.helpers import upload
from tests.handlers.social.helpers import ask, befriend, block
from tests.harness.authenticator import Authenticator
from tests.harness.people import Person, Socket
from tests.harness.servers import Server, until

NAMES = ("friend", "moderator", "blocked", "blocker", "stranger", "former", "suspended", "hermit", "dee", "joiner")
COUNTRY = {"region": "Western Cape", "country": "South Africa"}


@dataclass
class World:
    """Everybody, and the ids of what is there."""

    server: Server
    session: aiohttp.ClientSession
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """What inputs name: "@group.text" and the like."""
    sockets: dict[str, Socket] = field(default_factory=dict)
    rings: dict[str, Keyring] = field(default_factory=dict)
    heard: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    """What each viewer heard while it all happened."""
    revoked: str = ""
    """The token of a session of the friend that was ended."""

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def viewer(self, name: str) -> Viewer:
        """Somebody as a caller of commands."""
        special = {"anonymous": None, "revoked": self.revoked}
        token = special[name] if name in special else self[name].token
        return Viewer(name, self.session, self.server.url, token, self.sockets.get(name))

    async def settle(self) -> None:
        """Wait until every slice has heard what was told so far, whoever hands it over."""
        await self.server.app.relay.settle()
        outbox = self.server.app.mongo.collection(OUTBOX)

        async def empty() -> bool:
            return await outbox.count({}) == 0

        await until(empty, seconds=20)


async def build(server: Server, session: aiohttp.ClientSession) -> World:
    """Make everything."""
    world = World(server, session)
    world.people["ada"] = await _register(world, "ada")
    for name in NAMES:
        world.people[name] = await _account(world, name)
    for name, person in world.people.items():
        world.ids |= {f"@{name}": person.id, f"@{name}.name": name, f"@{name}.email": person.user["email"]}
    await server.app.mongo.transact(lambda: server.service("users").change_role(world["moderator"].id, "admin"))
    await _sign_in(world["moderator"])
    await _profiles(world)
    await _between_people(world)
    await _group(world)
    await _directs(world)
    await _belongings(world)
    await _safety(world)
    await _keys(world)
    await _shut(world)
    await _passkey(world)
    await world.settle()
    return world


async def arrive(world: World) -> None:
    """Everybody who can connects."""
    for name in VIEWERS:
        if name not in {"anonymous", "revoked", "suspended"}:
            world.sockets[name] = await world[name].socket()
            await world.sockets[name].next("presence:snapshot")


def _names(name: str) -> dict[str, str]:
    def planted(what: str, otherwise: str) -> str:
        secret = f"{name}.{what}"
        return form(secret) if secret in MAY_SEE else otherwise

    return {"username": name, "email": f"{planted('email', name)}@example.com", "displayName": planted("card", name)}


async def _register(world: World, name: str) -> Person:
    body = {**_names(name), "password": PASSWORD, "acceptTerms": True}
    async with world.session.post(f"{world.server.url}/api/auth/register", json=body) as response:
        answer = await response.json()
        assert response.status == 201, answer
    return Person(world.server, world.session, name, answer)


async def _account(world: World, name: str) -> Person:
    """An account without the price of a password."""
    users, named = world.server.service("users"), _names(name)
    draft = await users.draft(username=named["username"], email=named["email"], display_name=named["displayName"])
    await users.create(draft)
    answer = {"user": {"id": draft.id, "email": named["email"]}, "tokens": {}}
    person = Person(world.server, world.session, name, answer)
    await _sign_in(person)
    return person


async def _sign_in(person: Person, device: str | None = None) -> str:
    """Begin a session of somebody; its id."""
    account = await person.server.service("users").account(person.id)
    session, pair = await person.server.service("auth").book.open(account, HERE, device)
    person.tokens = {"accessToken": pair.access_token}
    return str(session.id)


def _another(world: World, name: str) -> Person:
    return Person(world.server, world.session, name, {"user": world[name].user, "tokens": {}})


async def _profiles(world: World) -> None:
    ada, hermit = world["ada"], world["hermit"]
    await ada.ask(
        "PUT",
        "/api/users/me",
        {
            "bio": form("ada.bio"),
            "birthDate": form("ada.birthday"),
            "location": {"city": form("ada.city"), **COUNTRY, "coordinates": [float(form("ada.place")), 18.42]},
        },
    )
    await ada.ask("PUT", "/api/users/me/cover", {"coverImage": f"https://pictures.example.com/{form('ada.cover')}.png"})
    await world.server.service("users").phone_verified(ada.id, form("ada.phone"))
    await hermit.ask(
        "PUT", "/api/users/me", {"bio": form("hermit.bio"), "location": {"city": form("hermit.city"), **COUNTRY}}
    )
    line = {"emoji": "🌱", "text": form("hermit.line")}
    await hermit.ask("POST", "/api/presence/custom-status", line)
    await ada.ask("POST", "/api/presence/custom-status", {"emoji": "🌍", "text": form("ada.line")})
    for name in ("friend", "blocked", "blocker"):
        await world[name].ask("PUT", "/api/users/me", {"bio": form(f"{name}.bio")})
        await world[name].ask("PUT", "/api/users/me/privacy", {"profileVisibility": "friends"})
    careful = {
        "profileVisibility": "friends",
        "contactPreference": "friends",
        "searchable": False,
        "searchableByPhone": "nobody",
    }
    await ada.ask("PUT", "/api/users/me/privacy", careful)
    hidden = {"profileVisibility": "private", "contactPreference": "none", "showOnlineStatus": False}
    await hermit.ask("PUT", "/api/users/me/privacy", careful | hidden | {"showLocation": False})


async def _between_people(world: World) -> None:
    ada = world["ada"]
    for name in ("friend", "blocked", "blocker", "suspended"):
        friendship = await befriend(ada, world[name])
        if name == "friend":
            world.ids["@friendship"] = friendship
            await ada.ask("PUT", f"/api/friends/{friendship}", {"relationship": "family"})
    await ask(ada, world["dee"], message=form("request.text"))
    for name in ("blocked", "blocker"):
        world.ids[f"@with.{name}"] = await direct(ada, world[name])
        await say(ada, world.ids[f"@with.{name}"], form("before.text"))
    await block(ada, world["blocked"], reason=form("block.reason"))
    await block(world["blocker"], ada)
    await say(world["blocked"], world.ids["@with.blocked"], form("after.blocked"))
    await say(ada, world.ids["@with.blocker"], form("after.ada"))


async def _group(world: World) -> None:
    ada, friend, ids = world["ada"], world["friend"], world.ids
    group_id = ids["@group"] = await group(
        ada,
        friend,
        world["former"],
        world["suspended"],
        name=form("group.name"),
        description=form("group.about"),
    )
    await say(ada, group_id, form("group.early"))
    await ada.ask("DELETE", f"/api/conversations/{group_id}/participants/{world['former'].id}")

    async def said(name: str, who: Person = ada, text: str = "", **more: Any) -> str:
        found = await say(who, group_id, text or form(name), **more)
        ids[f"@{name}"] = found["id"]
        return str(found["id"])

    await said("group.text")
    await ada.ask("POST", f"/api/messages/{ids['@group.text']}/pin")
    await ada.ask("POST", f"/api/messages/{ids['@group.text']}/star")
    await said("group.edited", text=form("group.old"))
    await ada.ask("PUT", f"/api/messages/{ids['@group.edited']}", {"content": form("group.edited")})
    await said("group.hidden", friend)
    await ada.ask("POST", f"/api/messages/{ids['@group.hidden']}/hide")
    await said("group.gone")
    await ada.ask("DELETE", f"/api/messages/{ids['@group.gone']}")
    poll = {"question": form("group.poll"), "options": [form("group.option"), "No"]}
    await said("group.poll", text="Vote", type="poll", poll=poll)
    await friend.ask("POST", f"/api/messages/{ids['@group.poll']}/votes", {"options": [0]})
    await said("group.reply", friend, replyToMessageId=ids["@group.text"])
    await said("group.thread", friend, threadRootId=ids["@group.text"])
    made = await ada.ask("POST", f"/api/conversations/{group_id}/links", {"approval": True})
    ids["@link"] = made["id"]
    await world["joiner"].ask("POST", "/api/join", {"token": made["token"]})


async def _directs(world: World) -> None:
    ada, ids = world["ada"], world.ids
    ids["@direct"] = await direct(ada, world["friend"])
    await say(ada, ids["@direct"], form("direct.text"))
    folder = {"name": form("folder.name"), "conversationIds": [ids["@group"]]}
    ids["@folder"] = (await ada.ask("POST", "/api/folders", folder))["folders"][0]["id"]
    await ada.ask("PUT", f"/api/conversations/{ids['@direct']}/draft", {"content": form("direct.begun")})
    tomorrow = {"type": "text", "content": form("direct.draft"), "sendAt": _in_a_day(world)}
    ids["@scheduled"] = (await ada.ask("POST", f"/api/conversations/{ids['@direct']}/scheduled", tomorrow))["id"]
    for name in ("blocked", "blocker", "stranger", "former"):
        ids[f"@own.{name}"] = await group(world[name])


def _in_a_day(world: World) -> str:
    return f"{world.server.app.clock.now().year + 1}-01-01T00:00:00.000Z"


async def _belongings(world: World) -> None:
    ada, friend, ids = world["ada"], world["friend"], world.ids
    media = await upload(ada, "file", form("media.bytes").encode(), filename=f"{form('media.name')}.txt")
    ids["@media"] = media["id"]
    ids["@session"] = await _sign_in(_another(world, "ada"), "tablet")
    await ada.ask("PATCH", f"/api/auth/sessions/{ids['@session']}", {"name": form("session.name")})
    users = world.server.service("users")
    await friend.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})
    await users.email_verified(friend.id, friend.user["email"])
    await world.settle()
    book = [friend.user["email"], f"{form('book.email')}@example.com", world.ids["@dee.email"]]
    await ada.ask("POST", "/api/contacts/sync", {"emails": book, "tellMe": True})
    ids["@notice"] = (await friend.ask("GET", "/api/notices"))["notices"][0]["id"]


async def _safety(world: World) -> None:
    ada, friend, moderator, ids = world["ada"], world["friend"], world["moderator"], world.ids
    other = await group(friend, ada)
    message = await say(friend, other, form("case.text"))
    about = {"messageId": message["id"], "reason": "spam", "details": form("case.details")}
    ids["@case"] = (await ada.ask("POST", "/api/reports", about))["id"]
    closed = (await ada.ask("POST", "/api/reports", {"conversationId": other, "reason": "spam"}))["id"]
    await moderator.ask("POST", f"/api/moderation/reports/{closed}/claim")
    note = {"outcome": "dismissed", "note": form("case.note")}
    await moderator.ask("POST", f"/api/moderation/reports/{closed}/resolve", note)
    warning = {"reason": "spam", "message": form("warning.text")}
    made = await moderator.ask("POST", f"/api/moderation/users/{friend.id}/warn", warning)
    ids["@warning"] = made["id"]
    appeal = {"measureId": made["id"], "text": form("appeal.text")}
    ids["@appeal"] = (await friend.ask("POST", "/api/appeals", appeal))["id"]
    answer = {"granted": True, "answer": form("appeal.answer")}
    await moderator.ask("POST", f"/api/moderation/appeals/{ids['@appeal']}/decide", answer)


async def _passkey(world: World) -> None:
    friend = world["friend"]
    made = Authenticator("http://localhost:8080").make(await friend.ask("POST", "/api/auth/passkeys/options"))
    added = await friend.ask("POST", "/api/auth/passkeys", {"credential": made, "name": form("passkey.name")})
    world.ids["@passkey"] = added["passkey"]["id"]


async def _keys(world: World) -> None:
    """Everybody has keys, and Ada an encrypted conversation with her friend."""
    for name in ("ada", "friend", *LIVE):
        ring = world.rings[name] = Keyring()
        named: dict[str, Any] = {"name": form("device.name")} if name == "ada" else {}
        await world[name].ask("POST", "/api/e2ee/devices", ring.first(**named))
    wanted = {"type": "direct", "participantIds": [world["friend"].id], "isEncrypted": True}
    world.ids["@sealed"] = (await world["ada"].ask("POST", "/api/conversations", wanted))["id"]


async def _shut(world: World) -> None:
    """A session of the friend is ended, and a friend is suspended: both had a socket, which is cut."""
    friend, suspended = world["friend"], world["suspended"]
    tablet = _another(world, "friend")
    ended = await _sign_in(tablet, "tablet")
    world.revoked = tablet.token
    sockets = [await tablet.socket(), await suspended.socket()]
    await friend.ask("DELETE", f"/api/auth/sessions/{ended}")
    shut = {"reason": "spam", "message": "Out"}
    await world["moderator"].ask("POST", f"/api/moderation/users/{suspended.id}/suspend", shut)
    for socket in sockets:
        await until(socket.closed.is_set)
    world.sockets |= {"revoked": sockets[0], "suspended": sockets[1]}
