"""The keys that the processes share, and the settings that turn them."""

import asyncio
import base64

import pytest
from pydantic import ValidationError

from config.settings import section
from crypto.tokens import SigningKey
from handlers.auth.service import Keys
from handlers.auth.settings import AuthSettings
from handlers.auth.store import KeyStore
from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.harness.clock import TurnableClock

SEED = base64.b64encode(bytes(range(32))).decode()


async def test_processes_that_start_at_once_get_the_same_keys(mongo: Mongo, clock: TurnableClock) -> None:
    processes = [Keys(KeyStore(mongo.collection("auth_keys")), clock, signing_seed=None) for _ in range(8)]

    await asyncio.gather(*(one.load() for one in processes))

    assert len({one.signing.seed for one in processes}) == 1
    assert len({one.sealing for one in processes}) == 1
    assert processes[0].signing.seed != processes[0].sealing


async def test_a_restart_finds_the_keys_again(mongo: Mongo, clock: TurnableClock) -> None:
    before = Keys(KeyStore(mongo.collection("auth_keys")), clock, signing_seed=None)
    await before.load()

    after = Keys(KeyStore(mongo.collection("auth_keys")), clock, signing_seed=None)
    await after.load()

    assert after.signing.seed == before.signing.seed
    assert after.sealing == before.sealing


async def test_a_key_of_the_settings_goes_before_and_is_not_stored(mongo: Mongo, clock: TurnableClock) -> None:
    keys = Keys(KeyStore(mongo.collection("auth_keys")), clock, signing_seed=bytes(range(32)))

    await keys.load()

    assert keys.signing.seed == bytes(range(32))
    assert list(keys.public) == [SigningKey.named_by_itself(bytes(range(32))).kid]
    assert [one["_id"] for one in await mongo.collection("auth_keys").find({}, limit=10)] == ["sealing"]


def test_keys_that_are_not_loaded_sign_nothing(mongo: Mongo, clock: TurnableClock) -> None:
    keys = Keys(KeyStore(mongo.collection("auth_keys")), clock, signing_seed=None)

    with pytest.raises(LookupError):
        _ = keys.signing
    with pytest.raises(LookupError):
        _ = keys.sealing


async def test_a_token_of_one_server_opens_the_other(cluster: Cluster, people: People) -> None:
    other = await cluster()
    (ada,) = await people("ada")

    status, me = await ada.at(other).http("GET", "/api/users/me")

    assert (status, me["id"]) == (200, ada.id)


def test_the_seed_is_read_from_the_environment_and_not_shown() -> None:
    settings = section(AuthSettings, "auth", {"MIXEE_AUTH_SIGNING_KEY": SEED})

    assert settings.signing_seed == bytes(range(32))
    assert SEED not in repr(settings)


@pytest.mark.parametrize("seed", ["hello", "AAAA", SEED[:-4], SEED + SEED])
def test_a_seed_of_another_length_is_refused(seed: str) -> None:
    with pytest.raises(ValidationError, match="32 bytes in Base64"):
        section(AuthSettings, "auth", {"MIXEE_AUTH_SIGNING_KEY": seed})


def test_a_cheaper_password_check_than_the_least_that_is_sound_is_refused() -> None:
    with pytest.raises(ValidationError):
        section(AuthSettings, "auth", {"MIXEE_AUTH_ARGON2_MEMORY_KIB": "1024"})
