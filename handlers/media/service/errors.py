"""What the slice refuses, and what to do about it."""

from server.errors import Conflict, Forbidden, Gone, Invalid, NotFound, RateLimited, TooLarge


class NoMedia(NotFound):
    """There is no such medium, or none that you may see."""

    code = "media.not_found"


class NoThumbnail(NotFound):
    """Only pictures have a thumbnail."""

    code = "media.no_thumbnail"


class TooBig(TooLarge):
    """The upload is larger than its kind may be."""

    code = "media.too_big"


class TooManyOpen(Conflict):
    """Too many uploads are unfinished: finish or delete some."""

    code = "media.too_many_open"


class UsedUp(RateLimited):
    """No more bytes today: `retryAfterMs` says when the next day begins."""

    code = "media.used_up"


class WrongOffset(Conflict):
    """The part does not begin where the upload ends: ask for its `offset` and go on there."""

    code = "media.wrong_offset"


class BadPart(Invalid):
    """The part is empty, too small, goes beyond the announced size, or is not what its checksum says."""

    code = "media.bad_part"


class Incomplete(Conflict):
    """Bytes are missing: send the rest, from `offset` on."""

    code = "media.incomplete"


class NotReady(Conflict):
    """The upload is not finished."""

    code = "media.not_ready"


class Finished(Conflict):
    """The upload is finished: nothing can be added."""

    code = "media.finished"


class Refused(Invalid):
    """The bytes are not what was announced, damaged, or larger than allowed inside. The upload was thrown away."""

    code = "media.refused"


class WrongKind(Invalid):
    """The medium is not of the kind that it was to be sent as."""

    code = "media.wrong_kind"


class BadLink(Forbidden):
    """The address was not made here, or was changed."""

    code = "media.bad_link"


class OldLink(Gone):
    """The address does not work any more: ask for a new one."""

    code = "media.old_link"


class TooManyPlaces(Conflict):
    """The medium is seen through as many places as one may be: upload it anew."""

    code = "media.too_many_places"


ERRORS = (
    NoMedia,
    NoThumbnail,
    TooBig,
    TooManyOpen,
    UsedUp,
    WrongOffset,
    BadPart,
    Incomplete,
    NotReady,
    Finished,
    Refused,
    WrongKind,
    BadLink,
    OldLink,
    TooManyPlaces,
)
