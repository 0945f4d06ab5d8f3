"""What the chat refuses, beside the errors that all slices share."""

from server.errors import Conflict, Forbidden, NotFound, RateLimited


class CannotReach(Forbidden):
    """Somebody cannot be brought into a conversation. Why (not there, blocked, not wanted) is nobody's business."""

    code = "chat.cannot_reach"


class GroupFull(Conflict):
    """The group would have more members than it may."""

    code = "chat.group_full"


class WindowClosed(Forbidden):
    """It is too late to change this message."""

    code = "expired_window"


class EditLimit(Conflict):
    """The message was changed as often as it may be."""

    code = "chat.edit_limit"


class ReactionLimit(Conflict):
    """There is no room for another reaction."""

    code = "chat.reaction_limit"


class NotAPoll(Conflict):
    """There is nothing to vote on in this message."""

    code = "chat.not_a_poll"


class PollClosed(Conflict):
    """Nobody can vote in this poll any more."""

    code = "chat.poll_closed"


class PinLimit(Conflict):
    """The conversation has as many pinned messages as it may."""

    code = "chat.pin_limit"


class Restricted(Forbidden):
    """The group's admins do not let this member do this."""

    code = "chat.restricted"


class Screened(Forbidden):
    """The group's rules do not let this be said; the message and `details` say what is wrong with it."""

    code = "chat.screened"


class Held(Conflict):
    """The group's rules let an admin decide: the message waits, and is sent once when he approves of it."""

    code = "chat.held"


class SlowDown(RateLimited):
    """The group is in slow mode, and this member has just written."""

    code = "chat.slow_mode"


class CalledAlready(RateLimited):
    """Everybody in this group was called a short while ago."""

    code = "chat.called_already"


class RequestPending(Forbidden):
    """The other one has not accepted the conversation yet: until then there is one short text, and nothing else."""

    code = "request_pending"


class NoRequest(NotFound):
    """There is no request of a stranger that the one who asks could answer."""

    code = "chat.no_request"


class ScheduleLimit(Conflict):
    """As many messages wait here to be sent later as may."""

    code = "chat.schedule_limit"


class AlreadySent(Conflict):
    """The message that was to be sent later is being sent, or has been."""

    code = "chat.already_sent"


class ForwardLimit(Conflict):
    """The message cannot be forwarded to so many conversations at once."""

    code = "chat.forward_limit"


class Encrypted(Conflict):
    """The conversation is encrypted, and this would tell the server what is said in it."""

    code = "chat.encrypted"


class NotEncrypted(Conflict):
    """The conversation is not encrypted: what is said there is sent as it is."""

    code = "chat.not_encrypted"


class EpochPassed(Conflict):
    """The members or settings of the group have changed: `data` has the `membershipEpoch` by now.

    Whoever finds that somebody has left begins a new distribution before he sends again.
    """

    code = "chat.membership_epoch"


class FolderLimit(Conflict):
    """The person has as many folders as may be."""

    code = "chat.folder_limit"


class StarLimit(Conflict):
    """The person has starred as many messages as he may."""

    code = "chat.star_limit"


class NotOnce(Conflict):
    """The message is none that is looked at once."""

    code = "chat.not_once"


class FollowLimit(Conflict):
    """The person follows as many threads as he may."""

    code = "chat.follow_limit"


class DraftLimit(Conflict):
    """The person has as many drafts as he may."""

    code = "chat.draft_limit"


ERRORS = (
    CannotReach,
    GroupFull,
    WindowClosed,
    EditLimit,
    ReactionLimit,
    NotAPoll,
    PollClosed,
    PinLimit,
    Restricted,
    Screened,
    Held,
    SlowDown,
    CalledAlready,
    RequestPending,
    NoRequest,
    ScheduleLimit,
    AlreadySent,
    ForwardLimit,
    StarLimit,
    FollowLimit,
    NotOnce,
    DraftLimit,
    FolderLimit,
    Encrypted,
    NotEncrypted,
    EpochPassed,
)
