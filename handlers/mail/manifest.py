"""What the engine may know of mail."""

from pathlib import Path

from handlers.mail.events import EVENTS
from handlers.mail.routes import routes
from handlers.mail.service import Mail
from handlers.mail.settings import MailSettings
from handlers.mail.smtp import SmtpLetters
from handlers.mail.store import FOLDER, FileLetters
from server.slices import Kit, Slice


def _build(kit: Kit) -> Mail:
    settings = kit.settings(MailSettings)
    return Mail(
        files=FileLetters(Path(kit.data_dir) / FOLDER),
        mailboxes=SmtpLetters(settings) if settings.smtp_host else None,
    )


manifest = Slice(name="mail", service=Mail, build=_build, routes=routes, events=EVENTS, settings=MailSettings)
