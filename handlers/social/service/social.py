"""The social service as others see it: its parts for the commands, and the questions of other slices."""

from handlers.social.service.blocks import Blocks
from handlers.social.service.contacts import ContactBook
from handlers.social.service.friends import Friends
from handlers.social.service.suggestions import FriendFinder
from handlers.social.service.ties import Ties
from handlers.social.service.views import Views
from handlers.social.settings import SocialSettings
from handlers.social.store import BlockStore, ContactStore, GraphStore, PairStore
from handlers.users.service import Users
from server.clock import Clock
from server.events import Publisher

OF_IDENTIFIERS = frozenset({"email", "phone", "emailVerifiedAt", "phoneVerifiedAt"})
"""Fields of an account by which a contact is found."""


class Social(Ties):
    """Friends, blocks, suggestions and contacts."""

    def __init__(
        self,
        *,
        pairs: PairStore,
        graph: GraphStore,
        register: BlockStore,
        contacts: ContactStore,
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
        self.contacts = ContactBook(store=contacts, graph=graph, users=users, clock=clock, settings=settings)
        self.finder = FriendFinder(graph=graph, contacts=self.contacts, users=users)

    async def start(self) -> None:
        """Make ready to serve."""
        await self.contacts.start()

    async def account_changed(self, user_id: str, changed: list[str]) -> None:
        """An account has other values in the named fields."""
        if OF_IDENTIFIERS & set(changed):
            await self.contacts.learn(user_id)

    async def forget(self, user_id: str) -> None:
        """An account was erased: nobody has it as a friend, blocks it or finds it any more."""
        await self.friends.forget(user_id)
        await self.blocks.forget(user_id)
        await self.contacts.forget(user_id)
