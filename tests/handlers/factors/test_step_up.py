"""Fresh proofs: what a stolen token must not do."""

from datetime import timedelta

import pytest

from run import CORE
from server.assembly import commands
from tests.conftest import PASSWORD, People
from tests.handlers.factors.conftest import Apps, Post
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal

SENSITIVE = {
    "factors.propose_totp",
    "factors.confirm_totp",
    "factors.remove_totp",
    "factors.make_codes",
    "factors.new_passkey",
    "factors.add_passkey",
    "factors.remove_passkey",
    "users.delete",
    "auth.change_password",
    "auth.propose_email",
    "keys.reset",
}


def test_what_is_sensitive_needs_a_proof_of_the_last_ten_minutes() -> None:
    fresh = {one.name: one.fresh for one in commands(CORE) if one.fresh}

    assert set(fresh) >= SENSITIVE
    assert max(fresh.values()) == timedelta(minutes=10)


async def refused(door: Door, person: object, name: str) -> str:
    with pytest.raises(Refusal) as refusal:
        await door(person, name)  # type: ignore[arg-type]
    assert refusal.value.status in {None, 403}
    return refusal.value.code


async def test_a_proof_is_fresh_for_ten_minutes(people: People, door: Door, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    clock.advance(minutes=9)
    await door(ada, "factors.propose_totp")
    clock.advance(minutes=1, seconds=1)
    assert await refused(door, ada, "factors.propose_totp") == "auth.step_up_needed"

    await door(ada, "factors.step_up", {"password": PASSWORD})

    await door(ada, "factors.propose_totp")
    clock.advance(minutes=11)
    assert await refused(door, ada, "factors.propose_totp") == "auth.step_up_needed"


async def test_a_wrong_proof_proves_nothing(people: People, app: Apps, door: Door, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    clock.advance(minutes=11)

    for proof in ({"password": "wrong wrong"}, {"code": one.wrong()}, {"recoveryCode": "abcde-abcde-abcde-abcde"}):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "factors.step_up", proof)
        assert refusal.value.code == "factors.wrong"

    assert await refused(door, ada, "factors.remove_totp") == "auth.step_up_needed"


async def test_a_factor_proves_as_well_as_the_password(
    people: People, app: Apps, door: Door, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    clock.advance(minutes=11)

    code = one.code()
    await door(ada, "factors.step_up", {"code": code})
    with pytest.raises(Refusal) as again:
        await door(ada, "factors.step_up", {"code": code})

    assert again.value.code == "factors.wrong"
    await door(ada, "factors.make_codes")
    clock.advance(minutes=11)
    await door(ada, "factors.step_up", {"recoveryCode": (await _codes(door, ada, clock))[0]})
    await door(ada, "factors.remove_totp")


async def _codes(door: Door, person: object, clock: TurnableClock) -> list[str]:
    await door(person, "factors.step_up", {"password": PASSWORD})  # type: ignore[arg-type]
    made = await door(person, "factors.make_codes")  # type: ignore[arg-type]
    clock.advance(minutes=11)
    return list(made["recoveryCodes"])


async def test_a_proof_counts_for_its_own_session_alone(
    people: People, post: Post, door: Door, clock: TurnableClock
) -> None:
    ada, _ = await people("ada", "bob")
    _, other = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "stolen"})
    thief = ada.at(ada.server)
    thief.tokens = other["tokens"]
    clock.advance(minutes=11)

    await door(ada, "factors.step_up", {"password": PASSWORD})

    status, body = await thief.http("POST", "/api/auth/factors/totp")
    assert (status, body["code"]) == (403, "auth.step_up_needed")


async def test_new_tokens_are_no_proof(people: People, post: Post, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    clock.advance(minutes=11)
    _, ada.tokens = await post("refresh", {"refreshToken": ada.tokens["refreshToken"]})

    status, body = await ada.http("DELETE", "/api/users/me")

    assert (status, body["code"]) == (403, "auth.step_up_needed")
    assert (await ada.http("GET", "/api/users/me"))[0] == 200


async def test_a_session_that_ended_is_not_proved_again(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    await ada.ask("POST", "/api/auth/logout")

    status, body = await ada.http("POST", "/api/auth/step-up", {"password": PASSWORD})

    assert (status, body["code"]) == (401, "unauthenticated")
