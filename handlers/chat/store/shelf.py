"""The collections behind what may become of a message, in one hand."""

from collections.abc import Callable
from dataclasses import dataclass

from handlers.chat.store.carriers import CarrierStore
from handlers.chat.store.drafts import DRAFTS, DraftStore
from handlers.chat.store.editions import EditionStore
from handlers.chat.store.folders import FOLDERS, FolderStore
from handlers.chat.store.pins import PINS, PinStore
from handlers.chat.store.previews import PREVIEWS, PreviewStore
from handlers.chat.store.scheduled import SCHEDULED, ScheduledStore
from handlers.chat.store.stars import STARS, StarStore
from handlers.chat.store.threads import FOLLOWS, ThreadStore
from handlers.chat.store.timers import TimerStore
from storage.log import COLLECTION
from storage.mongo import Collection


@dataclass(frozen=True, slots=True)
class Shelf:
    """Their stores."""

    carriers: CarrierStore
    editions: EditionStore
    pins: PinStore
    previews: PreviewStore
    scheduled: ScheduledStore
    folders: FolderStore
    timers: TimerStore
    stars: StarStore
    drafts: DraftStore
    threads: ThreadStore

    async def forget_own(self, user_id: str) -> None:
        """Drop what a person who is gone has kept for himself: stars, drafts, and which threads he followed."""
        await self.stars.forget(user_id)
        await self.drafts.forget(user_id)
        await self.threads.forget(user_id)


def shelf_of(collection: Callable[[str], Collection]) -> Shelf:
    """The stores over the collections of these names."""
    return Shelf(
        carriers=CarrierStore(collection(COLLECTION)),
        editions=EditionStore(collection(COLLECTION)),
        pins=PinStore(collection(PINS)),
        previews=PreviewStore(collection(PREVIEWS)),
        scheduled=ScheduledStore(collection(SCHEDULED)),
        folders=FolderStore(collection(FOLDERS)),
        timers=TimerStore(collection(COLLECTION)),
        stars=StarStore(collection(STARS)),
        drafts=DraftStore(collection(DRAFTS)),
        threads=ThreadStore(collection(COLLECTION), collection(FOLLOWS)),
    )
