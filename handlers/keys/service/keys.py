"""The keys of devices as one service: its parts put together."""

from crypto.directory import base64, fingerprint, unbase64
from handlers.auth.service import Auth
from handlers.chat.service import Chat
from handlers.keys.models.answers import CurrentIdentities, CurrentIdentity
from handlers.keys.models.uploads import KnownIdentities
from handlers.keys.service.devices import DeviceBook
from handlers.keys.service.directory import Directory
from handlers.keys.service.log import IdentityLog
from handlers.keys.service.prekeys import PreKeys
from handlers.keys.service.reach import Reach
from handlers.keys.settings import KeysSettings
from handlers.keys.store import AccountStore, KeyStore, LinkStore, LogStore
from handlers.social.service import Social
from handlers.users.service import Transact, Users
from server.actors import Actor
from server.clock import Clock
from server.events import Publisher
from server.slices import Spender


class Keys:
    """Devices, their keys, identities and the log of these. Commands call the parts; other slices may use them too."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        keys: KeyStore,
        links: LinkStore,
        log: LogStore,
        users: Users,
        auth: Auth,
        social: Social,
        chat: Chat,
        spend: Spender,
        transact: Transact,
        publish: Publisher,
        clock: Clock,
        settings: KeysSettings,
    ) -> None:
        seed = unbase64(settings.log_key.get_secret_value()) if settings.log_key else None
        self._log_store = log
        self._reach = Reach(users, social, chat)
        self.directory = Directory(accounts, clock=clock, settings=settings)
        self.log = IdentityLog(log, reach=self._reach, clock=clock, seed=seed)
        self.prekeys = PreKeys(
            self.directory,
            accounts=accounts,
            keys=keys,
            reach=self._reach,
            spend=spend,
            transact=transact,
            publish=publish,
            settings=settings,
        )
        self.devices = DeviceBook(
            self.directory,
            accounts=accounts,
            keys=keys,
            links=links,
            log=self.log,
            auth=auth,
            social=social,
            transact=transact,
            publish=publish,
            clock=clock,
            settings=settings,
        )

    async def start(self) -> None:
        """Have what signs the log."""
        await self.log.start()

    async def identities(self, actor: Actor, known: KnownIdentities) -> CurrentIdentities:
        """Of these people those whose identity is another one than the one who asks thinks. Raises NotFound."""
        prints = {one.user_id: unbase64(one.fingerprint) for one in known.elements}
        reached = await self._reach.among(actor, prints, known.conversation_id)
        rosters = await self.directory.rosters(reached)
        return CurrentIdentities(
            elements=[
                CurrentIdentity(user_id=user_id, identity_key=base64(rosters[user_id].identity))
                for user_id, print_ in prints.items()
                if user_id in rosters and fingerprint(rosters[user_id].identity) != print_
            ]
        )

    async def forget(self, user_id: str) -> None:
        """Remove everything of a person who is erased."""
        await self.devices.forget(user_id)
        await self._log_store.forget(user_id)
