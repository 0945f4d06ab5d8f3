"""What happens in the world while everybody listens: every event that a client can hear, at least once."""

import base64
from contextlib import suppress
from hashlib import sha256

from crypto.signal.client.handshake import KeyPair
from crypto.signal.client.primitives import clamp, public_of
from crypto.totp import STEP, code_at
from tests.conftest import PASSWORD
from tests.contracts.privacy.oracle import IDENTITY_SEED, form
from tests.contracts.privacy.world import World
from tests.handlers.chat.helpers import group, say
from tests.handlers.keys.helpers import Keyring
from tests.handlers.media.helpers import upload
from tests.handlers.social.helpers import ask, block
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal


async def live(world: World, clock: TurnableClock) -> None:
    """Let it all happen, and note what each hears of it."""
    before = {viewer: len(socket.log) for viewer, socket in world.sockets.items()}
    clock.advance(seconds=11)  # since they came, of whom friends hear once in ten seconds
    await _account(world)
    await _people(world)
    await _chat(world)
    await _typing(world)
    await _safety(world)
    await _automod(world)
    await _keys(world)
    await world.settle()
    clock.advance(seconds=11)
    await world.server.service("presence").tick()
    await world.settle()
    for viewer, socket in world.sockets.items():
        if not socket.closed.is_set():
            await socket.settle()
        world.heard[viewer] = socket.log[before[viewer] :]


async def _account(world: World) -> None:
    ada = world["ada"]
    await ada.ask("PUT", "/api/users/me", {"bio": f"{form('ada.bio')} again"})
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    for show in (False, True):
        await ada.ask("PUT", "/api/users/me/privacy", {"showOnlineStatus": show})
        await world.settle()
    again = await ada.ask("POST", "/api/auth/login", {"username": "ada", "password": PASSWORD, "deviceId": "watch"})
    watch = Person(world.server, world.session, "ada", again)
    found = (await watch.ask("GET", "/api/auth/sessions"))["sessions"]
    own = next(one["id"] for one in found if one["isCurrent"])
    await watch.ask("PATCH", f"/api/auth/sessions/{own}", {"name": form("session.name")})
    await ada.ask("PUT", "/api/notices/preferences", {"kinds": {"friendRequest": {"push": False}}})
    await ada.ask("DELETE", f"/api/auth/sessions/{own}")
    app = await ada.ask("POST", "/api/auth/factors/totp")
    step = int(world.server.app.clock.now().timestamp()) // STEP
    code = code_at(base64.b32decode(app["secret"]), step)
    await ada.ask("POST", "/api/auth/factors/totp/confirm", {"code": code})
    await ada.ask("DELETE", "/api/auth/factors/totp")
    media = await upload(ada, "file", form("media.bytes").encode(), filename=form("media.name"))
    await ada.ask("DELETE", f"/api/media/{media['id']}")


async def _people(world: World) -> None:
    ada, moderator, dee = world["ada"], world["moderator"], world["dee"]
    friendship = (await ask(ada, moderator))["id"]
    await world.settle()
    await moderator.ask("PUT", f"/api/friends/{friendship}/accept")
    await world.settle()
    await ada.ask("DELETE", f"/api/friends/{friendship}")
    await block(ada, world["joiner"], reason=form("block.reason"))
    await ada.ask("DELETE", f"/api/users/{world['joiner'].id}/block")
    await dee.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})
    await world.server.service("users").email_verified(dee.id, dee.user["email"])
    await world.settle()


async def _chat(world: World) -> None:
    ada, friend, ids = world["ada"], world["friend"], world.ids
    said = (await say(ada, ids["@group"], form("group.text")))["id"]
    await friend.ask("POST", f"/api/messages/{said}/reactions", {"emoji": "👍"})
    await friend.ask("POST", f"/api/conversations/{ids['@group']}/read", {"messageId": said})
    await ada.ask("POST", f"/api/messages/{said}/star")
    await ada.ask("DELETE", f"/api/messages/{said}")
    hidden = (await say(friend, ids["@group"], form("group.text")))["id"]
    await ada.ask("POST", f"/api/messages/{hidden}/hide")
    await ada.ask("POST", f"/api/conversations/{ids['@group']}/read", {"messageId": hidden})
    await ada.ask("POST", f"/api/conversations/{ids['@group']}/unread")
    await say(friend, ids["@group"], form("group.thread"), threadRootId=ids["@group.text"])
    await ada.ask("POST", f"/api/messages/{ids['@group.text']}/thread/read", {"upToSeq": 1})
    await ada.ask("PUT", f"/api/conversations/{ids['@group']}", {"muted": True})
    await ada.ask("PUT", f"/api/conversations/{ids['@group']}", {"description": form("group.about")})
    await ada.ask("PUT", f"/api/folders/{ids['@folder']}", {"name": form("folder.name"), "emoji": "🌍"})
    await ada.ask("PUT", f"/api/conversations/{ids['@direct']}/draft", {"content": f"{form('direct.begun')} again"})
    draft = {"content": f"{form('direct.draft')} again"}
    await ada.ask("PUT", f"/api/conversations/{ids['@direct']}/scheduled/{ids['@scheduled']}", draft)
    await say(world["blocked"], ids["@with.blocked"], form("after.blocked"))
    await say(ada, ids["@with.blocker"], form("after.ada"))
    other = await group(ada, friend, name=form("group.name"))
    await world.settle()
    await ada.ask("DELETE", f"/api/conversations/{other}/participants/{friend.id}")
    await friend.ask("POST", "/api/notices/read-all", {})
    link = await ada.ask("POST", f"/api/conversations/{ids['@group']}/links", {"approval": True})
    await world["dee"].ask("POST", "/api/join", {"token": link["token"]})
    await world.server.service("presence").online_count(ids["@group"], [ada.id, friend.id])


async def _typing(world: World) -> None:
    """In the group, and on both sides of a block, where it is told to nobody."""
    for who, where in (("ada", "@group"), ("blocked", "@with.blocked"), ("ada", "@with.blocker")):
        here = {"conversationId": world.ids[where], "isTyping": True}
        await world.sockets[who].ask("message:typing", here)


async def _keys(world: World) -> None:
    """Ada begins anew with another identity, lets a device join, runs low of keys, and writes to her friend."""
    ada, friend = world["ada"], world["friend"]
    private = clamp(sha256(IDENTITY_SEED).digest())
    ring = world.rings["ada"] = Keyring(KeyPair(private, public_of(private)))
    new = ring.first(ec=2, name=form("device.name"))
    await ada.ask("PUT", "/api/e2ee/identity", new)
    here = next(one for one in (await ada.ask("GET", "/api/auth/sessions"))["sessions"] if one["isCurrent"])
    await ada.ask("POST", "/api/e2ee/devices/link-token", {"to": here["deviceId"], "message": "QUFB"})
    await friend.ask("GET", f"/api/e2ee/keys/{ada.id}/1")
    for number in range(2):
        envelope = {
            "type": 2,
            "destinationDeviceId": 1,
            "destinationRegistrationId": world.rings["friend"].registration_id,
            "content": form("sealed.bytes"),
        }
        said = {
            "clientMessageId": f"sealed-{number:06d}",
            "timestamp": "2026-11-28T12:00:00.000Z",
            "recipients": [{"userId": friend.id, "messages": [envelope]}],
        }
        await ada.ask("POST", f"/api/conversations/{world.ids['@sealed']}/e2ee/messages", said)
    first = (await friend.ask("GET", "/api/e2ee/envelopes"))["envelopes"][0]
    await friend.ask("POST", "/api/e2ee/envelopes/ack", {"ids": [first["id"]]})


async def _safety(world: World) -> None:
    friend, moderator = world["friend"], world["moderator"]
    warning = {"reason": "spam", "message": form("warning.text")}
    made = await moderator.ask("POST", f"/api/moderation/users/{friend.id}/warn", warning)
    appeal = {"measureId": made["id"], "text": form("appeal.text")}
    filed = (await friend.ask("POST", "/api/appeals", appeal))["id"]
    answer = {"granted": True, "answer": form("appeal.answer")}
    await moderator.ask("POST", f"/api/moderation/appeals/{filed}/decide", answer)


async def _automod(world: World) -> None:
    """What waits for Ada tells the friend who said it, and her, and nobody else of the group."""
    ada, friend, where = world["ada"], world["friend"], world.ids["@group"]
    rule = f"/api/conversations/{where}/automod/keywords/words"
    await ada.ask("PUT", rule, {"terms": ["casino"], "consequence": {"then": "hold", "alert": True}})
    with suppress(Refusal):
        await say(friend, where, f"casino {form('group.text')}")
    (waits,) = (await ada.ask("GET", f"/api/conversations/{where}/automod/held"))["held"]
    await ada.ask("POST", f"/api/conversations/{where}/automod/held/{waits['id']}", {"approve": False})
    await ada.ask("DELETE", rule)
