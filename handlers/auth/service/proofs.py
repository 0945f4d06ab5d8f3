"""Proofs of who owns an e-mail address or a telephone number, and the new password that follows from one."""

from datetime import timedelta
from functools import partial

from crypto.tokens import digest, keyed_digest, new_code, new_secret, same
from handlers.auth.models import EmailChange, EmailProof, Forgot, PasswordChange, PhoneNumber, PhoneProof, Reset
from handlers.auth.policy import MESSAGE, is_own_name
from handlers.auth.service.errors import EmailTaken, NoPhone, PhoneTaken, ProofGone, WeakPassword, WrongCode
from handlers.auth.service.keys import Keys
from handlers.auth.service.pool import PasswordPool
from handlers.auth.service.post import Post
from handlers.auth.service.sessions import SessionBook
from handlers.auth.service.tickets import Tickets
from handlers.auth.settings import AuthSettings
from handlers.auth.store import CredentialStore, ProofStore
from handlers.users.models import Account
from handlers.users.service import Taken, Transact, Users
from server.actors import Actor
from server.clock import Clock
from server.errors import Unauthenticated


class Proofs:
    """Sends secrets, and takes them back as proof."""

    def __init__(
        self,
        proofs: ProofStore,
        credentials: CredentialStore,
        *,
        users: Users,
        book: SessionBook,
        keys: Keys,
        pool: PasswordPool,
        post: Post,
        tickets: Tickets,
        settings: AuthSettings,
        clock: Clock,
        transact: Transact,
    ) -> None:
        self._proofs = proofs
        self._credentials = credentials
        self._users = users
        self._book = book
        self._keys = keys
        self._pool = pool
        self._post = post
        self._tickets = tickets
        self._settings = settings
        self._clock = clock
        self._transact = transact

    def welcome(self, account: Account) -> None:
        """Send a new account the proofs of its address and its number, after the answer."""
        self._post.later(self._send_email_proof(account))
        if account.phone:
            self._post.later(self._send_phone_code(account.id, account.phone))

    async def send_email_proof(self, actor: Actor) -> None:
        """Send the proof of the account's address once more."""
        self._post.later(self._send_email_proof(await self._account(actor)))

    async def verify_email(self, body: EmailProof) -> None:
        """Take the secret of a letter as proof. Raises ProofGone."""
        proof = await self._proofs.take("email", digest(body.token), self._clock.now())
        if proof is None or not await self._users.email_verified(proof.user_id, proof.target):
            raise ProofGone

    async def send_phone_code(self, actor: Actor, body: PhoneNumber) -> None:
        """Send a code to a number. Raises NoPhone when none is given and the account has none."""
        phone = body.phone or (await self._account(actor)).phone
        if phone is None:
            raise NoPhone
        self._post.later(self._send_phone_code(actor.user_id, phone))

    async def verify_phone(self, actor: Actor, body: PhoneProof) -> None:
        """Take a code as proof: the number becomes the account's. Raises WrongCode, ProofGone, PhoneTaken."""
        now = self._clock.now()
        found = await self._proofs.attempt("phone", actor.user_id, now)
        if found is None:
            raise ProofGone
        proof, expected = found
        if not same(expected, self._code_digest(actor.user_id, proof.target, body.code)):
            raise WrongCode
        if await self._proofs.take("phone", expected, now) is None:
            raise ProofGone
        try:
            await self._users.phone_verified(actor.user_id, proof.target)
        except Taken:
            raise PhoneTaken from None

    def forgot(self, body: Forgot) -> None:
        """Send a secret to set a new password, if there is such an account; nothing is looked up before the answer."""
        self._post.later(self._send_reset(body.email))

    async def reset(self, body: Reset) -> None:
        """Set a new password with the secret of a letter; every session ends. Raises ProofGone, WeakPassword."""
        secret = digest(body.token)
        proof = await self._proofs.find("reset", secret, self._clock.now())
        account = await self._users.account(proof.user_id) if proof else None
        if account is None:
            raise ProofGone
        if is_own_name(body.password, username=account.username, email=account.email):
            raise WeakPassword(MESSAGE)
        password_hash = await self._pool.hash(body.password)
        await self._transact(partial(self._set_password, secret, password_hash))

    async def change_password(self, actor: Actor, body: PasswordChange) -> None:
        """Set another password; every other session ends, and whatever the old one had begun. Raises WeakPassword."""
        account = await self._account(actor)
        if is_own_name(body.password, username=account.username, email=account.email):
            raise WeakPassword(MESSAGE)
        password_hash = await self._pool.hash(body.password)

        async def change() -> None:
            await self._credentials.change(account.id, password_hash, self._clock.now())
            await self._proofs.forget(account.id, "reset")
            await self._tickets.forget(account.id)
            await self._book.end_others(actor)

        await self._transact(change)
        self._post.news_later(account.email, "Your account: password", "The password of your account was changed.")

    async def propose_email(self, actor: Actor, body: EmailChange) -> None:
        """Send a proof to an address that is to become the account's; nothing, if another account has it."""
        account = await self._account(actor)
        self._post.later(self._send_new_email(account.id, body.email))

    async def change_email(self, body: EmailProof) -> None:
        """Take the secret of a letter as proof: the address becomes the account's. Raises ProofGone, EmailTaken."""
        try:
            before, email = await self._transact(partial(self._change_email, digest(body.token)))
        except Taken:
            raise EmailTaken from None
        text = f"The address of your account was changed to {email}."
        self._post.news_later(before.email, "Your account: e-mail address", text)

    async def forget(self, user_id: str) -> None:
        """Remove a person's password and proofs, for good."""
        await self._credentials.forget(user_id)
        await self._proofs.forget(user_id)
        await self._tickets.forget(user_id)

    async def _change_email(self, secret: str) -> tuple[Account, str]:
        proof = await self._proofs.take("new_email", secret, self._clock.now())
        if proof is None:
            raise ProofGone
        await self._proofs.forget(proof.user_id, "reset")
        return await self._users.change_email(proof.user_id, proof.target), proof.target

    async def _set_password(self, secret: str, password_hash: str) -> None:
        now = self._clock.now()
        proof = await self._proofs.take("reset", secret, now)
        if proof is None:
            raise ProofGone
        await self._credentials.change(proof.user_id, password_hash, now)
        await self._users.email_verified(proof.user_id, proof.target)
        await self._tickets.forget(proof.user_id)
        await self._book.end_all(proof.user_id, code="session_revoked")

    async def _send_email_proof(self, account: Account) -> None:
        secret = new_secret()
        await self._proofs.put(
            "email",
            account.id,
            digest=digest(secret),
            target=account.email,
            now=self._clock.now(),
            lasts=timedelta(hours=self._settings.email_proof_hours),
        )
        await self._post.email_proof(account.email, secret)

    async def _send_new_email(self, user_id: str, email: str) -> None:
        if await self._users.by_email(email) is not None:
            return
        secret = new_secret()
        await self._proofs.put(
            "new_email",
            user_id,
            digest=digest(secret),
            target=email,
            now=self._clock.now(),
            lasts=timedelta(hours=self._settings.email_proof_hours),
        )
        await self._post.new_email(email, secret)

    async def _send_reset(self, email: str) -> None:
        account = await self._users.by_email(email)
        if account is None or account.status == "suspended":
            return
        secret = new_secret()
        await self._proofs.put(
            "reset",
            account.id,
            digest=digest(secret),
            target=account.email,
            now=self._clock.now(),
            lasts=timedelta(minutes=self._settings.reset_minutes),
        )
        await self._post.reset(account.email, secret)

    async def _send_phone_code(self, user_id: str, phone: str) -> None:
        code = new_code()
        await self._proofs.put(
            "phone",
            user_id,
            digest=self._code_digest(user_id, phone, code),
            target=phone,
            now=self._clock.now(),
            lasts=timedelta(minutes=self._settings.phone_code_minutes),
        )
        await self._post.phone_code(phone, code)

    def _code_digest(self, user_id: str, phone: str, code: str) -> str:
        return keyed_digest(f"{user_id}:{phone}:{code}", self._keys.sealing)

    async def _account(self, actor: Actor) -> Account:
        account = await self._users.account(actor.user_id)
        if account is None or account.status != "active":
            raise Unauthenticated("There is no such account any more.")
        return account
