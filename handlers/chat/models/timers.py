"""Timers of conversations: messages that disappear by themselves."""

from typing import Annotated

from pydantic import ConfigDict, Field

from handlers.chat.models.values import TimerMode
from server.models import Id, Input, Output

PRESETS = (86_400, 7 * 86_400, 90 * 86_400)
"""A day, a week, 90 days: always allowed, in seconds."""


class ChangedTimer(Input):
    """When messages disappear that are sent from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"conversationId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e", "seconds": 604800, "mode": "after_send"}
            ]
        }
    )

    conversation_id: Id
    seconds: Annotated[int, Field(ge=0, le=PRESETS[-1])]
    """0: they stay. Else 86400 (a day), 604800 (a week), 7776000 (90 days), or 30 to 2419200 (4 weeks)."""
    mode: TimerMode = "after_send"
    """`after_read`, for direct conversations: the reader's time begins with reading, the sender's with sending."""


class Timer(Output):
    """A conversation's timer."""

    seconds: int
    mode: TimerMode
