"""What the chat asks about people: who may be brought into a conversation, and who has blocked whom."""

from collections.abc import Collection, Iterator, Sequence

from handlers.chat.service.blocks import Block, Blocks
from handlers.chat.service.errors import CannotReach
from handlers.social.service import Social
from handlers.users.service import Users
from server.errors import Forbidden

AT_ONCE = 1_000
"""People in one question to the users slice."""


class People:
    """Asks the users and the social slice."""

    def __init__(self, users: Users, social: Social) -> None:
        self._users = users
        self._social = social
        self._blocks = Blocks(social)

    async def must_reach(self, user_id: str, others: Collection[str], *, field: str) -> set[str]:
        """Those of the others who are friends of the person.

        Raises CannotReach, which names the input field, unless the person may write to all others.
        """
        reachable, friends = await self._reachable(user_id, others)
        refused = [one for one in others if one not in reachable]
        if refused:
            raise CannotReach(
                "These people cannot be added: " + ", ".join(refused[:20]) + ".",
                details=[{"field": field, "message": f"{one} cannot be added"} for one in refused[:20]],
            )
        return friends

    async def welcomes_strangers(self, user_id: str) -> bool:
        """Whether people may write to the person who are no friends."""
        privacy = (await self._users.privacy_of([user_id])).get(user_id)
        return privacy is not None and privacy.contact_preference == "everyone"

    async def friends(self, user_id: str, other: str) -> bool:
        """Whether the two are friends."""
        return bool(await self._social.friends_among(user_id, [other]))

    async def block(self, user_id: str, peer: str) -> Block:
        """What stands between the person and his peer."""
        return await self._blocks.between(user_id, peer)

    async def open_block(self, user_id: str, peer: str) -> bool:
        """Whether the peer blocks the person, which he must not notice. Raises Forbidden when it is he who blocks."""
        block = await self.block(user_id, peer)
        if block.by_me:
            raise Forbidden("You have blocked this person: unblock first.")
        return block.by_peer

    async def hidden_from(self, user_id: str, others: Collection[str]) -> set[str]:
        """Those of the others from whom the person hides when he is online."""
        return await self._social.hidden_from(user_id, others)

    async def private(self, user_ids: Collection[str]) -> set[str]:
        """Those of the people who let nobody see how far they have read, and so see it of nobody."""
        found: set[str] = set()
        for some in _parts(sorted(user_ids)):
            privacy = await self._users.privacy_of(some)
            found |= {one for one, settings in privacy.items() if not settings.read_receipts}
        return found

    async def blocked_by(self, user_id: str) -> list[str]:
        """Everybody whom the person blocks."""
        return await self._social.blocks.blocked_by(user_id)

    async def _reachable(self, user_id: str, others: Collection[str]) -> tuple[set[str], set[str]]:
        found: set[str] = set()
        befriended: set[str] = set()
        for some in _parts(sorted(others)):
            privacy = await self._users.privacy_of(some)
            blocked = await self._social.blocked_among(user_id, some)
            friends = await self._social.friends_among(user_id, some)
            befriended |= friends
            found |= {
                one
                for one, settings in privacy.items()
                if one not in blocked
                and (
                    settings.contact_preference == "everyone"
                    or (settings.contact_preference == "friends" and one in friends)
                )
            }
        return found, befriended


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
