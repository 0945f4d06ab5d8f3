"""What this slice refuses, and in which words."""

from collections.abc import Iterable

from crypto.directory import Mismatch
from server.errors import Conflict, Gone, TooLarge

MOST_NAMED = 200
"""People whose devices one refusal names."""

Wrong = Iterable[tuple[str, Mismatch]]


class DevicesDiffer(Conflict):
    """There are other devices than those that are named; nothing was sent.

    `data` has `recipients`: of each `userId` the `missingDevices` and `extraDevices`.
    """

    code = "envelopes.devices_differ"

    def __init__(self, wrong: Wrong) -> None:
        named = [
            {"userId": user_id, "missingDevices": list(one.missing), "extraDevices": list(one.extra)}
            for user_id, one in wrong
            if one.missing or one.extra
        ]
        super().__init__(
            "There are other devices: begin sessions with the missing ones, end those with the extra ones, send again.",
            data={"recipients": named[:MOST_NAMED]},
        )


class DevicesStale(Gone):
    """Devices were set up anew; nothing was sent. `data` has `recipients`: of each `userId` the `staleDevices`."""

    code = "envelopes.devices_stale"

    def __init__(self, wrong: Wrong) -> None:
        named = [{"userId": user_id, "staleDevices": list(one.stale)} for user_id, one in wrong if one.stale]
        super().__init__(
            "Devices were set up anew: begin sessions with them from fresh keys, and send again.",
            data={"recipients": named[:MOST_NAMED]},
        )


class CiphertextTooLarge(TooLarge):
    """A ciphertext is larger than the server carries."""

    code = "envelopes.too_large"


ERRORS = (DevicesDiffer, DevicesStale, CiphertextTooLarge)
