"""The folders of each person, all in one document with a version."""

from collections.abc import Sequence

from handlers.chat.models.folders import Folder, Folders
from storage.mongo import Collection, DuplicateKeyError

FOLDERS = "chat_folders"


class FolderStore:
    """Who has which folders."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def of(self, user_id: str) -> Folders:
        """The folders of a person; version 0 when he never had one."""
        document = await self._collection.find_one({"_id": user_id})
        if document is None:
            return Folders(folders=[], version=0)
        return Folders(folders=[Folder.model_validate(one) for one in document["folders"]], version=document["version"])

    async def put(self, user_id: str, folders: Sequence[Folder], *, after: int) -> bool:
        """Write the folders as the version that follows `after`. False when that is no longer the last one."""
        document = {"folders": [one.model_dump(mode="json", by_alias=True) for one in folders], "version": after + 1}
        if after:
            return await self._collection.update_one({"_id": user_id, "version": after}, {"$set": document})
        try:
            await self._collection.insert({"_id": user_id, "userId": user_id, **document})
        except DuplicateKeyError:
            return False
        return True

    async def forget(self, user_id: str) -> None:
        """A person is gone."""
        await self._collection.delete_one({"_id": user_id})
