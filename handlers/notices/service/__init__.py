"""The rules of notices: what is told to whom, the list, the preferences, and the letters."""

from handlers.notices.service.errors import ERRORS, NoSuchNotice
from handlers.notices.service.hearing import Hearing
from handlers.notices.service.letters import DigestPost
from handlers.notices.service.notices import Notices

__all__ = ["ERRORS", "DigestPost", "Hearing", "NoSuchNotice", "Notices"]
