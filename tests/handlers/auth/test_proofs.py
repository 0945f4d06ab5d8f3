"""Proving who owns an e-mail address or a telephone number, and setting a lost password anew."""

import asyncio
from typing import Any

import pytest

from storage.mongo import Mongo
from tests.conftest import People
from tests.handlers.auth.conftest import PASSWORD, Outbox, Post, joining
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server

CONFIRM, RESET = "Confirm your e-mail address", "Set a new password"
NEW = "Battery-Staple-8"


async def test_the_letter_after_registration_proves_the_address(post: Post, outbox: Outbox, people: People) -> None:
    (ada,) = await people("ada")
    secret = await outbox.secret(ada.user["email"], CONFIRM)

    status, answer = await post("verify-email", {"token": secret})

    assert (status, answer) == (200, {"verified": True})
    me = await ada.ask("GET", "/api/users/me")
    assert me["emailVerifiedAt"] == me["updatedAt"]


async def test_a_proof_works_once_and_only_while_it_is_fresh_and_the_newest(
    post: Post, outbox: Outbox, people: People, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    first = await outbox.secret(ada.user["email"], CONFIRM)
    await ada.http("POST", "/api/auth/verify-email/send")
    second = await outbox.secret(ada.user["email"], CONFIRM)

    assert (await post("verify-email", {"token": first}))[1]["code"] == "auth.proof_gone"
    assert (await post("verify-email", {"token": second}))[0] == 200
    assert (await post("verify-email", {"token": second}))[1]["code"] == "auth.proof_gone"

    await ada.http("POST", "/api/auth/verify-email/send")
    third = await outbox.secret(ada.user["email"], CONFIRM)
    clock.advance(hours=48)
    assert (await post("verify-email", {"token": third}))[0] == 410


async def test_a_proof_of_one_kind_is_none_of_another(post: Post, outbox: Outbox, people: People) -> None:
    (ada,) = await people("ada")
    secret = await outbox.secret(ada.user["email"], CONFIRM)

    status, answer = await post("reset-password", {"token": secret, "password": NEW})

    assert (status, answer["code"]) == (410, "auth.proof_gone")
    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 200


async def test_a_code_proves_a_number_which_becomes_the_accounts(people: People, outbox: Outbox, door: Door) -> None:
    (ada,) = await people("ada")
    await door(ada, "auth.send_phone_code", {"phone": "+27821234567"})
    code = await outbox.code("+27821234567")

    assert await door(ada, "auth.verify_phone", {"code": code}) == {"verified": True}

    me = await ada.ask("GET", "/api/users/me")
    assert me["phone"] == "+27821234567"
    assert me["phoneVerifiedAt"] is not None
    with pytest.raises(Refusal) as refused:
        await door(ada, "auth.verify_phone", {"code": code})
    assert refused.value.code == "auth.proof_gone"


async def test_a_number_given_at_registration_gets_its_code(post: Post, outbox: Outbox) -> None:
    await post("register", joining("ada", phone="+27821234567"))

    (letter,) = await outbox.to("+27821234567")

    assert (letter["channel"], letter["text"][6:]) == ("sms", " is your Mixee code. Tell it to nobody.")


async def test_a_code_cannot_be_tried_out(people: People, outbox: Outbox) -> None:
    (ada,) = await people("ada")
    await ada.http("POST", "/api/auth/verify-phone/send", {"phone": "+27821234567"})
    code = await outbox.code("+27821234567")
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    tries = [(await ada.http("POST", "/api/auth/verify-phone", {"code": wrong}))[1]["code"] for _ in range(6)]

    assert tries == ["auth.wrong_code"] * 5 + ["auth.proof_gone"]
    assert (await ada.http("POST", "/api/auth/verify-phone", {"code": code}))[1]["code"] == "auth.proof_gone"
    assert (await ada.ask("GET", "/api/users/me"))["phone"] is None


async def test_somebody_elses_code_is_worth_nothing(people: People, outbox: Outbox) -> None:
    ada, bob = await people("ada", "bob")
    await ada.http("POST", "/api/auth/verify-phone/send", {"phone": "+27821234567"})
    code = await outbox.code("+27821234567")

    status, answer = await bob.http("POST", "/api/auth/verify-phone", {"code": code})

    assert (status, answer["code"]) == (410, "auth.proof_gone")


async def test_a_number_belongs_to_who_proves_it_first_and_not_to_who_only_names_it(
    post: Post, people: People, outbox: Outbox
) -> None:
    number = "+27821234567"
    _, squatter = await post("register", joining("squatter", phone=number))
    ada, bob = await people("ada", "bob")
    await outbox.all()
    answers = []
    for person in (ada, bob):
        await person.http("POST", "/api/auth/verify-phone/send", {"phone": number})
        answers.append(await person.http("POST", "/api/auth/verify-phone", {"code": await outbox.code(number)}))

    assert squatter["user"]["username"] == "squatter"
    assert answers[0][0] == 200
    assert (answers[1][0], answers[1][1]["code"]) == (409, "auth.phone_taken")


async def test_without_a_number_there_is_nothing_to_send_to(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refused:
        await door(ada, "auth.send_phone_code", {})

    assert (refused.value.code, refused.value.fields) == ("auth.no_phone", {"phone"})


async def test_a_lost_password_is_set_anew_and_every_session_ends(people: People, post: Post, outbox: Outbox) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()
    await post("forgot-password", {"email": ada.user["email"].upper()})
    secret = await outbox.secret(ada.user["email"], RESET)

    status, answer = await post("reset-password", {"token": secret, "password": NEW})

    assert (status, answer) == (204, None)
    assert await socket.next("session:closed") == {"code": "session_revoked"}
    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 401
    signed_in = (await post("login", {"username": "ada", "password": NEW}))[1]
    ada.tokens = signed_in["tokens"]
    assert (await ada.ask("GET", "/api/users/me"))["emailVerifiedAt"] is not None
    assert (await post("reset-password", {"token": secret, "password": NEW}))[0] == 410


async def test_of_two_who_hold_one_secret_one_sets_the_password(people: People, post: Post, outbox: Outbox) -> None:
    (ada,) = await people("ada")
    await post("forgot-password", {"email": ada.user["email"]})
    secret = await outbox.secret(ada.user["email"], RESET)

    answers = await asyncio.gather(
        *(post("reset-password", {"token": secret, "password": f"{NEW}-{number}"}) for number in range(3))
    )

    assert sorted(status for status, _ in answers) == [204, 410, 410]


async def test_a_refused_password_does_not_use_up_the_secret(people: People, post: Post, outbox: Outbox) -> None:
    (ada,) = await people("ada_lovelace")
    await post("forgot-password", {"email": ada.user["email"]})
    secret = await outbox.secret(ada.user["email"], RESET)

    for weak, code in (("ada_lovelace", "auth.weak_password"), ("short", "bad_request")):
        status, answer = await post("reset-password", {"token": secret, "password": weak})
        assert (status, answer["code"]) == (422, code)
        assert [detail["field"] for detail in answer["details"]] == ["password"]

    assert (await post("reset-password", {"token": secret, "password": NEW}))[0] == 204


async def test_the_secret_to_set_a_password_is_old_after_half_an_hour(
    people: People, post: Post, outbox: Outbox, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    await post("forgot-password", {"email": ada.user["email"]})
    secret = await outbox.secret(ada.user["email"], RESET)
    clock.advance(minutes=30)

    assert (await post("reset-password", {"token": secret, "password": NEW}))[0] == 410


async def test_asking_for_a_password_does_not_tell_who_has_an_account(
    server: Server, people: People, post: Post, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is given before anything is looked up, so neither its words nor its time can tell."""
    (ada,) = await people("ada")
    before = len(await outbox.all())
    proofs = server.service("auth").proofs
    looked, release = asyncio.Event(), asyncio.Event()
    by_email = proofs._users.by_email

    async def slow(email: str) -> Any:
        looked.set()
        await release.wait()
        return await by_email(email)

    monkeypatch.setattr(proofs._users, "by_email", slow)

    known = await post("forgot-password", {"email": ada.user["email"]})
    unknown = await post("forgot-password", {"email": "nobody@example.com"})
    odd = await post("forgot-password", {"email": "no address"})

    assert known == unknown == odd
    assert known == (202, {"message": "If there is such an account, a letter is on its way."})
    await asyncio.wait_for(looked.wait(), 5)
    release.set()
    letters = (await outbox.all())[before:]
    assert [(one["to"], one["subject"]) for one in letters] == [(ada.user["email"], RESET)]


async def test_what_is_kept_of_a_secret_cannot_be_used(
    people: People, post: Post, outbox: Outbox, mongo: Mongo
) -> None:
    (ada,) = await people("ada")
    await ada.http("POST", "/api/auth/verify-phone/send", {"phone": "+27821234567"})
    secret, code = await outbox.secret(ada.user["email"], CONFIRM), await outbox.code("+27821234567")

    kept = await mongo.collection("proofs").find({}, limit=10)

    assert len(kept) == 2
    assert secret not in str(kept)
    assert all(len(one["digest"]) == 64 and one["digest"] != code for one in kept)
    for one in kept:
        assert (await post("verify-email", {"token": one["digest"]}))[0] == 410
