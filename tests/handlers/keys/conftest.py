"""The two shared servers and the people of the chat's tests: their devices get keys here."""

from tests.handlers.chat.conftest import clock, pair, people, server

__all__ = ["clock", "pair", "people", "server"]
