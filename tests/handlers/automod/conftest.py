"""The two shared servers and the people of the chat's tests: what has rules here is a group."""

from tests.handlers.chat.conftest import clock, pair, people, server

__all__ = ["clock", "pair", "people", "server"]
