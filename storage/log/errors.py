"""What can go wrong with the log, in the words of storage; the server maps these to its own errors."""


class LogError(Exception):
    """Any refusal of the log."""


class Overloaded(LogError):
    """Too much waits to be written already. Nothing was written; come back in `retry_after_ms` milliseconds."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(f"too many entries wait to be written, try again in {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms


class Unavailable(LogError):
    """The database did not answer in time, or the log is closed.

    The outcome is unknown: the entry may be in the log or may appear yet. Retry with the same `op`, on any node: it is
    written at most once.
    """


class NotThere(LogError):
    """The entry that was to be changed does not exist, or has expired. Nothing was written."""


class Refused(LogError):
    """The database will never take this draft. Nothing of it was written.

    `conflict` says that one of its effects met a unique index.
    """

    def __init__(self, message: str, *, conflict: bool = False) -> None:
        super().__init__(message)
        self.conflict = conflict
