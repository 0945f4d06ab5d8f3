"""Folders: each person's own, the same on all his devices."""

from collections.abc import Callable

from crypto.ids import new_id
from handlers.chat.events import FoldersChanged
from handlers.chat.models.folders import ChangedFolder, Folder, FolderOrder, Folders, NewFolder, OneFolder
from handlers.chat.models.records import MemberRecord
from handlers.chat.models.values import ConversationType
from handlers.chat.service.checks import refuse, wire_name
from handlers.chat.service.errors import FolderLimit
from handlers.chat.settings import ChatSettings
from handlers.chat.store import MemberStore
from handlers.chat.store.folders import FolderStore
from server.actors import Actor
from server.errors import NotFound, Unavailable
from server.events import Publisher, Users

ATTEMPTS = 5
"""At a change while another device changes the folders too."""

Edit = Callable[[list[Folder]], list[Folder]]


class FolderShelf:
    """Keeps everybody's folders."""

    def __init__(self, *, store: FolderStore, members: MemberStore, publish: Publisher, settings: ChatSettings) -> None:
        self._store = store
        self._members = members
        self._publish = publish
        self._most = settings.max_folders

    async def all_of(self, actor: Actor) -> Folders:
        """All folders of the one who asks."""
        return await self._store.of(actor.user_id)

    async def get(self, actor: Actor, folder_id: str) -> Folder:
        """One of them. Raises NotFound."""
        return _one((await self.all_of(actor)).folders, folder_id)

    async def create(self, actor: Actor, new: NewFolder) -> Folders:
        """Add one after the others. Raises FolderLimit, Invalid."""
        ids = await self._mine(actor, new.conversation_ids)
        folder = Folder(id=new_id(), name=new.name, emoji=new.emoji, conversation_ids=ids, rules=new.rules)

        def edit(folders: list[Folder]) -> list[Folder]:
            if len(folders) >= self._most:
                raise FolderLimit(f"You can have {self._most} folders: delete one first.")
            return [*folders, folder]

        return await self._change(actor, edit)

    async def change(self, actor: Actor, wanted: ChangedFolder) -> Folders:
        """Change one. Raises NotFound, Invalid."""
        given = {name: getattr(wanted, name) for name in wanted.model_fields_set if name != "folder_id"}
        for name, value in given.items():
            if value is None and name != "emoji":
                refuse(wire_name(ChangedFolder, name), "cannot be cleared")
        if wanted.conversation_ids is not None:
            given["conversation_ids"] = await self._mine(actor, wanted.conversation_ids)

        def edit(folders: list[Folder]) -> list[Folder]:
            known = _one(folders, wanted.folder_id)
            return [one.model_copy(update=given) if one is known else one for one in folders]

        return await self._change(actor, edit)

    async def delete(self, actor: Actor, wanted: OneFolder) -> Folders:
        """Delete one; the conversations in it stay. Raises NotFound."""

        def edit(folders: list[Folder]) -> list[Folder]:
            known = _one(folders, wanted.folder_id)
            return [one for one in folders if one is not known]

        return await self._change(actor, edit)

    async def order(self, actor: Actor, wanted: FolderOrder) -> Folders:
        """Put them in another order. Raises Invalid unless each is named once."""

        def edit(folders: list[Folder]) -> list[Folder]:
            known = {one.id: one for one in folders}
            if sorted(known) != sorted(wanted.folder_ids):
                refuse("folderIds", "must name each of your folders once")
            return [known[one] for one in wanted.folder_ids]

        return await self._change(actor, edit)

    async def forget(self, user_id: str) -> None:
        """A person is gone."""
        await self._store.forget(user_id)

    async def _mine(self, actor: Actor, ids: list[str]) -> list[str]:
        """These conversations, each once. Raises Invalid unless the person is a member of all of them."""
        wanted = list(dict.fromkeys(ids))
        mine = await self._members.of_user_among(actor.user_id, wanted)
        if any(one not in mine for one in wanted):
            refuse("conversationIds", "must be conversations of yours")
        return wanted

    async def _change(self, actor: Actor, edit: Edit) -> Folders:
        for _ in range(ATTEMPTS):
            before = await self._store.of(actor.user_id)
            after = edit(before.folders)
            if after == before.folders:
                return before
            if await self._store.put(actor.user_id, after, after=before.version):
                folders = Folders(folders=after, version=before.version + 1)
                await self._publish(FoldersChanged(folders, to=Users([actor.user_id])))
                return folders
        raise Unavailable("Another of your devices changes the folders: try again.", retry_after_ms=500)


def is_in(folder: Folder, type_: ConversationType, member: MemberRecord, *, unread: bool, muted: bool) -> bool:
    """Whether a conversation of this type is in the folder of the member."""
    if member.conversation_id in folder.conversation_ids:
        return True
    rules = folder.rules
    if not (rules.groups or rules.direct or rules.unread or rules.unmuted):
        return False
    both = not (rules.groups or rules.direct)
    fits = both or (rules.direct if type_ == "direct" else rules.groups)
    return fits and (unread or not rules.unread) and not (muted and rules.unmuted)


def _one(folders: list[Folder], folder_id: str) -> Folder:
    found = next((one for one in folders if one.id == folder_id), None)
    if found is None:
        raise NotFound("There is no such folder.")
    return found
