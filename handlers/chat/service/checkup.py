"""`sync:check`: whether a client is where it believes to be, and an end to every repair."""

from collections import OrderedDict

from handlers.chat.models.reading import MAX_OPEN, Check, Checked
from handlers.chat.store import MemberStore
from server.actors import Actor
from storage.log import Log

REPAIRS = 2
"""How often a client is sent to `sync` from the same place, before it is to take a snapshot."""
MAX_DEVICES = 10_000
"""Devices whose last repairs are remembered: those who repair, which are few."""

Device = tuple[str, str]


class Checkup:
    """Compares places with the log. It reads two indexes, and remembers only what is being repaired."""

    def __init__(self, *, log: Log, members: MemberStore) -> None:
        self._log = log
        self._members = members
        self._repairs: OrderedDict[Device, dict[str, tuple[int, int]]] = OrderedDict()
        """Of the devices that repair something: from which place, and how often they were told so."""

    async def of(self, actor: Actor, wanted: Check) -> Checked:
        """What is wrong with these places. A repair that does not help is not asked for without end."""
        places = wanted.conversations
        mine = await self._members.of_user_among(actor.user_id, places)
        heads = await self._log.heads(sorted(mine))
        known = self._repairs.pop((actor.user_id, actor.device_id), {})
        repairs = {one: repair for one, repair in known.items() if one not in heads or places[one] != heads[one]}
        behind: list[str] = []
        snapshot: dict[str, int] = {}
        for one in sorted(mine):
            place, head = places[one], heads[one]
            if place == head:
                continue
            was, before = repairs.get(one, (place, 0))
            times = before + 1 if was == place else 1
            if place > head:
                times = max(times, REPAIRS + 1)  # nothing that `sync` has would help
            if times <= REPAIRS:
                behind.append(one)
            elif times == REPAIRS + 1:
                snapshot[one] = head
            repairs[one] = place, min(times, REPAIRS + 2)
        self._remember((actor.user_id, actor.device_id), repairs)
        return Checked(behind=behind, snapshot=snapshot, left=sorted(places.keys() - mine.keys()))

    def _remember(self, device: Device, repairs: dict[str, tuple[int, int]]) -> None:
        if not repairs:
            return
        self._repairs[device] = dict(list(repairs.items())[-MAX_OPEN:])
        if len(self._repairs) > MAX_DEVICES:
            self._repairs.popitem(last=False)
