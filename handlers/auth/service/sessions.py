"""Sessions: opened at a sign-in, carried on by refresh tokens, ended on purpose or when a token comes back used."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from crypto import tokens
from crypto.ids import new_id
from crypto.tokens import Claims, RefreshToken, TokenError
from handlers.auth.devices import device_name, device_platform
from handlers.auth.events import SessionRenamed, SessionsEnded
from handlers.auth.models import Refresh, Session, SessionInfo, SessionList, SessionName, SessionsEnding, Tokens
from handlers.auth.rotation import MAX_TWINS, judge
from handlers.auth.service.errors import AccountSuspended, NoSuchSession, RefreshInvalid, RefreshReused
from handlers.auth.service.keys import Keys
from handlers.auth.service.revocations import Revocations
from handlers.auth.settings import AuthSettings
from handlers.auth.store import DeviceStore, RevocationStore, SessionStore, when_committed
from handlers.users.models import Account
from handlers.users.service import Transact, Users
from server.actors import Actor, Caller, Role
from server.clock import Clock
from server.errors import MixeeError, Unauthenticated
from server.events import Publisher
from server.events import Users as ToUsers
from server.slices import Cutter

REMEMBERED = timedelta(days=400)
"""How long a device is known on which nobody signs in."""


class SessionBook:
    """Every session there is, and the tokens of each."""

    def __init__(
        self,
        sessions: SessionStore,
        devices: DeviceStore,
        revoked: RevocationStore,
        *,
        revocations: Revocations,
        users: Users,
        keys: Keys,
        settings: AuthSettings,
        roles: Mapping[Role, frozenset[str]],
        clock: Clock,
        transact: Transact,
        publish: Publisher,
        cut: Cutter,
    ) -> None:
        self._sessions = sessions
        self._devices = devices
        self._revoked = revoked
        self._revocations = revocations
        self._users = users
        self._keys = keys
        self._settings = settings
        self._scopes = {role: tuple(sorted(scope)) for role, scope in roles.items()}
        self._clock = clock
        self._transact = transact
        self._publish = publish
        self._cut = cut
        self._access = timedelta(seconds=settings.access_seconds)
        self._lasting = timedelta(days=settings.refresh_days)

    async def actor(self, token: str) -> Actor:
        """The actor of a valid access token. Raises Unauthenticated. No input or output in the common case."""
        try:
            claims = tokens.verify(
                token,
                self._keys.public,
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                now=self._clock.now(),
            )
        except TokenError as error:
            why = "has expired: refresh it" if error.expired else "is not valid"
            raise Unauthenticated(f"The access token {why}.") from error
        if await self._revocations.has(claims.sid):
            raise Unauthenticated("This session has ended: sign in again.")
        return Actor(
            user_id=claims.sub,
            role=_role(claims.role),
            scope=frozenset(claims.scope),
            session_id=claims.sid,
            device_id=claims.did,
            expires_at=claims.exp,
        )

    async def open(self, account: Account, caller: Caller, device_id: str | None) -> tuple[Session, Tokens]:
        """Open a session, in the caller's unit of work. One that the same device had before is replaced."""
        now = self._clock.now()
        device = device_id or new_id()
        running = await self._sessions.of_user(account.id)
        replaced = [one.id for one in running if one.device_id == device]
        others = [one.id for one in running if one.device_id != device]
        await self._end(account.id, replaced, "replaced")
        await self._end(account.id, others[self._settings.max_sessions - 1 :], "session_revoked")
        refresh = RefreshToken.make(new_id(), 0)
        session = Session(
            id=refresh.session_id,
            user_id=account.id,
            device_id=device,
            name=device_name(caller.user_agent),
            user_agent=caller.user_agent,
            created_at=now,
            last_used_at=now,
            expires_at=now + self._lasting,
            generation=0,
            digests=[tokens.digest(refresh.secret)],
            previous=[],
            rotated_at=now,
            proved_at=now,
        )
        await self._sessions.add(session)
        return session, self._pair(account, session, refresh)

    async def meet(self, account: Account, caller: Caller, device_id: str | None) -> bool:
        """Remember where somebody signs in, in the caller's unit of work; whether it is a new device.

        Who knows the name that a device gives itself is not taken for it on another kind of device.
        """
        if device_id is None:
            return True
        key = tokens.digest(f"{account.id}:{device_platform(caller.user_agent)}:{device_id}")
        return not await self._devices.meet(key, account.id, self._clock.now() + REMEMBERED)

    async def refresh(self, caller: Caller, body: Refresh) -> Tokens:
        """Exchange a refresh token for a fresh pair.

        Raises RefreshInvalid, RefreshReused (then the session has ended), and AccountSuspended.
        """
        try:
            token = RefreshToken.read(body.refresh_token, self._keys.sealing)
        except TokenError:
            raise RefreshInvalid from None
        outcome = await self._transact(partial(self._exchange, token, caller, body.device_id))
        if isinstance(outcome, MixeeError):
            raise outcome
        return outcome

    async def overview(self, actor: Actor) -> SessionList:
        """The devices somebody is signed in on."""
        now = self._clock.now()
        return SessionList(
            sessions=[_info(one, actor) for one in await self._sessions.of_user(actor.user_id) if one.expires_at > now]
        )

    async def end(self, actor: Actor, session_id: str) -> None:
        """End one session of one's own, in the caller's unit of work. Raises NoSuchSession."""
        session = await self._sessions.get(session_id)
        if session is None or session.user_id != actor.user_id:
            raise NoSuchSession
        await self._end(actor.user_id, [session_id], "session_revoked")

    async def end_device(self, user_id: str, device_id: str) -> None:
        """End the sessions of one of a person's devices, in the caller's unit of work."""
        running = await self._sessions.of_user(user_id)
        await self._end(user_id, [one.id for one in running if one.device_id == device_id], "session_revoked")

    async def rename(self, actor: Actor, session_id: str, name: str) -> SessionInfo:
        """Give one of one's own devices a name. Raises NoSuchSession."""
        session = await self._sessions.rename(session_id, actor.user_id, name)
        if session is None or session.expires_at <= self._clock.now():
            raise NoSuchSession
        told = SessionName(session_id=session.id, name=session.name)
        await self._publish(SessionRenamed(told, to=ToUsers([actor.user_id])))
        return _info(session, actor)

    async def is_fresh(self, actor: Actor, within: timedelta) -> bool:
        """Whether somebody proved in this session, so short a time ago, that it is really him."""
        session = await self._sessions.get(actor.session_id)
        proved_at = session.proved_at if session and session.user_id == actor.user_id else None
        return proved_at is not None and self._clock.now() - proved_at <= within

    async def prove(self, actor: Actor) -> None:
        """Note that somebody proved that it is really him. Raises NoSuchSession when his session has ended."""
        if not await self._sessions.prove(actor.session_id, self._clock.now()):
            raise NoSuchSession

    async def alive(self, session_ids: Sequence[str]) -> set[str]:
        """Those of these sessions that have not ended, as the database has it now."""
        return await self._sessions.alive(session_ids, self._clock.now()) if session_ids else set()

    async def log_out(self, actor: Actor) -> None:
        """End the session that one is in, in the caller's unit of work; also when it is gone from the store."""
        await self._end(actor.user_id, [actor.session_id], "session_revoked")

    async def end_all(self, user_id: str, *, code: str) -> None:
        """End every session of a person, in the caller's unit of work."""
        await self._end(user_id, [one.id for one in await self._sessions.of_user(user_id)], code)

    async def forget(self, user_id: str) -> None:
        """End every session of a person who is erased, and forget the devices, in the caller's unit of work."""
        await self.end_all(user_id, code="session_revoked")
        await self._devices.forget(user_id)

    async def end_others(self, actor: Actor) -> None:
        """End every session but the one that one is in, in the caller's unit of work."""
        others = [one.id for one in await self._sessions.of_user(actor.user_id) if one.id != actor.session_id]
        await self._end(actor.user_id, others, "session_revoked")

    async def _exchange(self, token: RefreshToken, caller: Caller, device_id: str | None) -> Tokens | MixeeError:
        """Errors are returned, not raised: what they did must be committed."""
        now = self._clock.now()
        session = await self._sessions.get(token.session_id)
        if session is None or session.expires_at <= now or device_id not in {None, session.device_id}:
            return RefreshInvalid()
        account = await self._users.account(session.user_id)
        if account is None or account.status != "active":
            return AccountSuspended() if account and account.status == "suspended" else RefreshInvalid()
        verdict = judge(
            session,
            token,
            now,
            grace=timedelta(seconds=self._settings.reuse_grace_seconds),
            same_device=caller.user_agent == session.user_agent,
        )
        fresh = RefreshToken.make(session.id, session.generation + (verdict == "next"))
        digest = tokens.digest(fresh.secret)
        if verdict == "next" and await self._sessions.turn(session, digest, now, now + self._lasting):
            return self._pair(account, session, fresh)
        if verdict == "again" and await self._sessions.twin(session, digest, most=MAX_TWINS):
            return self._pair(account, session, fresh)
        if verdict == "replayed":
            await self._end(session.user_id, [session.id], "session_revoked")
            return RefreshReused()
        return RefreshInvalid()

    async def _end(self, user_id: str, session_ids: Sequence[str], code: str) -> None:
        if not session_ids:
            return
        until = self._clock.now() + self._access
        await self._sessions.remove(session_ids)
        for session_id in session_ids:
            await self._revoked.add(session_id, code, until)

        async def known() -> None:
            for session_id in session_ids:
                self._revocations.note(session_id, code, until)
                await self._cut(by="session", who=session_id, code=code)

        await when_committed(known)
        await self._publish(
            SessionsEnded(SessionsEnding(session_ids=list(session_ids), code=code), to=ToUsers([user_id]))
        )

    def _pair(self, account: Account, session: Session, refresh: RefreshToken) -> Tokens:
        now = self._clock.now()
        claims = Claims(
            sub=account.id,
            email=account.email,
            role=account.role,
            scope=self._scopes[account.role],
            iat=now,
            exp=now + self._access,
            aud=self._settings.audience,
            iss=self._settings.issuer,
            sid=session.id,
            did=session.device_id,
            jti=new_id(),
        )
        return Tokens(
            access_token=tokens.sign(claims, self._keys.signing),
            refresh_token=refresh.write(self._keys.sealing),
            expires_in=self._settings.access_seconds,
        )


def _info(session: Session, actor: Actor) -> SessionInfo:
    platform = device_platform(session.user_agent)
    return SessionInfo(**session.model_dump(), platform=platform, is_current=session.id == actor.session_id)


def _role(name: str) -> Role:
    if name == "admin":
        return "admin"
    return "moderator" if name == "moderator" else "user"
