"""What a letter says of notices, in English."""

from collections.abc import Mapping, Sequence

from handlers.notices.models import Kept, Kind
from handlers.users.models import UserCard

_SAYS: Mapping[Kind, tuple[str, str]] = {
    "friend_request": ("asks to be friends", "ask to be friends"),
    "friend_accepted": ("is your friend now", "are your friends now"),
    "group_added": ("added you to the group", "added you to the group"),
    "contact_found": ("of your contacts is here now", "of your contacts are here now"),
}
"""What one person did, and what several did."""


def line(notice: Kept, cards: Mapping[str, UserCard]) -> str:
    """One notice in one line."""
    if notice.kind == "sign_in":
        times = "" if notice.count == 1 else f", {notice.count} times"
        device = notice.subject.name or "a device"
        place = f" from {notice.subject.place}" if notice.subject.place else ""
        return f"Your account was signed in on {device}{place}{times}. If that was not you, set a new password."
    known = [cards[one].display_name for one in notice.actors if one in cards] or ["Somebody"]
    more = notice.count - len(known)
    names = [*known, f"{more} more"] if more > 0 and notice.kind != "group_added" else known
    who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    said = _SAYS[notice.kind][len(names) > 1]
    return f"{who} {said} “{notice.subject.name}”." if notice.subject.name else f"{who} {said}."


def subject(notices: Sequence[Kept], total: int) -> str:
    """The subject of a letter."""
    if any(one.kind == "sign_in" for one in notices):
        return "A sign-in to your account"
    return "1 thing happened on Mixee" if total == 1 else f"{total} things happened on Mixee"


def title(notice: Kept) -> str:
    """The title of a notification."""
    return "A sign-in to your account" if notice.kind == "sign_in" else "Mixee"


def text(notices: Sequence[Kept], total: int, cards: Mapping[str, UserCard]) -> str:
    """The body of a letter."""
    lines = [f"- {line(one, cards)}" for one in notices]
    if total > len(notices):
        lines.append(f"- and {total - len(notices)} more.")
    return "\n".join([*lines, "", "How and when you are told is set in the app, under notices.", ""])
