"""Another password and another address, by who proved that the account is his."""

import pytest

from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD, Outbox, Post, joining
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server

NEW = "Another-Horse-8"
SUBJECT = "Confirm your new e-mail address"


async def test_another_password_ends_the_other_sessions_and_tells_the_owner(
    cluster: Cluster, people: People, post: Post, door: Door, outbox: Outbox
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    _, answer = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"})
    laptop = ada.at(other)
    laptop.tokens = answer["tokens"]
    there = await laptop.socket()

    await door(ada, "auth.change_password", {"password": NEW})

    assert await there.next("session:closed") == {"code": "session_revoked"}
    assert (await ada.http("GET", "/api/users/me"))[0] == 200
    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 401
    assert (await post("login", {"username": "ada", "password": NEW}))[0] == 200
    told = (await outbox.to(ada.user["email"]))[-1]
    assert told["text"].startswith("The password of your account was changed.")


async def test_another_password_voids_the_letter_to_reset_the_old_one(
    people: People, post: Post, outbox: Outbox
) -> None:
    (ada,) = await people("ada")
    await post("forgot-password", {"email": ada.user["email"]})
    token = await outbox.secret(ada.user["email"], "Set a new password")

    await ada.ask("PUT", "/api/auth/password", {"password": NEW})

    status, refused = await post("reset-password", {"token": token, "password": "Third-Horse-9"})
    assert (status, refused["code"]) == (410, "auth.proof_gone")


async def test_another_password_must_be_a_good_one(people: People, door: Door) -> None:
    (ada,) = await people("adalovelace")

    for password, code in (("short", "bad_request"), ("AdaLovelace", "auth.weak_password")):
        with pytest.raises(Refusal) as refused:
            await door(ada, "auth.change_password", {"password": password})
        assert refused.value.code == code


async def test_another_address_is_ones_own_once_its_letter_came_back(
    people: People, post: Post, door: Door, outbox: Outbox
) -> None:
    (ada,) = await people("ada")
    await door(ada, "auth.propose_email", {"email": "New@Example.com"})
    secret = await outbox.secret("new@example.com", SUBJECT)
    before = (await ada.ask("GET", "/api/users/me"))["email"]

    answers = [await post("email/confirm", {"token": secret}) for _ in range(2)]

    assert before == ada.user["email"]
    assert [status for status, _ in answers] == [200, 410]
    me = await ada.ask("GET", "/api/users/me")
    assert (me["email"], me["emailVerifiedAt"] is not None) == ("new@example.com", True)
    assert (await post("login", {"email": "new@example.com", "password": PASSWORD}))[0] == 200
    assert (await post("login", {"email": before, "password": PASSWORD}))[0] == 401
    told = (await outbox.to(before))[-1]
    assert told["text"].startswith("The address of your account was changed to new@example.com.")


async def test_an_address_of_somebody_else_gets_no_letter_and_the_answer_does_not_tell(
    people: People, outbox: Outbox
) -> None:
    ada, bob = await people("ada", "bob")

    taken = await ada.ask("PUT", "/api/auth/email", {"email": bob.user["email"]})
    free = await ada.ask("PUT", "/api/auth/email", {"email": "free@example.com"})

    assert taken == free
    assert SUBJECT not in {one["subject"] for one in await outbox.to(bob.user["email"])}
    assert [one["subject"] for one in await outbox.to("free@example.com")] == [SUBJECT]


async def test_an_address_that_somebody_took_meanwhile_is_not_ones_own(
    server: Server, people: People, post: Post, outbox: Outbox
) -> None:
    (ada,) = await people("ada")
    await ada.ask("PUT", "/api/auth/email", {"email": "eve@example.com"})
    secret = await outbox.secret("eve@example.com", SUBJECT)
    await post("register", joining("eve"))

    status, refused = await post("email/confirm", {"token": secret})

    assert (status, refused["code"]) == (409, "auth.email_taken")
    assert (await ada.ask("GET", "/api/users/me"))["email"] == ada.user["email"]


async def test_both_need_a_fresh_proof(people: People, door: Door, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    clock.advance(minutes=11)

    for name, given in (
        ("auth.change_password", {"password": NEW}),
        ("auth.propose_email", {"email": "x@example.com"}),
    ):
        with pytest.raises(Refusal) as refused:
            await door(ada, name, given)
        assert refused.value.code == "auth.step_up_needed"
