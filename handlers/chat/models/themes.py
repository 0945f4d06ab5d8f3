"""How a conversation looks to all its members."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from handlers.chat.models.values import Emoji
from server.models import Wire


class Theme(Wire):
    """A colour, one of the clients' backgrounds by its name, and the emoji that is offered first. At least one."""

    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$"), Field(examples=["#1e88e5"])] | None = None
    background: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$"), Field(examples=["dunes"])] | None = None
    emoji: Emoji | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.color is None and self.background is None and self.emoji is None:
            raise ValueError("must have a color, a background or an emoji; null takes the theme away")
        return self
