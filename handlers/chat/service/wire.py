"""From what is stored to what goes over the wire: pure functions, by the eyes of whoever looks."""

from collections.abc import Iterable
from typing import Any

from crypto.directory import base64
from handlers.chat.body import Body, allowed_in, named_in, seen_by, thread_of
from handlers.chat.models.conversations import Change, Conversation, Participant
from handlers.chat.models.messages import (
    SHOWN_USERS,
    AllowedMentions,
    LinkPreview,
    Message,
    Poll,
    PollOption,
    Reaction,
    Removed,
    SystemNote,
    ThreadSummary,
)
from handlers.chat.models.records import ConversationRecord, MemberRecord
from handlers.chat.models.rights import Permissions
from handlers.chat.models.themes import Theme
from handlers.chat.models.timers import Timer
from handlers.chat.models.values import Location, Media, message_id
from handlers.chat.service.lives import end_for, read_timer
from handlers.chat.service.state import State
from handlers.chat.store.threads import SHOWN as SHOWN_REPLIERS
from handlers.chat.store.threads import Summary
from storage.log import Entry

ROLES = ("owner", "admin", "member")


def message_of(entry: Entry, viewer: str | None) -> Message:
    """The message that an entry of kind `message` holds, as the viewer sees it."""
    body = seen_by(entry.body, viewer)
    media, location = body.get("media"), body.get("location")
    reply_to, system = body.get("replyTo"), body.get("system")
    sealed: Body = body.get("sealed", {})
    return Message(
        id=message_id(entry.conversation, entry.seq),
        conversation_id=entry.conversation,
        seq=entry.seq,
        revision=entry.body.get("revision", entry.seq),
        sender_id=entry.sender,
        type=body["type"],
        content=body["content"],
        encrypted_content=base64(sealed["content"]) if "content" in sealed else None,
        key_id=sealed.get("key"),
        source_device_id=sealed.get("device"),
        media=media_of(media) if media else None,
        album=[media_of(one) for one in body.get("album", ())],
        location=Location.model_validate(location) if location else None,
        poll=poll_of(body),
        system=SystemNote.model_validate(system) if system else None,
        preview=LinkPreview.model_validate(body["preview"]) if "preview" in body else None,
        reply_to_message_id=message_id(entry.conversation, reply_to) if reply_to else None,
        thread_root_id=message_id(entry.conversation, root) if (root := thread_of(body)) else None,
        show_in_conversation="aside" not in body,
        thread=None,
        mentioned_user_ids=named_in(body),
        allowed_mentions=AllowedMentions(user_ids=allowed) if (allowed := allowed_in(body)) is not None else None,
        mention_everyone=body.get("everyone"),
        forwards=body.get("forwards", 0),
        reactions=[
            Reaction(emoji=one["emoji"], user_ids=one["users"][:SHOWN_USERS], count=len(one["users"]))
            for one in body.get("reactions", ())
        ],
        status="sent",
        delivered_to=[],
        read_by=[],
        view_once="once" in body,
        is_reported=False,
        is_deleted="deletedAt" in body,
        deleted_at=body.get("deletedAt"),
        deleted_by=body.get("deletedBy"),
        pinned_at=body.get("pinnedAt"),
        pinned_by=body.get("pinnedBy"),
        read_timer=read_timer(entry),
        expires_at=end_for(entry, viewer),
        created_at=entry.at,
        updated_at=body.get("changedAt", entry.at),
        edited_at=body.get("editedAt"),
        client_message_id=entry.op,
        idempotent=entry.op is not None,
        duplicate=False,
    )


def summary_of(conversation_id: str, found: Summary | None) -> ThreadSummary:
    """What is in a thread, as it goes over the wire."""
    if found is None:
        return ThreadSummary(replies=0, last_reply_id=None, last_reply_at=None, participant_ids=[], participants=0)
    return ThreadSummary(
        replies=found.replies,
        last_reply_id=message_id(conversation_id, found.last_seq),
        last_reply_at=found.last_at,
        participant_ids=list(found.people[:SHOWN_REPLIERS]),
        participants=len(found.people),
    )


def media_of(stored: Body) -> Media:
    """An attachment as it lies in a message's body."""
    media_id = stored.get("media_id")
    if media_id is None:
        return Media.model_validate(stored)
    link = f"/api/media/{media_id}/link"
    small = f"{link}?variant=thumbnail" if stored.get("has_thumbnail") else None
    return Media.model_validate({**stored, "url": link, "thumbnail": small})


def poll_of(body: Body) -> Poll | None:
    """The poll in a message's body."""
    poll = body.get("poll")
    if poll is None:
        return None
    return Poll(
        question=poll["question"],
        options=[
            PollOption(
                text=option["text"],
                count=len(option["votes"]),
                user_ids=[] if poll["anonymous"] else option["votes"][:SHOWN_USERS],
            )
            for option in poll["options"]
        ],
        multiple=poll["multiple"],
        anonymous=poll["anonymous"],
        voters=len({user_id for option in poll["options"] for user_id in option["votes"]}),
        quiz="correct" in poll,
        correct_option=poll.get("correct") if "closedAt" in poll else None,
        closes_at=poll.get("closesAt"),
        closed_at=poll.get("closedAt"),
    )


def conversation_fields(state: State) -> dict[str, Any]:
    """What every look at a conversation has in common."""
    record: ConversationRecord = state.record
    members = by_age(state.members.values())
    owner = next((member.user_id for member in members if member.role == "owner"), None)
    group = record.type != "direct"
    return {
        "id": record.id,
        "conversation_id": record.id,
        "nid": record.nid,
        "seq": record.state_seq,
        "type": record.type,
        "participant_ids": [member.user_id for member in members],
        "created_by": record.created_by,
        "owner_id": owner if group else None,
        "admin_ids": [member.user_id for member in members if member.role != "member"] if group else [],
        "name": record.name,
        "description": record.description,
        "avatar": record.avatar,
        "is_encrypted": record.is_encrypted,
        "allow_invites": record.allow_invites,
        "permissions": Permissions.model_validate(state.permissions) if group else None,
        "slow_mode": record.slow_mode,
        "history_visible": record.history_visible,
        "message_retention": record.message_retention,
        "theme": Theme.model_validate(record.theme) if record.theme else None,
        "join_approval": record.join_approval,
        "timer": Timer(seconds=record.timer, mode=record.timer_mode) if record.timer else None,
        "is_active": record.is_active,
        "request_to": state.request_to,
        "last_message_at": record.last_message_at,
        "last_message_id": message_id(record.id, record.last_seq) if record.last_seq else None,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def conversation_of(state: State) -> Conversation:
    """A conversation as all its members see it."""
    return Conversation(**conversation_fields(state))


def by_age(members: Iterable[MemberRecord]) -> list[MemberRecord]:
    """Members in the order in which they joined."""
    return sorted(members, key=lambda member: (member.join_seq, ROLES.index(member.role), member.user_id))


def participants_of(state: State) -> list[Participant]:
    """The members with their roles."""
    return [
        Participant(
            user_id=member.user_id,
            role=member.role,
            joined_at=member.joined_at,
            denied=list(member.denied),
            denied_until=member.denied_until,
            silent_until=member.silent_until,
        )
        for member in by_age(state.members.values())
    ]


def change_of(entry: Entry) -> Change:
    """What an entry of kind `member` or `settings` changed."""
    body = entry.body
    return Change(
        action=body["action"],
        by=entry.sender,
        user_ids=body.get("users", []),
        role=body.get("role"),
        promoted=body.get("promoted"),
        fields=body.get("fields", []),
        denied=body.get("denied", []),
        until=body.get("until"),
    )


def expired_of(entry: Entry) -> Removed:
    """A message that the entry deleted because its time was over."""
    target = entry.target or 0
    return Removed(
        message_id=message_id(entry.conversation, target),
        conversation_id=entry.conversation,
        seq=entry.seq,
        target_seq=target,
        thread_root_id=message_id(entry.conversation, root) if (root := thread_of(entry.body)) else None,
        deleted_by="expired",
        reason="expired",
        deleted_at=entry.body["deletedAt"],
    )
