"""Who may see what: each thing that somebody keeps to himself or to a few, and those few. Nothing here asks Mixee.

Every secret is planted by `world.py` as a word that is found nowhere else (`word`). Whatever a viewer gets to read is
searched for all of them.
"""

WITNESSES = ("ada", "friend", "moderator")
"""Those who may see things: they prove that a call shows anything at all."""
LIVE = ("blocked", "blocker", "stranger", "former")
"""Whom Ada blocks, who blocks Ada, who has nothing to do with her, who was removed from her group."""
SHUT = ("anonymous", "revoked", "suspended")
"""Without a token; a session of her friend that was ended; a friend and member who was suspended."""
HOSTILE = (*LIVE, *SHUT)
VIEWERS = (*WITNESSES, *HOSTILE)

MAY_SEE = {
    # people
    "ada.card": "ada friend moderator stranger former",  # to those she blocks she does not exist
    "ada.email": "ada",
    "ada.phone": "ada",
    "ada.birthday": "ada",
    "ada.bio": "ada friend",  # her profile is for friends
    "ada.cover": "ada friend",
    "ada.city": "ada friend moderator",  # a friend for a moment
    "ada.place": "ada",  # coordinates
    "ada.line": "ada friend moderator",  # the custom status
    "friend.card": " ".join((*WITNESSES, *LIVE)),
    "friend.email": "friend",
    "friend.bio": "friend ada",
    "blocked.email": "blocked",
    "blocked.bio": "blocked",
    "blocker.email": "blocker",
    "blocker.bio": "blocker",
    "hermit.card": " ".join((*WITNESSES, *LIVE)),
    "hermit.bio": "hermit",  # a profile for nobody
    "hermit.city": "hermit",
    "hermit.line": "hermit",
    # between people
    "request.text": "ada",  # to somebody who is no viewer
    "block.reason": "ada",
    "book.email": "",  # a contact who is not here: nobody reads it back
    # devices
    "session.name": "ada",
    "passkey.name": "friend",
    # conversations
    "before.text": "ada blocked blocker",  # said in the direct chats before the blocks
    "after.blocked": "blocked",  # said by the one whom Ada blocks
    "after.ada": "ada",  # said by Ada to the one who blocks her
    "direct.text": "ada friend",
    "direct.draft": "ada",  # scheduled
    "direct.begun": "ada",  # not sent
    "group.name": "ada friend",
    "group.about": "ada friend",
    "group.early": "ada friend",  # said while the former member was one
    "group.text": "ada friend",
    "group.edited": "ada friend",
    "group.old": "ada friend",  # the text before: for its sender and the admins
    "group.hidden": "friend",  # Ada has deleted it for herself
    "group.gone": "",  # taken back
    "group.poll": "ada friend",
    "group.option": "ada friend",
    "group.reply": "ada friend",
    "group.thread": "ada friend",
    "folder.name": "ada",
    # what is attached
    "media.name": "ada",
    "media.bytes": "ada",
    # what is encrypted
    "ada.identity": "ada friend",  # her public key: for those who may write to her
    "device.name": "ada",
    "sealed.bytes": "friend",  # a ciphertext for his device
    # safety
    "case.text": "ada friend moderator",  # a message that was reported
    "case.details": "moderator",
    "case.note": "moderator",
    "warning.text": "friend moderator",
    "appeal.text": "friend moderator",
    "appeal.answer": "friend moderator",
}


def word(name: str) -> str:
    """The word that stands for a secret: small letters and digits, so that it fits into any field."""
    if name not in MAY_SEE:
        raise LookupError(f"{name} is no secret yet: say in tests/contracts/privacy/oracle.py who may see it")
    return f"zq{name.replace('.', '')}7k"


IDENTITY_SEED = b"privacy matrix"
"""Ada's identity key is made of it."""
IDENTITY = "Bbw0RHr1/3me8dEhO51rIhTmgwyTEzMOWTd1+ob7N+0a"

OTHER = {
    "ada.phone": "+27825550137",
    "ada.birthday": "1971-03-09",
    "ada.place": "-33.918861",
    "ada.identity": IDENTITY,
    "device.name": "enFkZXZpY2VuYW1lN2s=",
    "sealed.bytes": "enFzZWFsZWRieXRlczdr",
}
"""Secrets whose fields take no word."""


def form(name: str) -> str:
    """A secret as it is planted."""
    return OTHER.get(name) or word(name)


def found_in(text: str) -> set[str]:
    """The secrets that a text holds."""
    small = text.lower()
    return {name for name in MAY_SEE if form(name).lower() in small}


def allowed(viewer: str) -> set[str]:
    """The secrets that a viewer may see. A session that was ended and a suspended account see nothing."""
    return {name for name, viewers in MAY_SEE.items() if viewer in viewers.split()}
