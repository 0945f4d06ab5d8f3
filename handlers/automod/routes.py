"""What the admins of a group may do with AutoMod, each through both doors."""

from handlers.automod.models.acts import (
    ActPage,
    Decision,
    HeldPage,
    ListedActs,
    ListedHeld,
    Outlook,
    Ruling,
    Trial,
)
from handlers.automod.models.rules import ChangedRules, ChangedTerms, OneTermRule, Rules, TermList
from handlers.automod.service import AlreadyDecided, AutoMod, CannotSend, NoSuchHeld, NoSuchRule, TooManyRules
from handlers.chat.models.conversations import OneConversation
from server.actors import Actor
from server.errors import Conflict, Forbidden, NotFound, Overloaded, Unavailable
from server.routes import Limit, Routes

routes = Routes("automod")

_READS = (Limit(60, 0.5),)
_SETS = (Limit(20, 1.0),)
_READ = (NotFound, Forbidden, Conflict, Unavailable)
_SET = (*_READ, Overloaded, TooManyRules)


@routes.command(
    "GET /api/conversations/{conversationId}/automod",
    event="automod:rules",
    needs="chat:read",
    limits=_READS,
    errors=_READ,
)
async def rules(automod: AutoMod, actor: Actor, body: OneConversation) -> Rules:
    """See the rules of your group. Only for its owner and admins."""
    return await automod.ruler.get(actor, body.conversation_id)


@routes.command(
    "PUT /api/conversations/{conversationId}/automod",
    event="automod:set",
    needs="chat:write",
    limits=_SETS,
    errors=_SET,
)
async def set_rules(automod: AutoMod, actor: Actor, body: ChangedRules) -> Rules:
    """Set rules of your group: patterns, links, mentions, repetitions, joins, whose messages are not looked at.

    They hold at once, for new messages and for edits, on every server.
    """
    return await automod.ruler.change(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/automod/keywords/{name}",
    event="automod:terms",
    needs="chat:read",
    limits=_READS,
    errors=(*_READ, NoSuchRule),
)
async def terms(automod: AutoMod, actor: Actor, body: OneTermRule) -> TermList:
    """See the words of a rule of your group."""
    return await automod.ruler.terms(actor, body)


@routes.command(
    "PUT /api/conversations/{conversationId}/automod/keywords/{name}",
    event="automod:set-terms",
    needs="chat:write",
    limits=_SETS,
    errors=_SET,
)
async def set_terms(automod: AutoMod, actor: Actor, body: ChangedTerms) -> Rules:
    """Set the words of a rule of your group, or add `more`: up to 6 rules of up to 1,000 words each."""
    return await automod.ruler.change_terms(actor, body)


@routes.command(
    "DELETE /api/conversations/{conversationId}/automod/keywords/{name}",
    event="automod:remove-terms",
    needs="chat:write",
    limits=_SETS,
    errors=(*_SET, NoSuchRule),
)
async def remove_terms(automod: AutoMod, actor: Actor, body: OneTermRule) -> None:
    """Take a rule of words away."""
    await automod.ruler.remove_terms(actor, body)


@routes.command(
    "POST /api/conversations/{conversationId}/automod/test",
    event="automod:test",
    needs="chat:read",
    status=200,
    limits=_SETS,
    errors=_READ,
)
async def try_out(automod: AutoMod, actor: Actor, body: Trial) -> Outlook:
    """Learn what would happen to a text of a member. Nothing is said, counted or noted."""
    return await automod.ruler.try_out(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/automod/held",
    event="automod:list-held",
    needs="chat:read",
    limits=_READS,
    errors=_READ,
)
async def held(automod: AutoMod, actor: Actor, body: ListedHeld) -> HeldPage:
    """See which messages wait for you, the oldest first."""
    return await automod.holding.queue(actor, body)


@routes.command(
    "POST /api/conversations/{conversationId}/automod/held/{heldId}",
    event="automod:decide",
    needs="chat:write",
    status=200,
    limits=_SETS,
    errors=(*_SET, NoSuchHeld, AlreadyDecided, CannotSend),
)
async def decide(automod: AutoMod, actor: Actor, body: Ruling) -> Decision:
    """Let a message that waits be sent, once and as its author's, or never."""
    return await automod.holding.decide(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/automod/acts",
    event="automod:acts",
    needs="chat:read",
    limits=_READS,
    errors=_READ,
)
async def acts(automod: AutoMod, actor: Actor, body: ListedActs) -> ActPage:
    """See what AutoMod did in your group, the newest first."""
    return await automod.ruler.acts(actor, body)


@routes.command(
    "POST /api/conversations/{conversationId}/automod/unlock",
    event="automod:unlock",
    needs="chat:write",
    limits=_SETS,
    errors=_SET,
)
async def unlock(automod: AutoMod, actor: Actor, body: OneConversation) -> None:
    """Let people come by links again without an admin, after too many came at once."""
    await automod.ruler.unlock(actor, body.conversation_id)
