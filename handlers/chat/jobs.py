"""What the chat does by the clock of the cluster."""

from datetime import timedelta

from handlers.chat.service import Chat
from server.jobs import Job


async def close_polls(chat: Chat) -> None:
    """Close the polls whose time is over. Votes are refused from then on in any case."""
    await chat.polls.close_due()


async def send_scheduled(chat: Chat) -> None:
    """Send the messages whose time has come."""
    await chat.scheduled.send_due()


async def sweep_expired(chat: Chat) -> None:
    """Delete what is stored of messages whose time is over. Nobody sees them any more in any case."""
    await chat.timers.sweep()


JOBS = (
    Job("chat.close_polls", timedelta(seconds=5), close_polls),
    Job("chat.send_scheduled", timedelta(seconds=2), send_scheduled),
    Job("chat.sweep_expired", timedelta(seconds=10), sweep_expired),
)
