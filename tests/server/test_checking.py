"""What an operator is told about settings, connections and indexes before a start."""

import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import SettingsError

from config.settings import Settings
from server import assembly, checking
from server.checking import Unusable
from storage.mongo import IndexModel, Mongo
from tests.harness.servers import MONGODB, REDIS
from tests.server.notes import slice_of

Said = Callable[[], str]
OUTSIDE = {"mongodb_url": SecretStr("mongodb://u:hush@127.0.0.1:9/"), "redis_url": SecretStr("redis://:hush@h:9")}


class Secretive(BaseModel):
    """Settings of a slice, one of them secret."""

    key: SecretStr = Field(SecretStr("hush"), description="Opens everything.")
    most: int = Field(3, description="How many.", le=5)


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


@pytest.fixture
def outside(database: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name the tests' servers as outside ones."""
    import os  # noqa: PLC0415

    return settings(
        mongodb_url=SecretStr(os.environ[MONGODB]), redis_url=SecretStr(os.environ[REDIS]), mongodb_database=database
    )
