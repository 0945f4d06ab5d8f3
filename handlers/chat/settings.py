"""What an operator may set about the chat."""

from pydantic import BaseModel, Field


class ChatSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_CHAT_`."""

    max_members: int = Field(500, ge=2, le=1024, description="Members that a group may have.")
