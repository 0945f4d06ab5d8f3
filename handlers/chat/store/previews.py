"""What was behind links when somebody looked, for a while."""

import hashlib
from dataclasses import asdict
from datetime import datetime

from handlers.chat.pages import Page
from storage.mongo import ASCENDING, Collection, Document, IndexModel

PREVIEWS = "link_previews"

PREVIEW_INDEXES = (IndexModel([("until", ASCENDING)], name="until", expireAfterSeconds=0),)


class PreviewStore:
    """Remembers pages by their addresses."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def get(self, url: str, now: datetime) -> tuple[bool, Page | None]:
        """Whether somebody has looked there lately, and the page, if there was one."""
        found = await self._collection.find_one({"_id": _key(url)})
        if found is None or found["until"] <= now:
            return False, None
        return True, Page(**found["page"]) if found["page"] else None

    async def put(self, url: str, page: Page | None, until: datetime) -> None:
        """Remember what was there; None that there was nothing."""
        fresh: Document = {"page": asdict(page) if page else None, "until": until}
        await self._collection.update_one({"_id": _key(url)}, {"$set": fresh}, upsert=True)


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
