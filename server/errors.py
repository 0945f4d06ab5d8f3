"""The one family of errors, and the one function that turns any of them into the answer that both doors give.

    MixeeError
      Unauthenticated 401   who are you?
      Forbidden 403         you may not
      NotFound 404          there is no such thing, or none that you may see
      Conflict 409          it is in another state than you think
      Gone 410              it was there once
      Invalid 422           what you sent does not fit (400 when it cannot even be read, 408 too slow, 413 too large,
                            416 out of range)
      RateLimited 429       later
      Unavailable 503       we cannot now

A slice subclasses these at the top of its `service.py` with a code of its own (`social.already_friends`).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

log = logging.getLogger("mixee.errors")


class MixeeError(Exception):
    """Something a client is told. The class gives status and code, the message says what to do about it."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        details: Sequence[dict[str, str]] | None = None,
        retry_after_ms: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """`data` is what the client needs to go on from here."""
        super().__init__(message)
        self.message = message
        self.data = data
        self.details = details
        self.retry_after_ms = retry_after_ms


class Unauthenticated(MixeeError):
    """There is no valid proof of who is asking."""

    status = 401
    code = "unauthenticated"


class Forbidden(MixeeError):
    """The one who asks may not do this."""

    status = 403
    code = "forbidden"


class StepUpNeeded(Forbidden):
    """This needs a fresh proof of who is asking: `POST /api/auth/step-up` first, then the same again."""

    code = "auth.step_up_needed"

    def __init__(self) -> None:
        super().__init__("Prove that it is you (POST /api/auth/step-up), then ask again.")


class NotFound(MixeeError):
    """There is no such thing, or none that the one who asks may see."""

    status = 404
    code = "not_found"


class Conflict(MixeeError):
    """The thing is in another state than the request needs."""

    status = 409
    code = "conflict"


class Gone(MixeeError):
    """The thing was there and is no more."""

    status = 410
    code = "gone"


class Invalid(MixeeError):
    """What was sent can be read but does not fit; `details` names each field."""

    status = 422
    code = "bad_request"


class Unreadable(Invalid):
    """What was sent cannot be read at all (not JSON, not an object)."""

    status = 400


class NotAllowed(Invalid):
    """The address exists, but not for this HTTP method."""

    status = 405
    code = "method_not_allowed"


class Unsupported(Invalid):
    """The body is of a media type that this address does not take."""

    status = 415
    code = "unsupported_media_type"


class TooLarge(Invalid):
    """What was sent is larger than the server takes."""

    status = 413
    code = "too_large"


class TooSlow(Invalid):
    """What was sent did not come in time."""

    status = 408
    code = "too_slow"


class OutOfRange(Invalid):
    """The bytes that were asked for begin behind the end."""

    status = 416
    code = "out_of_range"


class RateLimited(MixeeError):
    """Too many of these; `retryAfterMs` says when the next is welcome."""

    status = 429
    code = "rate_limited"

    def __init__(
        self, message: str, *, retry_after_ms: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """`headers` say over HTTP how the limit stands."""
        super().__init__(message, retry_after_ms=retry_after_ms)
        self.headers = dict(headers or {})


class Unavailable(MixeeError):
    """The server cannot do this now; trying again later is right."""

    status = 503
    code = "unavailable"


class Overloaded(Unavailable):
    """The server has more to do than it can hold."""

    code = "overloaded"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the client sees it: `error` of a socket answer, the body of an HTTP answer (RFC 9457)."""

    status: int
    code: str
    message: str
    details: Sequence[dict[str, str]] | None = None
    retry_after_ms: int | None = None
    data: Mapping[str, Any] | None = None

    def error(self) -> dict[str, Any]:
        """The object that both doors share."""
        shared: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            shared["details"] = list(self.details)
        if self.retry_after_ms is not None:
            shared["retryAfterMs"] = self.retry_after_ms
        if self.data:
            shared["data"] = dict(self.data)
        return shared

    def document(self) -> dict[str, Any]:
        """The object as `application/problem+json`."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            **self.error(),
        }


def problem(error: BaseException, *, where: str) -> Problem:
    """Turn any error into what the client is told; what is not ours is logged with its stack and told as `internal`."""
    if isinstance(error, MixeeError):
        return Problem(error.status, error.code, error.message, error.details, error.retry_after_ms, error.data)
    log.error("%s failed", where, exc_info=error)
    return Problem(500, "internal", "Something went wrong on our side. It has been logged.")
