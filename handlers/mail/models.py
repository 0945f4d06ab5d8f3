"""What is sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Channel = Literal["email", "sms"]


class Refused(OSError):
    """The mail server will never take this letter: there is no such mailbox, or it is none of its business."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail or one text message."""

    id: str
    channel: Channel
    to: str
    subject: str
    text: str
    at: datetime
