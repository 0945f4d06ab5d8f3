"""A mail server for tests of mail."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.mail import Mailbox, mail_server


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """A mail server that takes letters."""
    async with mail_server() as one:
        yield one
