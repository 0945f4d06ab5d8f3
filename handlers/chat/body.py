"""How a message lies in the body of its log entry: pure functions from what was sent, and from body to body.

| key | holds |
|---|---|
| `type`, `content`, `location` | as sent |
| `sealed` | of an encrypted message: `device` (its number) that sent it; to a group also `key` and `content` (bytes) |
| `system` | of a message that the server says: `action` and what belongs to it |
| `media`, `album` | the first attachment, and all of several; of an upload with `mediaId` and what is known of it |
| `attached` | ids of the uploads: by these it is found who may see them |
| `once` | 1, if each reader can look at its attachment once |
| `poll` | question, `options` (`text`, `votes`: user ids), multiple, anonymous; |
| | `correct` (of a quiz), `closesAt`, `closedAt`; `due` (`closesAt`, until it is closed) |
| `preview` | of the first link: `url`, `title`, `description`, `site_name` |
| `replyTo` | seq of the message that this one answers |
| `thread`, `aside` | seq of the message in whose thread it is; 1 if it is shown there alone |
| `wasThread` | in place of `thread`, of a message that is gone: it does not count there |
| `mentions` | user ids whom it counts for, `*` for everybody |
| `named` | user ids that it mentions, where these are others than `mentions` |
| `everyone`, `answers` | `all` or `here`, if it calls everybody; whose message it replies to then |
| `words` | words and marks that search finds |
| `forwards` | how many times it has been passed on, from message to message |
| `hiddenFrom` | user ids that must not see it; `LIMITED`: nobody but its sender sees it |
| `goneFor` | user ids that have deleted it for themselves |
| `original` | of an edited message: its first text |
| `pinnedAt`, `pinnedBy` | while it is pinned |
| `reactions` | `emoji`, `users` |
| `edits`, `editedAt`, `changedAt`, `deletedAt`, `deletedBy`, `revision` | what became of it |
| `veiled` | by user id: the body as that user alone sees it, after changes that a block keeps from the other |
| `veil` | of the last change: the user who alone may know of it |

What is empty is not there.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from handlers.chat.models.messages import NewMessage, NewPoll
from handlers.chat.models.values import split_message_id
from handlers.chat.words import LINK, MARKED, MENTION, first_link, has_link, words_of
from server.errors import MixeeError

Body = dict[str, Any]

EVERYBODY = "*"
"""In `mentions`, for every member."""


LIMITED = ["*"]
"""`hiddenFrom` of a message that only its sender sees, whoever joins later."""


class Unchanged(Exception):
    """The message is already as it shall be: there is nothing to append."""


Edit = Callable[[Body], Body]
"""From a message's body to another one. It gets a copy that it may modify."""


def body_of(
    message: NewMessage,
    media: Sequence[Body],
    *,
    hidden_from: Sequence[str],
    searchable: bool,
    at: datetime,
    called: Sequence[str] = (),
    answers: str | None = None,
) -> Body:
    """The body of a new message with these attachments.

    `called`: whom it calls beside those whom it names; `answers`: whom it replies to.
    """
    poll = message.poll
    named = list(dict.fromkeys(message.mentioned_user_ids))
    allowed = named if message.allowed_mentions is None else message.allowed_mentions.user_ids
    body: Body = {
        "type": message.type,
        "content": message.content,
        "media": media[0] if media else None,
        "album": media if len(media) > 1 else None,
        "attached": [one["media_id"] for one in media if "media_id" in one],
        "once": int(message.view_once),
        "location": message.location.model_dump(exclude_none=True) if message.location else None,
        "poll": _poll(poll, at) if poll else None,
        "replyTo": split_message_id(message.reply_to_message_id)[1] if message.reply_to_message_id else None,
        "thread": split_message_id(message.thread_root_id)[1] if message.thread_root_id else None,
        "aside": int(message.thread_root_id is not None and not message.show_in_conversation),
        **_mentioning(named, [one for one in named if one not in allowed], called),
        "everyone": message.mention_everyone,
        "answers": answers if message.mention_everyone else None,
        "words": _terms(message.type, message.content, poll, [*named, *called]) if searchable else [],
        "hiddenFrom": list(hidden_from),
    }
    return {name: value for name, value in body.items() if value or name in {"content", "named"}}


def _mentioning(named: Sequence[str], quiet: Collection[str], called: Sequence[str]) -> Body:
    """How mentions lie in a body: `quiet` are those who are named and not told."""
    told = [one for one in named if one not in quiet]
    mentions = [*told, *(one for one in called if one not in told)]
    return {"mentions": mentions} if mentions == list(named) else {"mentions": mentions, "named": list(named)}


def named_in(body: Body) -> list[str]:
    """Whom a message mentions by name."""
    named: list[str] = body["named"] if "named" in body else body.get("mentions", [])
    return named


def allowed_in(body: Body) -> list[str] | None:
    """Who of them is told so, when it is not all of them."""
    told = [one for one in named_in(body) if one in body.get("mentions", ())]
    return None if len(told) == len(named_in(body)) else told


def _poll(poll: NewPoll, at: datetime) -> Body:
    body: Body = {
        "question": poll.question,
        "options": [{"text": text, "votes": []} for text in poll.options],
        "multiple": poll.multiple,
        "anonymous": poll.anonymous,
    }
    if poll.correct_option is not None:
        body["correct"] = poll.correct_option
    if poll.closes_in is not None:
        body["closesAt"] = body["due"] = at + timedelta(seconds=poll.closes_in)
    return body


def _terms(type_: str, content: str, poll: NewPoll | None, mentions: Sequence[str]) -> list[str]:
    """What the message is found by."""
    texts = [content, *([poll.question, *poll.options] if poll else ())]
    marks = [f":{type_}"] * (type_ in MARKED) + [LINK] * any(map(has_link, texts)) + [MENTION] * bool(mentions)
    return [*words_of(" ".join(texts[:2])), *marks]


def seen_by(body: Body, viewer: str | None) -> Body:
    """The body as this person sees it."""
    veiled = body.get("veiled")
    if veiled and viewer in veiled:
        shown: Body = veiled[viewer]
        return shown
    return body


def changed(body: Body, edit: Edit, *, veil: str | None) -> Body:
    """The body after an edit; with `veil`, one that only this person sees (the result says so in `veil`)."""
    base = {name: value for name, value in body.items() if name not in {"veil", "veiled"}}
    veiled: Mapping[str, Body] = body.get("veiled", {})
    if veil is not None:
        own = edit(_copy(veiled.get(veil, base)))
        return {**base, "veil": veil, "veiled": {**veiled, veil: own}}
    others = {user_id: _tried(edit, own) for user_id, own in veiled.items()}
    result = edit(_copy(base))
    return {**result, "veiled": others} if others else result


def _tried(edit: Edit, own: Body) -> Body:
    """An edit that does not fit what one person sees leaves that as it is."""
    try:
        return edit(_copy(own))
    except (MixeeError, Unchanged):
        return own


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_copy(one) for one in value]
    return value


def edited(body: Body, content: str, mentions: list[str] | None, *, at: datetime, searchable: bool) -> Body:
    """With another text."""
    body.setdefault("original", body["content"])
    body["content"] = content
    if "preview" in body and body["preview"]["url"] != first_link(content):
        del body["preview"]
    if mentions is not None:
        named, told = named_in(body), body.get("mentions", [])
        quiet, called = [one for one in named if one not in told], [one for one in told if one not in named]
        body.pop("named", None)
        body |= _mentioning(list(dict.fromkeys(mentions)), quiet, called)
    if searchable:
        body["words"] = _terms(body["type"], content, None, [*named_in(body), *body.get("mentions", ())])
    return {**body, "edits": body.get("edits", 0) + 1, "editedAt": at, "changedAt": at}


def previewed(body: Body, preview: Body, *, at: datetime) -> Body:
    """With what is behind its link."""
    return {**body, "preview": preview, "changedAt": at}


def tombstone(body: Body, by: str, *, at: datetime) -> Body:
    """What is left of a message that was taken back."""
    kept: Body = {name: body[name] for name in ("type", "hiddenFrom", "goneFor", "aside") if name in body}
    return {**kept, **_out_of(body), "content": "", "deletedAt": at, "deletedBy": by, "changedAt": at}


def faded(body: Body, *, at: datetime) -> Body:
    """What is left of a message whose time was over: who could not see it."""
    kept: Body = {name: body[name] for name in ("hiddenFrom", "goneFor") if name in body}
    return {**kept, **_out_of(body), "deletedAt": at, "deletedBy": "expired"}


def thread_of(body: Body) -> int | None:
    """The place of the message in whose thread this one is, or was before it was taken back."""
    place: int | None = body.get("thread", body.get("wasThread"))
    return place


def _out_of(body: Body) -> Body:
    place = thread_of(body)
    return {} if place is None else {"wasThread": place}


def reacted(body: Body, emoji: str, user_id: str, *, on: bool, at: datetime) -> Body:
    """With the user's emoji put beside it, or taken away."""
    reactions = body.get("reactions", [])
    found = next((one for one in reactions if one["emoji"] == emoji), None)
    if on:
        if found is None:
            found = {"emoji": emoji, "users": []}
            reactions = [*reactions, found]
        found["users"].append(user_id)
    elif found is not None:
        found["users"].remove(user_id)
        reactions = [one for one in reactions if one["users"]]
    return {**body, "reactions": reactions, "changedAt": at}


def reacted_with(body: Body, emojis: Sequence[str], user_id: str, *, at: datetime) -> Body:
    """With these emojis of the user beside it, and no others of his."""
    own = reactions_of(body, user_id)
    for emoji in sorted(own - set(emojis)):
        body = reacted(body, emoji, user_id, on=False, at=at)
    for emoji in emojis:
        if emoji not in own:
            body = reacted(body, emoji, user_id, on=True, at=at)
    return body


def is_closed(poll: Body, at: datetime) -> bool:
    """Whether nobody can vote any more."""
    return "closedAt" in poll or ("closesAt" in poll and poll["closesAt"] <= at)


def poll_closed(body: Body, *, at: datetime) -> Body:
    """With its poll closed."""
    poll = {name: value for name, value in body["poll"].items() if name != "due"}
    return {**body, "poll": {**poll, "closedAt": at}, "changedAt": at}


def gone_for(body: Body, user_id: str) -> Body:
    """Deleted by this user for himself alone."""
    return {**body, "goneFor": [*body.get("goneFor", ()), user_id]}


def voted(body: Body, options: list[int], user_id: str, *, at: datetime) -> Body:
    """With the user's vote on these options in place of the one before."""
    for place, option in enumerate(body["poll"]["options"]):
        without = [one for one in option["votes"] if one != user_id]
        option["votes"] = [*without, user_id] if place in options else without
    return {**body, "changedAt": at}


def reactions_of(body: Body, user_id: str) -> set[str]:
    """The emojis that the user has put beside the message."""
    return {one["emoji"] for one in body.get("reactions", ()) if user_id in one["users"]}


def votes_of(body: Body, user_id: str) -> list[int]:
    """The options that the user has voted for."""
    options = body.get("poll", {}).get("options", ())
    return [place for place, option in enumerate(options) if user_id in option["votes"]]
