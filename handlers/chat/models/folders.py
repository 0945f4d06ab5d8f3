"""Folders: how somebody sorts his conversations, for himself alone."""

from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.chat.models.values import Emoji
from server.models import Id, Input, Output, Text, Wire

FolderName = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
FolderContent = Annotated[list[Id], Field(max_length=200)]
MOST_FOLDERS = 100
"""No setting raises the folders of a person above this."""


class FolderRules(Wire):
    """Which conversations are in a folder beside those that it names."""

    groups: bool = False
    """All groups."""
    direct: bool = False
    """All direct conversations."""
    unread: bool = False
    """Of these only the ones with something unread; alone: everything unread."""
    unmuted: bool = False
    """Of these only the ones that are not muted; alone: everything that is not."""


class NewFolder(Input):
    """A folder of one's conversations."""

    name: FolderName
    emoji: Emoji | None = None
    conversation_ids: FolderContent = Field(default_factory=list)
    """Conversations that are in it whatever the rules say."""
    rules: FolderRules = FolderRules()


class OneFolder(Input):
    """A folder by its id."""

    folder_id: Id


class ChangedFolder(OneFolder):
    """What changes of a folder; left out is left as it is, null takes the emoji away."""

    name: FolderName | None = None
    emoji: Emoji | None = None
    conversation_ids: FolderContent | None = None
    rules: FolderRules | None = None


class FolderOrder(Input):
    """All folders of the one who asks, in the order that he wants."""

    folder_ids: Annotated[list[Id], Field(max_length=MOST_FOLDERS)]


class Folder(Output):
    """A folder."""

    id: Id
    name: str
    emoji: str | None
    conversation_ids: list[Id]
    rules: FolderRules


class Folders(Output):
    """All folders of somebody, in his order. A lower `version` is older news."""

    folders: list[Folder]
    version: int
