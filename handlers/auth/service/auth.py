"""Coming in: registration and sign-in. The one door to the parts of this slice."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from handlers.auth.blocks import block_of
from handlers.auth.devices import device_platform
from handlers.auth.events import SessionOpened
from handlers.auth.models import Login, NewAccount, Session, SessionOpening, SignedIn, SignedInUser, Tokens
from handlers.auth.policy import MESSAGE, is_own_name
from handlers.auth.service.challenges import Challenges
from handlers.auth.service.errors import (
    AccountSuspended,
    EmailTaken,
    InvalidCredentials,
    SecondFactorNeeded,
    UsernameTaken,
    WeakPassword,
)
from handlers.auth.service.guard import Guard
from handlers.auth.service.keys import Keys
from handlers.auth.service.pool import PasswordPool
from handlers.auth.service.ports import SecondFactors
from handlers.auth.service.post import Post
from handlers.auth.service.proofs import Proofs
from handlers.auth.service.revocations import Revocations
from handlers.auth.service.sessions import SessionBook
from handlers.auth.service.tickets import Tickets
from handlers.auth.store import CredentialStore
from handlers.users.models import Account
from handlers.users.service import Taken, Transact, Users
from server.actors import Caller
from server.clock import Clock
from server.events import Publisher
from server.events import Users as ToUsers
from storage.tasks import end

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that no account has: a sign-in with an unknown name asks the same questions as one with a known name."""


class Auth:
    """Who somebody is."""

    def __init__(
        self,
        credentials: CredentialStore,
        *,
        users: Users,
        book: SessionBook,
        proofs: Proofs,
        revocations: Revocations,
        tickets: Tickets,
        guard: Guard,
        challenges: Challenges,
        factors: Callable[[], SecondFactors],
        keys: Keys,
        pool: PasswordPool,
        post: Post,
        clock: Clock,
        transact: Transact,
        publish: Publisher,
    ) -> None:
        self._credentials = credentials
        self._users = users
        self._factors = factors
        self._pool = pool
        self._post = post
        self._clock = clock
        self._transact = transact
        self._publish = publish
        self._watch: asyncio.Task[None] | None = None
        self.book = book
        self.proofs = proofs
        self.revocations = revocations
        self.tickets = tickets
        self._guard = guard
        self.challenges = challenges
        self.keys = keys

    async def start(self) -> None:
        """Read the keys and what ended; from here on tokens are made and checked."""
        await self.keys.load()
        await self.revocations.look()
        self._watch = asyncio.get_running_loop().create_task(self.revocations.watch(), name="auth revocations")

    async def stop(self) -> None:
        """Send what waits to be sent, and end."""
        await end(self._watch)
        await self._post.close()
        self._pool.close()

    async def settle(self) -> None:
        """Wait until the letters asked for so far are sent."""
        await self._post.settle()

    async def register(self, caller: Caller, new: NewAccount) -> SignedIn:
        """Make an account and sign it in. Raises UsernameTaken, EmailTaken, WeakPassword, Overloaded."""
        draft = await self._users.draft(
            username=new.username,
            email=new.email,
            display_name=new.display_name,
            phone=new.phone,
            location=new.location,
        )
        if is_own_name(new.password, username=draft.username, email=draft.email):
            raise WeakPassword(MESSAGE)
        password_hash = await self._pool.hash(new.password)
        try:
            pair = await self._transact(partial(self._join, draft, password_hash, caller, new.device_id))
        except Taken as error:
            raise EmailTaken if error.field == "email" else UsernameTaken from error
        self.proofs.welcome(draft)
        return _signed_in(draft, pair)

    async def login(self, caller: Caller, login: Login) -> SignedIn:
        """Sign somebody in; an account that is leaving comes back.

        Raises InvalidCredentials, AccountSuspended, SecondFactorNeeded when the password alone is not enough, and what
        the guard raises: RateLimited, ChallengeNeeded, Unavailable.
        """
        account, stored = await self._proven(caller, login)
        if account.status == "suspended":
            raise AccountSuspended
        if self._pool.needs_rehash(stored):
            await self._credentials.improve(account.id, stored, await self._pool.hash(login.password))
        if kinds := await self._factors().kinds(account.id):
            ticket = await self.tickets.open(account.id, login.device_id)
            raise SecondFactorNeeded(ticket, kinds, seconds=int(self.tickets.lasts.total_seconds()))
        return await self._signed_in(account, caller, partial(self._come_in, account, caller, login.device_id))

    async def admit(
        self, caller: Caller, user_id: str, device_id: str | None, prove: Callable[[], Awaitable[None]]
    ) -> SignedIn:
        """Sign somebody in by other proofs; `prove` uses them up within the same unit of work, and may raise.

        Raises InvalidCredentials when he is gone, AccountSuspended.
        """
        account = await self._users.account(user_id)
        if account is None:
            raise InvalidCredentials
        if account.status == "suspended":
            raise AccountSuspended

        async def step() -> tuple[Session, Tokens, bool]:
            await prove()
            return await self._come_in(account, caller, device_id)

        return await self._signed_in(account, caller, step)

    async def knows(self, user_id: str, password: str) -> bool:
        """Whether this is the person's password. Raises Overloaded."""
        return await self._pool.verify(await self._credentials.get(user_id), password)

    def tell(self, account: Account, subject: str, text: str) -> None:
        """Write somebody of a change to his account, after the answer; the change stands also if that cannot be."""
        self._post.news_later(account.email, subject, text)

    async def prove(self, caller: Caller, login: Login) -> Account:
        """The account whose password somebody knows, whatever its status; nobody is signed in.

        Raises InvalidCredentials, Overloaded, and what the guard raises.
        """
        account, _ = await self._proven(caller, login)
        return account

    async def _proven(self, caller: Caller, login: Login) -> tuple[Account, str]:
        """The account and its password hash. Raises InvalidCredentials."""
        await self._guard.enter(caller, login.name, login.proof_of_work)
        if login.email is not None:
            account = await self._users.by_email(login.email)
        else:
            account = await self._users.by_username(login.username or "")
        stored = await self._credentials.get(account.id if account else NOBODY)
        fits = await self._pool.verify(stored, login.password)
        if account is None or stored is None or not fits:
            raise InvalidCredentials
        await self._guard.passed(caller, login.name)
        return account, stored

    async def forget(self, user_id: str) -> None:
        """Remove everything kept of a person who is erased."""

        async def all_of_it() -> None:
            await self.book.forget(user_id)
            await self.proofs.forget(user_id)

        await self._transact(all_of_it)

    async def _signed_in(
        self, account: Account, caller: Caller, come_in: Callable[[], Awaitable[tuple[Session, Tokens, bool]]]
    ) -> SignedIn:
        session, pair, is_new = await self._transact(come_in)
        opening = SessionOpening(
            session_id=session.id,
            device_id=session.device_id,
            name=session.name,
            platform=device_platform(caller.user_agent),
            place=block_of(caller.address),
            is_new=is_new,
            at=session.created_at,
        )
        await self._publish(SessionOpened(opening, to=ToUsers([account.id])))
        return _signed_in(account, pair)

    async def _join(self, draft: Account, password_hash: str, caller: Caller, device_id: str | None) -> Tokens:
        await self._users.create(draft)
        await self._credentials.add(draft.id, password_hash, draft.created_at)
        await self.book.meet(draft, caller, device_id)
        _, pair = await self.book.open(draft, caller, device_id)
        return pair

    async def _come_in(self, account: Account, caller: Caller, device_id: str | None) -> tuple[Session, Tokens, bool]:
        if account.status == "leaving":
            await self._users.restore(account.id)
        is_new = await self.book.meet(account, caller, device_id)
        return *await self.book.open(account, caller, device_id), is_new


def _signed_in(account: Account, pair: Tokens) -> SignedIn:
    user = SignedInUser(
        id=account.id,
        username=account.username,
        email=account.email,
        display_name=account.display_name,
        avatar=account.avatar,
        location=account.location,
        privacy=account.privacy,
        created_at=account.created_at,
    )
    return SignedIn(user=user, tokens=pair)
