"""Large groups: how many members are here, instead of who."""

from collections.abc import Collection, Sequence

from handlers.presence.events import PresenceCount
from handlers.presence.models import OnlineCount
from handlers.presence.service.telling import Teller, in_milliseconds
from handlers.presence.store import LiveStore, RecordStore, Unreachable, WatchStore
from handlers.users.service import Users
from server.events import Passing, Publisher

AT_ONCE = 1_000
"""People whose settings one question names."""


class Counter:
    """Counts a group for all nodes at most once in a while, and tells its members when the number is another."""

    def __init__(
        self,
        *,
        live: LiveStore,
        watches: WatchStore,
        records: RecordStore,
        users: Users,
        teller: Teller,
        publish: Publisher,
        seconds: float,
    ) -> None:
        self._live = live
        self._watches = watches
        self._records = records
        self._users = users
        self._teller = teller
        self._publish = publish
        self._holds = in_milliseconds(seconds)

    async def online(self, conversation_id: str, members: Collection[str]) -> OnlineCount | None:
        """How many members are here; None while Redis cannot be reached.

        Whoever asks when the last count is too old counts, and tells those members who are here if it changed.
        """
        try:
            due, count = await self._watches.count_due(conversation_id, now=self._teller.now_ms(), holds=self._holds)
            if not due and count is not None:
                return OnlineCount(conversation_id=conversation_id, online_count=count)
            here = await self._live.here(sorted(members))
            now = OnlineCount(conversation_id=conversation_id, online_count=len(await self._shown(here)))
            if await self._watches.counted(conversation_id, now.online_count) and due and here:
                await self._publish(PresenceCount(now, to=Passing(here)))
        except Unreachable:
            return None
        return now

    async def _shown(self, here: Sequence[str]) -> list[str]:
        """Those who do not hide."""
        shown: list[str] = []
        for start in range(0, len(here), AT_ONCE):
            some = here[start : start + AT_ONCE]
            records = await self._records.of(some)
            privacy = await self._users.privacy_of(some)
            shown += [
                one
                for one in some
                if records[one].choice != "invisible" and one in privacy and privacy[one].show_online_status
            ]
        return shown
