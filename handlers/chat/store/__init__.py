"""The collections of the chat. Private to the slice."""

from handlers.chat.store.audit import AUDIT, AUDIT_INDEXES, AuditStore, auditing
from handlers.chat.store.conversations import (
    CONVERSATION_INDEXES,
    CONVERSATIONS,
    Activity,
    ConversationStore,
    Effect,
)
from handlers.chat.store.index import LOG_INDEXES, MentionStore, scrubbing
from handlers.chat.store.links import LINK_INDEXES, LINKS, REQUEST_INDEXES, REQUESTS, LinkStore
from handlers.chat.store.members import MEMBER_INDEXES, MEMBERS, Mark, MemberStore
from handlers.chat.store.search import SEARCH_INDEXES, SearchStore, Sought, Spot
from handlers.chat.store.timers import TimerStore

__all__ = [
    "AUDIT",
    "AUDIT_INDEXES",
    "CONVERSATIONS",
    "CONVERSATION_INDEXES",
    "LINKS",
    "LINK_INDEXES",
    "LOG_INDEXES",
    "MEMBERS",
    "MEMBER_INDEXES",
    "REQUESTS",
    "REQUEST_INDEXES",
    "SEARCH_INDEXES",
    "Activity",
    "AuditStore",
    "ConversationStore",
    "Effect",
    "LinkStore",
    "Mark",
    "MemberStore",
    "MentionStore",
    "SearchStore",
    "Sought",
    "Spot",
    "TimerStore",
    "auditing",
    "scrubbing",
]
