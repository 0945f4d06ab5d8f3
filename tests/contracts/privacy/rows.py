"""The table of commands: with which ids of others' things each is called by every viewer, and what may come of it.

To add a command, add its row. `row("chat.star", shows="group.text")` says: called with the ids of Ada's things (those
of `USUAL`, by the names of the fields; others as arguments), its own people (`to=`, Ada unless said otherwise) read
`group.text`, and everybody hostile reads no secret and gets the same answer as for an id that does not exist.
"""

from dataclasses import dataclass, field
from typing import Any

from crypto.directory import base64
from tests.contracts.privacy.oracle import HOSTILE

USUAL: dict[str, Any] = {
    "conversationId": "@group",
    "messageId": "@group.text",
    "messageIds": ["@group.text"],
    "conversationIds": ["@group"],
    "userId": "@ada",
    "userIds": ["@ada"],
    "recipientId": "@ada",
    "friendshipId": "@friendship",
    "mediaId": "@media",
    "sessionId": "@session",
    "passkeyId": "@passkey",
    "linkId": "@link",
    "folderId": "@folder",
    "folderIds": ["@folder"],
    "scheduledId": "@scheduled",
    "noticeId": "@notice",
    "caseId": "@case",
    "appealId": "@appeal",
    "measureId": "@warning",
}
"""What a required field is filled with unless the row says otherwise. `@name` is the id of a thing of the world."""


@dataclass(frozen=True)
class Row:
    """One command, called by every viewer."""

    name: str
    given: dict[str, Any]
    shows: frozenset[str]
    """Secrets that those for whom it is read in its answer."""
    to: tuple[str, ...]
    """For whom it is."""
    reveals: dict[str, frozenset[str]] = field(default_factory=dict)
    """Secrets that a hostile viewer reads all the same, and may."""
    knows: frozenset[str] = frozenset()
    """Hostile viewers who may tell that the thing exists."""
    writes: bool = False
    """It changes something when it is allowed: only hostile viewers call it, after all that only read."""
    last: bool = False
    """It ends something that other rows need: called after all others."""


def row(
    name: str,
    /,
    *,
    shows: str = "",
    to: str = "ada",
    reveals: str = "",
    knows: str = "",
    why: str = "",
    writes: bool = False,
    last: bool = False,
    **given: Any,
) -> Row:
    """A row. `reveals` is written "stranger:ada.card former:ada.card"; that or `knows` must say `why`."""
    shown: dict[str, frozenset[str]] = {}
    for one in reveals.split():
        viewer, _, secret = one.partition(":")
        shown[viewer] = shown.get(viewer, frozenset()) | {secret}
    if (reveals or knows) and not why:
        raise ValueError(f"the row of {name} must say why hostile viewers may know")
    everybody = frozenset(HOSTILE) if knows == "all" else frozenset(knows.split())
    return Row(
        name=name,
        given=given,
        shows=frozenset(shows.split()),
        to=tuple(to.split()),
        reveals=shown,
        knows=everybody,
        writes=writes or last,
        last=last,
    )


OPEN = "a person's name and picture are shown to everybody who is not blocked"
CARD: dict[str, Any] = {"reveals": "stranger:ada.card former:ada.card", "knows": "stranger former", "why": OPEN}

USERS = (
    row("users.me", shows="ada.email ada.phone ada.birthday ada.bio ada.city ada.place"),
    row("users.update", writes=True, languages=["en"]),
    row("users.set_avatar", writes=True, avatar=None),
    row("users.set_cover", writes=True, coverImage=None),
    row("users.privacy"),
    row("users.set_privacy", writes=True, searchable=False),
    row("users.search", to="friend", q="zqadacard7k"),
    row("users.search", q="zqhermitcard7k"),
    row("users.search", location=[-33.9, 18.4], radius=500),
    row("users.suggested", type="local"),
    row("users.suggested", type="friends"),
    row("users.suggested", type="creators"),
    row("users.get", shows="ada.card ada.bio ada.cover ada.city", to="friend", **CARD),
    row(
        "users.get",
        shows="hermit.card",
        to="friend",
        userId="@hermit",
        reveals="stranger:hermit.card former:hermit.card blocked:hermit.card blocker:hermit.card",
        knows="all",
        why=OPEN,
    ),
    row("users.get", userId="@blocked", knows="all", why=OPEN),
    row("users.report", writes=True, reason="spam", knows="blocker stranger former", why=OPEN),
    row("users.interests"),
)

AUTH = (
    row(
        "auth.register",
        writes=True,
        email="@ada.email",
        password="Correct-Horse-7",
        username="@new.name",
        displayName="New",
        acceptTerms=True,
        knows="all",
        why="who registers must be told that the address is taken, until it is proved by a letter first",
    ),
    row("auth.login", writes=True, username="@ada.name", password="Wrong-Horse-7"),
    row("auth.refresh", writes=True, refreshToken="no-token-of-anybody-at-all"),
    row("auth.verify_email", writes=True, token="no-token-of-anybody-at-all"),
    row("auth.send_email_proof", writes=True),
    row("auth.verify_phone", writes=True, code="000000"),
    row("auth.send_phone_code", writes=True, phone="+27825550199"),
    row("auth.forgot_password", writes=True, email="@ada.email"),
    row("auth.reset_password", writes=True, token="no-token-of-anybody-at-all", password="Correct-Horse-8"),
    row("auth.change_password", writes=True, password="Correct-Horse-9"),
    row("auth.propose_email", writes=True, email="@ada.email"),
    row("auth.change_email", writes=True, token="no-token-of-anybody-at-all"),
    row("auth.sessions", shows="session.name"),
    row("auth.rename_session", writes=True, name="Mine"),
    row("auth.end_session", writes=True),
)

_CREDENTIAL = {"id": "AAAA", "rawId": "AAAA", "type": "public-key"}
_MADE = {"clientDataJSON": "AAAA", "attestationObject": "AAAA"}
_USED = {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}

FACTORS = (
    row("factors.overview", shows="passkey.name", to="friend"),
    row("factors.propose_totp", writes=True),
    row("factors.confirm_totp", writes=True, code="000000"),
    row("factors.remove_totp", writes=True),
    row("factors.make_codes", writes=True),
    row("factors.new_passkey", writes=True),
    row("factors.add_passkey", writes=True, credential=_CREDENTIAL | {"response": _MADE}),
    row("factors.rename_passkey", writes=True, name="Mine"),
    row("factors.remove_passkey", writes=True),
    row("factors.ask_to_come_in", writes=True),
    row("factors.come_in", writes=True, credential=_CREDENTIAL | {"response": _USED}),
    row("factors.ask_again", writes=True),
    row("factors.second_step", writes=True, ticket="no-ticket-of-anybody-at-all", code="000000"),
    row("factors.step_up", writes=True, code="000000"),
)

MEDIA = (
    row("media.create", writes=True, kind="file", size=3),
    row("media.append", writes=True, offset=0),
    row("media.finish", writes=True),
    row("media.get", shows="media.name"),
    row("media.delete", writes=True),
    row("media.link", shows="media.bytes"),
    row("media.content", variant="original", viewer="@ada", expires=2**32, signature="A" * 43),
)

SOCIAL = (
    row(
        "social.request",
        writes=True,
        knows="blocker stranger former",
        why=OPEN,
        reveals="stranger:ada.card former:ada.card",
    ),
    row("social.accept", writes=True),
    row("social.decline", writes=True),
    row("social.remove", writes=True),
    row("social.change", writes=True, relationship="family"),
    row("social.friends", shows="ada.card", to="friend"),
    row("social.friends", shows="request.text", status="pending"),
    row("social.suggestions"),
    row("social.block", last=True, knows="all", why="one may block whoever exists"),
    row("social.unblock", last=True, knows="all", why="one may unblock whom one has blocked"),
    row("social.blocks", shows="block.reason", reveals="blocker:ada.card", why="one sees whom one has blocked"),
)

CONTACTS = (
    row("contacts.sync", writes=True, emails=["@ada.email", "@blocked.email"]),
    row("contacts.sync", writes=True, phones=["+27825550137"]),
    row("contacts.matches", shows="friend.card"),
    row("contacts.forget_matches", writes=True),
)

ROUGHLY = "who may not know more learns roughly when somebody was last here (R34)"

PRESENCE = (
    row("presence.update", writes=True, status="online"),
    row("presence.friends", shows="ada.line ada.city", to="friend"),
    row("presence.get", shows="ada.line ada.city", to="friend", knows="stranger former", why=ROUGHLY),
    row("presence.get", userIds=["@hermit"]),
    row("presence.set_custom", writes=True, emoji="🙂", text="here"),
    row("presence.clear_custom", writes=True),
    row("presence.app_state", writes=True, state="foreground"),
    row("presence.watch", shows="ada.line", to="friend", knows="stranger former", why=ROUGHLY),
    row("presence.watch", userIds=["@hermit"]),
    row("presence.unwatch"),
    row("presence.snapshot", shows="ada.line", to="friend"),
)

THEIRS = "it is a conversation of theirs too"

CHAT = (
    row("chat.create", writes=True, type="direct", participantIds=["@ada"], knows="all", why=OPEN),
    row("chat.create", writes=True, type="group", name="New", participantIds=["@ada"], knows="all", why=OPEN),
    row("chat.list_mine", shows="group.name direct.text", to="ada friend"),
    row("chat.list_mine", shows="group.name", folderId="@folder"),
    row("chat.list_folders", shows="folder.name"),
    row("chat.create_folder", writes=True, name="Mine", conversationIds=["@group"]),
    row("chat.order_folders", writes=True),
    row("chat.change_folder", writes=True, name="Mine"),
    row("chat.delete_folder", writes=True),
    row("chat.get", shows="group.name group.about", to="ada friend"),
    row("chat.get", shows="direct.text", to="ada friend", conversationId="@direct"),
    row("chat.change", writes=True, name="Mine"),
    row("chat.set_timer", writes=True, seconds=86_400),
    row("chat.delete", writes=True),
    row("chat.add_participants", writes=True, userIds=["@me"]),
    row("chat.change_participant", writes=True, userId="@me", role="owner"),
    row("chat.remove_participant", writes=True),
    row("chat.hide", writes=True),
    row("chat.view", writes=True),
    row("chat.delete_many", writes=True, forEveryone=True),
    row("chat.edits", shows="group.old group.edited", messageId="@group.edited"),
    row("chat.set_reactions", writes=True, emojis=["👍"]),
    row("chat.close_poll", writes=True, messageId="@group.poll"),
    row("chat.forward", writes=True, conversationIds=["@own"]),
    row("chat.make_link", writes=True),
    row("chat.list_links"),
    row("chat.revoke_link", writes=True),
    row("chat.join", writes=True, token="Z" * 43),
    row("chat.list_requests"),
    row("chat.answer_request", writes=True, userId="@me", accept=True),
    row("chat.message_requests"),
    row("chat.accept_message_request", writes=True),
    row("chat.ignore_message_request", writes=True),
    row("chat.send", writes=True, type="text", content="Let me in"),
    row("chat.edit", writes=True, content="Mine now"),
    row("chat.take_back", writes=True),
    row("chat.react", writes=True, emoji="👍"),
    row("chat.unreact", writes=True, emoji="👍"),
    row("chat.vote", writes=True, messageId="@group.poll", options=[0]),
    row("chat.votes", shows="group.poll group.option", to="ada friend", messageId="@group.poll"),
    row("chat.pin", writes=True),
    row("chat.unpin", writes=True),
    row("chat.pinned", shows="group.text", to="ada friend"),
    row("chat.star", writes=True),
    row("chat.unstar", writes=True),
    row("chat.list_starred", shows="group.text"),
    row("chat.list_starred", shows="group.text", conversationId="@group"),
    row("chat.save_draft", writes=True, content="Let me in"),
    row("chat.drop_draft", writes=True),
    row("chat.list_drafts", shows="direct.begun"),
    row("chat.history", shows="group.early group.text group.edited group.poll group.reply", to="ada friend"),
    row("chat.history", shows="direct.text", to="ada friend", conversationId="@direct"),
    row("chat.history", shows="before.text after.ada", conversationId="@with.blocker", knows="blocker", why=THEIRS),
    row("chat.history", shows="before.text", conversationId="@with.blocked", knows="blocked", why=THEIRS),
    row("chat.search", shows="group.text", to="ada friend", q="zqgrouptext7k"),
    row("chat.search", shows="group.text", to="ada friend", q="zqgrouptext7k", conversationId="@group"),
    row("chat.receipts"),
    row("chat.read", writes=True, upToSeq=1),
    row("chat.mark_unread", writes=True),
    row("chat.delivered", writes=True, upToSeq=1),
    row("chat.typing", writes=True, isTyping=True),
    row("chat.open_conversation", to="ada friend"),
    row("chat.close_conversation"),
    row("chat.thread", shows="group.text group.thread", to="ada friend"),
    row("chat.list_threads", shows="group.text", to="ada friend"),
    row("chat.list_threads", shows="group.text", to="ada friend", conversationId="@group"),
    row("chat.follow_thread", writes=True),
    row("chat.unfollow_thread", writes=True),
    row("chat.read_thread", writes=True, upToSeq=1),
    row("chat.sync", shows="group.early group.text", to="ada friend", conversations={"@group": 0}, only=True),
    row("chat.sync", shows="direct.text", to="ada friend", conversations={"@direct": 0}, only=True),
    row("chat.sync", conversations={"@with.blocker": 0}, only=True, knows="blocker", why=THEIRS),
    row("chat.sync", conversations={"@with.blocked": 0}, only=True, knows="blocked", why=THEIRS),
    row("chat.check", to="ada friend", conversations={"@group": 0}),
    row("chat.change_permissions", writes=True, send=False),
    row("chat.restrict_participant", writes=True, denied=["send"]),
    row("chat.list_audit"),
    row("chat.schedule", writes=True, type="text", content="Later", sendAt="@tomorrow"),
    row("chat.list_scheduled", shows="direct.draft", conversationId="@direct"),
    row("chat.change_scheduled", writes=True, conversationId="@direct", content="Mine"),
    row("chat.cancel_scheduled", writes=True, conversationId="@direct"),
)

NOTICES = (
    row(
        "notices.listed",
        shows="ada.card group.name",
        to="friend",
        reveals="former:ada.card former:group.name",
        why="he was told so when he was brought into the group",
    ),
    row("notices.read", writes=True),
    row("notices.read_all", writes=True),
    row("notices.preferences"),
    row("notices.set_preferences", writes=True),
)

PUSH = (
    row("push.state"),
    row("push.register", writes=True, platform="fcm", token="a-token-of-a-device-of-mine"),
    row("push.unregister", writes=True),
)

SAFETY = (
    row("safety.report", writes=True, messageId="@group.text", reason="spam"),
    row("safety.report", writes=True, conversationId="@group", reason="spam"),
    row("safety.report_request", writes=True, reason="spam"),
    row("safety.mine", shows="warning.text", to="friend"),
    row("safety.appeal", writes=True, text="Let me in"),
    row("safety.appeal_suspension", writes=True, username="@ada.name", password="Wrong-Horse-7", text="Let me in"),
    row("safety.queue", shows="case.details", to="moderator"),
    row("safety.queue", shows="case.note", to="moderator", status="closed"),
    row("safety.look", shows="case.text case.details", to="moderator"),
    row("safety.claim", writes=True),
    row("safety.resolve", writes=True, outcome="dismissed"),
    row("safety.warn", writes=True, reason="spam", message="Stop"),
    row("safety.suspend", writes=True, reason="spam", message="Stop"),
    row("safety.reinstate", writes=True),
    row("safety.measures", shows="warning.text", to="moderator", userId="@friend"),
    row("safety.appeals", shows="appeal.text", to="moderator", status="granted"),
    row("safety.decide", writes=True, granted=True, answer="Fine"),
    row("safety.audit", to="moderator"),
    row("safety.offices", to="moderator"),
    row("safety.appoint", writes=True, userId="@me", role="admin"),
)

AUTOMOD = (
    row("automod.rules"),
    row("automod.set_rules", writes=True, allow=["hello"]),
    row("automod.terms", name="words"),
    row("automod.set_terms", writes=True, name="words", terms=["hello"]),
    row("automod.remove_terms", writes=True, name="words"),
    row("automod.try_out", content="hello"),
    row("automod.held"),
    row("automod.decide", writes=True, heldId="@group", approve=True),
    row("automod.acts"),
    row("automod.unlock", writes=True),
)

EC_KEY, PQ_KEY = base64(b"\x05\x09" + bytes(31)), base64(b"\x08" + bytes(1568))
SIGNATURE = base64(bytes(64))
NEW_KEY = {"keyId": 1, "publicKey": EC_KEY, "signature": SIGNATURE}
NEW_PQ_KEY = {"keyId": 2, "publicKey": PQ_KEY, "signature": SIGNATURE}
NEW_DEVICE: dict[str, Any] = {
    "registrationId": 1,
    "name": "QUFB",
    "signedPreKey": NEW_KEY,
    "pqLastResortPreKey": NEW_PQ_KEY,
}

KEYS = (
    row("keys.register", writes=True, identityKey=EC_KEY, **NEW_DEVICE),
    row("keys.link_token", writes=True),
    row("keys.link", writes=True, token="Z" * 43, **NEW_DEVICE),
    row("keys.devices", shows="device.name"),
    row("keys.remove", writes=True, deviceId=2),
    row("keys.reset", writes=True, identityKey=EC_KEY, **NEW_DEVICE),
    row("keys.upload", writes=True),
    row("keys.count"),
    row("keys.check", digest="A" * 43 + "="),
    row("keys.bundle", writes=True, deviceId="*"),
    row("keys.bundle", writes=True, deviceId="*", conversationId="@group"),
    row("keys.bundles", writes=True, userIds=["@ada"]),
    row("keys.identities", shows="ada.identity", to="friend", elements=[{"userId": "@ada", "fingerprint": "AAAAAA=="}]),
    row("keys.identities", elements=[{"userId": "@ada", "fingerprint": "AAAAAA=="}], conversationId="@group"),
    row("keys.log_head"),
    row("keys.log_proof", shows="ada.identity", to="friend ada"),
    row("keys.log_proof", conversationId="@group"),
    row("keys.log_consistency", first=0, second=1),
)

ENVELOPES = (
    row(
        "envelopes.send",
        writes=True,
        clientMessageId="sealed-000001",
        timestamp="2026-11-28T12:00:00.000Z",
        recipients=[{"userId": "@ada", "messages": []}],
        conversationId="@sealed",
    ),
    row("envelopes.waiting", shows="sealed.bytes", to="friend"),
    row("envelopes.acknowledge", writes=True, ids=["@sealed"]),
)

ENDS = (
    row("auth.logout", last=True),
    row("users.delete", last=True),
)

ROWS = (
    *USERS,
    *AUTH,
    *FACTORS,
    *MEDIA,
    *SOCIAL,
    *CONTACTS,
    *PRESENCE,
    *CHAT,
    *NOTICES,
    *PUSH,
    *SAFETY,
    *AUTOMOD,
    *KEYS,
    *ENVELOPES,
    *ENDS,
)
