"""Mailing what happened: one letter for everything that is due to a person."""

import logging
from datetime import timedelta

from handlers.mail.models import Letter
from handlers.mail.service import Letters
from handlers.notices import wording
from handlers.notices.models import Due
from handlers.notices.settings import NoticesSettings
from handlers.notices.store import MailStore, NoticeStore
from handlers.users.service import Users
from server.clock import Clock

log = logging.getLogger("mixee.notices.mail")

HOLD = timedelta(minutes=10)
"""How long one process may work on a letter before another takes it."""
AT_ONCE = 200
"""Letters that one run of the job sends."""
LONGEST_WAIT = timedelta(hours=6)


class DigestPost:
    """Sends the letters that are due. One that is not taken by the mail server is tried again, ever more seldom."""

    def __init__(
        self,
        *,
        mail: MailStore,
        notices: NoticeStore,
        letters: Letters,
        users: Users,
        clock: Clock,
        settings: NoticesSettings,
    ) -> None:
        self._mail = mail
        self._notices = notices
        self._letters = letters
        self._users = users
        self._clock = clock
        self._settings = settings

    async def send_due(self) -> int:
        """Send what is due; how many letters were sent."""
        sent = 0
        for _ in range(AT_ONCE):
            now = self._clock.now()
            due = await self._mail.take(now, HOLD)
            if due is None:
                break
            try:
                sent += await self._send(due)
            except (OSError, ValueError) as error:
                await self._later(due, error)
            else:
                await self._mail.done(due, now + HOLD)
        return sent

    async def _send(self, due: Due) -> bool:
        notices, total = await self._notices.to_mail(
            due.user_id, most=self._settings.mail_most, limit=self._settings.kept + 1
        )
        if not notices:
            return False
        account = await self._users.account(due.user_id)
        wanted = account is not None and account.status == "active" and account.email_verified_at is not None
        if account is not None and wanted:
            cards = await self._users.cards({actor for one in notices for actor in one.actors})
            letter = Letter(
                id=notices[0].position,
                channel="email",
                to=account.email,
                subject=wording.subject(notices, total),
                text=wording.text(notices, total, cards),
                at=self._clock.now(),
            )
            await self._letters.send(letter)
        await self._notices.mailed(due.user_id, up_to=notices[0].position)
        return wanted

    async def _later(self, due: Due, error: Exception) -> None:
        if due.attempts >= self._settings.mail_attempts:
            log.error("a letter was given up after %d attempts: %s", due.attempts, error)
            notices, _ = await self._notices.to_mail(due.user_id, most=1, limit=1)
            if notices:
                await self._notices.mailed(due.user_id, up_to=notices[0].position)
            await self._mail.forget(due.user_id)
            return
        wait = min(LONGEST_WAIT, timedelta(minutes=2**due.attempts))
        log.warning("a letter was not taken, again in %s: %s", wait, error)
        await self._mail.again(due, self._clock.now() + wait)
