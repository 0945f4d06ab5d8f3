"""What the engine may know of the chat."""

from handlers.chat.events import EVENTS, MessageDeleted, MessageNew
from handlers.chat.jobs import JOBS
from handlers.chat.routes import routes
from handlers.chat.service import ERRORS, Chat, Screen
from handlers.chat.service.strangers import Strangers
from handlers.chat.settings import ChatSettings
from handlers.chat.store import (
    AUDIT,
    AUDIT_INDEXES,
    CONVERSATION_INDEXES,
    CONVERSATIONS,
    LINK_INDEXES,
    LINKS,
    LOG_INDEXES,
    MEMBER_INDEXES,
    MEMBERS,
    REQUEST_INDEXES,
    REQUESTS,
    SEARCH_INDEXES,
    AuditStore,
    ConversationStore,
    LinkStore,
    MemberStore,
    MentionStore,
    SearchStore,
)
from handlers.chat.store.drafts import DRAFT_INDEXES, DRAFTS
from handlers.chat.store.folders import FOLDERS
from handlers.chat.store.pins import PIN_INDEXES, PINS
from handlers.chat.store.previews import PREVIEW_INDEXES, PREVIEWS
from handlers.chat.store.scheduled import SCHEDULED, SCHEDULED_INDEXES
from handlers.chat.store.shelf import shelf_of
from handlers.chat.store.stars import STAR_INDEXES, STARS
from handlers.chat.store.threads import FOLLOW_INDEXES, FOLLOWS
from handlers.chat.store.typists import TypistStore
from handlers.media.service import Media
from handlers.presence.service import Presence
from handlers.social.events import FriendAdded
from handlers.social.service import Social
from handlers.users.events import UserErased
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored
from storage import log
from storage.numbers import Numbers


def _build(kit: Kit) -> Chat:
    entries = kit.collection(log.COLLECTION)
    chat = Chat(
        log=log.Log(kit.mongo, clock=kit.clock.now),
        conversations=ConversationStore(kit.collection(CONVERSATIONS)),
        members=MemberStore(kit.collection(MEMBERS)),
        mentions=MentionStore(entries),
        index=SearchStore(entries),
        audit=AuditStore(kit.collection(AUDIT)),
        links=LinkStore(kit.collection(LINKS), kit.collection(REQUESTS)),
        users=kit.service(Users),
        social=kit.service(Social),
        presence=kit.service(Presence),
        media=kit.service(Media),
        numbers=Numbers(kit.mongo),
        publish=kit.publish,
        clock=kit.clock,
        max_members=kit.settings(ChatSettings).max_members,
        settings=kit.settings(ChatSettings),
        shelf=shelf_of(kit.collection),
        screen=kit.ask(Screen),  # type: ignore[type-abstract]  # a port is a Protocol
        strangers=Strangers(kit.spend, kit.clock, wait=_strangers_wait(kit)),
        spend=kit.spend,
        typists=TypistStore(kit.redis, kit.namespace),
        screens=kit.screens,
    )
    kit.fills(chat.fill, chat.heads)
    return chat


def _strangers_wait(kit: Kit) -> bool:
    """Whether first contacts are requests: load tests, which have no limits, chat among strangers."""
    wished = kit.settings(ChatSettings).first_contact
    return kit.limited if wished is None else wished == "request"


async def _erased(chat: Chat, event: UserErased) -> None:
    await chat.participants.forget(event.payload.user_id)
    await chat.links.forget(event.payload.user_id)
    await chat.scheduled.forget(event.payload.user_id)
    await chat.folders.forget(event.payload.user_id)
    await chat.shelf.forget_own(event.payload.user_id)


async def _befriended(chat: Chat, event: FriendAdded) -> None:
    await chat.requests.befriended(event.payload.user_ids)


def _said(chat: Chat, event: MessageNew) -> None:
    chat.previews.heard(event)
    chat.threads.heard(event)


def _taken_back(chat: Chat, event: MessageDeleted) -> None:
    chat.threads.heard(event)


manifest = Slice(
    name="chat",
    service=Chat,
    build=_build,
    needs=("users", "social", "presence", "media"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(CONVERSATIONS, Personal(("createdBy", "screenedBy"), erase="pseudonymise"), CONVERSATION_INDEXES),
        Stored(MEMBERS, Personal(("userId",), erase="pseudonymise"), MEMBER_INDEXES),
        Stored(AUDIT, Personal(("by", "users", "promoted"), erase="pseudonymise"), AUDIT_INDEXES),
        Stored(LINKS, Personal(("createdBy",), erase="pseudonymise"), LINK_INDEXES),
        Stored(REQUESTS, Personal(("userId",), erase="delete"), REQUEST_INDEXES),
        Stored(log.COLLECTION, Personal(("u",), erase="pseudonymise"), (*log.indexes(), *LOG_INDEXES, *SEARCH_INDEXES)),
        Stored(SCHEDULED, Personal(("userId",), erase="delete"), SCHEDULED_INDEXES),
        Stored(STARS, Personal(("userId",), erase="delete"), STAR_INDEXES),
        Stored(DRAFTS, Personal(("userId",), erase="delete"), DRAFT_INDEXES),
        Stored(FOLDERS, Personal(("userId",), erase="delete")),
        Stored(FOLLOWS, Personal(("userId",), erase="delete"), FOLLOW_INDEXES),
        Stored(PREVIEWS, None, PREVIEW_INDEXES),
        Stored(PINS, Personal(("by",), erase="pseudonymise"), PIN_INDEXES),
    ),
    permissions=(
        Permission("chat:read", "Read one's conversations"),
        Permission("chat:write", "Take part in conversations"),
    ),
    settings=ChatSettings,
    errors=ERRORS,
    jobs=JOBS,
    asks=(Screen,),
    hears=(
        Hears(UserErased, _erased),
        Hears(FriendAdded, _befriended),
        Hears(MessageNew, _said, at_once=True),
        Hears(MessageDeleted, _taken_back, at_once=True),
    ),
    start=Chat.start,
    stop=Chat.stop,
    gathers=Chat.large_of,
)
