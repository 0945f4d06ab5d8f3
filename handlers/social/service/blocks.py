"""Blocks: put up, taken down and listed by the one who blocks; the other never hears of them."""

from handlers.social.events import UserBlocked, UserUnblocked
from handlers.social.models import BlockedUser, BlockPage, ListBlocks, NewBlock, Pair, UserBlock
from handlers.social.service.errors import NoSuchPerson, NotBlocked, TooManyBlocks, Yourself
from handlers.social.service.friends import Friends
from handlers.social.settings import SocialSettings
from handlers.social.store import BlockStore, PairStore
from handlers.users.service import Users as People
from server.clock import Clock
from server.errors import Unavailable
from server.events import Publisher, Users


class Blocks:
    """A block ends everything between two people and makes each vanish for the other, until it is taken down."""

    def __init__(
        self,
        *,
        pairs: PairStore,
        register: BlockStore,
        friends: Friends,
        users: People,
        clock: Clock,
        publish: Publisher,
        settings: SocialSettings,
    ) -> None:
        self._pairs = pairs
        self._register = register
        self._friends = friends
        self._users = users
        self._clock = clock
        self._publish = publish
        self._settings = settings

    async def block(self, me: str, body: NewBlock) -> UserBlock:
        """Block somebody; blocking twice returns the first block.

        A friendship or a request ends. To the other it looks as if it had been removed, withdrawn or left unanswered.
        Raises Yourself, NoSuchPerson and TooManyBlocks.
        """
        other = body.user_id
        if other == me:
            raise Yourself("You cannot block yourself.")
        if other not in await self._users.existing([other]):
            raise NoSuchPerson
        most = self._settings.max_blocks
        if await self._register.count(me, upto=most) >= most:
            raise TooManyBlocks(f"You have blocked {most:,} people, and more are not possible.")
        now = self._clock.now()
        await self._pairs.ensure(me, other, now=now)

        async def both() -> tuple[Pair, UserBlock] | None:
            was = await self._pairs.block(me, other, now=now)
            if was is None:
                return None
            if was.status == "accepted":
                await self._friends.part(was)
            made = await self._register.add(me, other, body.reason, now=now)
            await self._publish(UserBlocked(made, to=Users([me])))
            return was, made

        done = await self._pairs.unit(both)
        if done is None:
            return await self._standing(me, other)
        was, made = done
        await self._friends.tell_gone(was, self._who_hears(me, was))
        return made

    async def unblock(self, me: str, user_id: str) -> None:
        """Take a block down; what was between the two before does not come back. Raises NotBlocked."""
        now = self._clock.now()

        async def both() -> UserBlock | None:
            was = await self._register.remove(me, user_id)
            if was is not None:
                await self._pairs.unblock(me, user_id, now=now)
                await self._publish(UserUnblocked(was, to=Users([me])))
            return was

        if await self._pairs.unit(both) is None:
            raise NotBlocked("You have not blocked this person.")

    async def listed(self, me: str, body: ListBlocks) -> BlockPage:
        """A page of the people I blocked, the newest first."""
        found = await self._register.listed(me, before=body.cursor, limit=body.limit + 1)
        page = found[: body.limit]
        cards = await self._users.cards([one.blocked_user_id for one in page]) if page else {}
        return BlockPage(
            blocks=[BlockedUser(**one.model_dump(), user=cards.get(one.blocked_user_id)) for one in page],
            next_cursor=page[-1].id if len(found) > body.limit else None,
        )

    async def blocked_by(self, user_id: str) -> list[str]:
        """Everybody whom a person blocks. Never show it to anybody else."""
        return await self._register.blocked_by(user_id, limit=self._settings.max_blocks)

    async def forget(self, user_id: str) -> None:
        """Strike out an erased person's blocks, and those of that person."""
        await self._register.forget(user_id)

    def _who_hears(self, me: str, was: Pair) -> list[str]:
        """Whom to tell what a block ended: nobody may hear what nothing but a block would explain."""
        if was.status == "accepted" or (was.status == "pending" and was.requester_id == me):
            return sorted(was.sides)
        return [me] if was.status == "pending" else []

    async def _standing(self, me: str, other: str) -> UserBlock:
        standing = await self._register.of(me, other)
        if standing is None:
            raise Unavailable("Another of your devices is changing this block: try again.", retry_after_ms=200)
        return standing
