"""Who is a moderator or an admin: given and taken by admins, and by whoever runs the server."""

from handlers.safety.models import Appointment, ListOffices, Office, OfficePage
from handlers.safety.service.audit import Audit
from handlers.safety.service.errors import LastAdmin, NoSuchAccount, NotActive, NotAdmin
from handlers.users.models import Account
from handlers.users.service import Transact, Users
from server.actors import Actor, Role


class Offices:
    """The roles of people. There is always an admin left, unless there never was one."""

    def __init__(self, *, users: Users, audit: Audit, transact: Transact) -> None:
        self._users = users
        self._audit = audit
        self._transact = transact

    async def appoint(self, actor: Actor, wanted: Appointment) -> Office:
        """Give somebody another role, in the caller's unit of work: his sessions end, since tokens carry the role.

        Raises NoSuchAccount, NotActive, LastAdmin, and NotAdmin for an admin who is none any more.
        """
        own = await self._users.account(actor.user_id)
        if own is None or own.role != "admin":
            raise NotAdmin
        account = await self._users.account(wanted.user_id)
        if account is None:
            raise NoSuchAccount
        return await self._change(account, wanted.role, by=actor.user_id, note=wanted.note)

    async def grant(self, name: str, role: Role) -> str:
        """Give a role to the person of that username or e-mail, for whoever runs the server; the role before.

        Raises NoSuchAccount, NotActive, LastAdmin.
        """

        async def change() -> str:
            account = await (self._users.by_email(name) if "@" in name else self._users.by_username(name))
            if account is None:
                raise NoSuchAccount(name)
            await self._change(account, role, by=None, note="run.py grant")
            return account.role

        return await self._transact(change)

    async def page(self, wanted: ListOffices) -> OfficePage:
        """Some of those who have an office, in the order in which they registered."""
        found = await self._users.in_office(wanted.cursor, wanted.limit + 1)
        page = found[: wanted.limit]
        return OfficePage(
            offices=[self._office(one, one.role) for one in page],
            next_cursor=page[-1].id if len(found) > wanted.limit else None,
        )

    async def _change(self, account: Account, role: Role, *, by: str | None, note: str | None) -> Office:
        if account.role == role:
            return self._office(account, role)
        if role != "user" and account.status != "active":
            raise NotActive
        # Of two who take each other's office at once, one is tried again: both write the end of the audit log.
        if account.role == "admin" and not await self._users.has_admin(but=account.id):
            raise LastAdmin
        await self._users.change_role(account.id, role)
        said = f"{account.role} -> {role}" + (f": {note}" if note else "")
        await self._audit.note("user.appointed", by=by, user_id=account.id, note=said)
        return self._office(account, role)

    def _office(self, account: Account, role: Role) -> Office:
        return Office(user=self._users.card(account), role=role, active=account.status == "active")
