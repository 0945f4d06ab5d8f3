"""The social service as others see it: its parts for the commands, and the questions of other slices."""

from collections.abc import Callable

from handlers.social.service.blocks import Blocks
from handlers.social.service.friends import Friends
from handlers.social.service.ports import AddressBooks
from handlers.social.service.suggestions import FriendFinder
from handlers.social.service.ties import Ties
from handlers.social.service.views import Views
from handlers.social.settings import SocialSettings
from handlers.social.store import BlockStore, GraphStore, PairStore
from handlers.users.service import Users
from server.clock import Clock
from server.events import Publisher


class Social(Ties):
    """Friends, blocks and suggestions."""

    def __init__(
        self,
        *,
        pairs: PairStore,
        graph: GraphStore,
        register: BlockStore,
        books: Callable[[], AddressBooks],
        users: Users,
        clock: Clock,
        publish: Publisher,
        settings: SocialSettings,
    ) -> None:
        views = Views(users, graph)
        super().__init__(pairs=pairs, graph=graph, users=users, views=views)
        self.friends = Friends(
            pairs=pairs, graph=graph, users=users, views=views, clock=clock, publish=publish, settings=settings
        )
        self.blocks = Blocks(
            pairs=pairs,
            register=register,
            friends=self.friends,
            users=users,
            clock=clock,
            publish=publish,
            settings=settings,
        )
        self.finder = FriendFinder(graph=graph, books=books, users=users)

    async def forget(self, user_id: str) -> None:
        """An account was erased: nobody has it as a friend or blocks it any more."""
        await self.friends.forget(user_id)
        await self.blocks.forget(user_id)
