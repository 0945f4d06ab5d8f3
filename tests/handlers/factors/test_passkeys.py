"""Passkeys, by an authenticator in software whose every answer can be forged."""

import asyncio
from typing import Any

import pytest

from storage.mongo import Mongo
from tests.conftest import PASSWORD, Cluster, People
from tests.handlers.chat.test_plans import indexes_of
from tests.handlers.factors.conftest import Apps, Outbox, Post, second, ticket
from tests.harness.authenticator import PRESENT, VERIFIED, Authenticator, encoded
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server

PAGE = "http://localhost:8080"
WRONG = (403, "factors.wrong")
GONE = (410, "factors.challenge_gone")


async def passkey(person: Person, *, door: Door | None = None, **options: Any) -> tuple[Authenticator, dict[str, Any]]:
    """A passkey that is made and added for somebody, and what the server said to it."""
    one = Authenticator(PAGE, **options)
    ask = door or Door("http")
    made = one.make(await ask(person, "factors.new_passkey"))
    return one, await ask(person, "factors.add_passkey", {"credential": made})


async def come_in(post: Post, one: Authenticator, *, at: Server | None = None, **forged: Any) -> tuple[int, str | None]:
    """A sign-in by a passkey alone: its status, and the code of a refusal."""
    _, options = await post("login/passkey/options", {}, at=at)
    status, answer = await post("login/passkey", {"credential": one.use(options, **forged)}, at=at)
    return status, answer.get("code")


async def test_somebody_comes_in_by_a_passkey_alone(people: People, post: Post, door: Door) -> None:
    (ada,) = await people("ada")
    one, added = await passkey(ada, door=door)

    _, options = await post("login/passkey/options", {})
    status, answer = await post("login/passkey", {"credential": one.use(options), "deviceId": "laptop"})

    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert (status, answer["user"]["id"]) == (200, ada.id)
    mine = await door(ada, "factors.overview")
    assert [one["id"] for one in mine["passkeys"]] == [added["passkey"]["id"]]
    assert mine["passkeys"][0]["lastUsedAt"] is not None
    assert (len(set(added["recoveryCodes"])), mine["recoveryCodesLeft"]) == (10, 10)


async def test_a_passkey_is_the_second_factor_of_a_password(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    one, _ = await passkey(ada)
    opened = await ticket(post)

    _, options = await post("login/passkey/options", {"ticket": opened})

    assert [known["id"] for known in options["allowCredentials"]] == [encoded(one.id)]
    assert await second(post, opened, passkey=one.use(options)) == (200, None)


async def test_a_passkey_proves_again(people: People, door: Door, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    one, added = await passkey(ada, door=door)
    which = {"passkeyId": added["passkey"]["id"]}
    clock.advance(minutes=11)
    with pytest.raises(Refusal) as stale:
        await door(ada, "factors.remove_passkey", which)

    options = await door(ada, "factors.ask_again")
    await door(ada, "factors.step_up", {"passkey": one.use(options)})

    assert stale.value.code == "auth.step_up_needed"
    await door(ada, "factors.remove_passkey", which)
    with pytest.raises(Refusal) as gone:
        await door(ada, "factors.remove_passkey", which)
    assert gone.value.code == "factors.passkey_not_found"


async def test_an_account_with_passkeys_alone_is_not_entered_by_a_new_password(
    people: People, post: Post, outbox: Outbox
) -> None:
    (ada,) = await people("ada")
    one, added = await passkey(ada)
    await post("forgot-password", {"email": ada.user["email"]})
    secret = await outbox.secret(ada.user["email"], "Set a new password")
    assert (await post("reset-password", {"token": secret, "password": "Another-Horse-8"}))[0] == 204

    status, answer = await post("login", {"username": "ada", "password": "Another-Horse-8"})

    assert (status, answer["data"]["factors"]) == (403, ["passkey", "recovery"])
    opened = answer["data"]["ticket"]
    assert await second(post, opened, code="000000") == WRONG
    assert await second(post, opened, recoveryCode=added["recoveryCodes"][0].replace("-", "x")) == WRONG
    assert await come_in(post, Authenticator(PAGE)) == WRONG
    assert await come_in(post, one) == (200, None)


FOREIGN: dict[str, dict[str, Any]] = {
    "another domain": {"client": {"origin": "https://evil.example"}},
    "another port": {"client": {"origin": "http://localhost:8081"}},
    "no port": {"client": {"origin": "http://localhost"}},
    "https for http": {"client": {"origin": "https://localhost:8080"}},
    "a domain above": {"client": {"origin": "http://localhost.evil.example:8080"}},
    "a domain below": {"client": {"origin": "http://evil.localhost:8080"}},
    "a trailing slash": {"client": {"origin": f"{PAGE}/"}},
    "a path": {"client": {"origin": f"{PAGE}/login"}},
    "a user before the host": {"client": {"origin": "http://localhost:8080@evil.example"}},
    "capitals": {"client": {"origin": "http://LOCALHOST:8080"}},
    "a dot behind": {"client": {"origin": "http://localhost.:8080"}},
    "an address": {"client": {"origin": "http://127.0.0.1:8080"}},
    "a homoglyph": {"client": {"origin": "http://localhοst:8080"}},
    "no page": {"client": {"origin": "null"}},
    "nothing": {"client": {"origin": ""}},
    "several": {"client": {"origin": [PAGE]}},
    "a list beside it": {"client": {"origin": "https://evil.example", "origins": [PAGE]}},
    "an app": {"client": {"origin": "android:apk-key-hash:" + "A" * 43}},
    "an extension": {"client": {"origin": "chrome-extension://" + "a" * 32}},
    "a file": {"client": {"origin": "file://"}},
    "a frame of another page": {"client": {"crossOrigin": True}},
    "a frame, said in words": {"client": {"crossOrigin": "false"}},
    "a page around it": {"client": {"topOrigin": "https://evil.example"}},
    "a passkey of another domain": {"rp_id": "evil.example"},
    "a passkey of a domain above": {"rp_id": "host"},
    "a passkey of an origin": {"rp_id": PAGE},
}
"""Pages that passkeys must not work on, and what a browser or a forger says there."""


async def test_no_other_page_can_use_or_make_a_passkey(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    one, _ = await passkey(ada)
    ask = Door("http")

    for trick, forged in FOREIGN.items():
        assert await come_in(post, one, **forged) == WRONG, trick
        made = Authenticator(PAGE).make(await ask(ada, "factors.new_passkey"), **forged)
        with pytest.raises(Refusal) as refused:
            await ask(ada, "factors.add_passkey", {"credential": made})
        assert (refused.value.status, refused.value.code) == (422, "factors.passkey_refused"), trick

    assert await come_in(post, one) == (200, None)
    assert len((await ask(ada, "factors.overview"))["passkeys"]) == 1


FORGED: dict[str, dict[str, Any]] = {
    "nobody was there": {"flags": VERIFIED},
    "nobody was verified": {"flags": PRESENT},
    "made, not used": {"client": {"type": "webauthn.create"}},
    "paid, not used": {"client": {"type": "payment.get"}},
    "signed by nobody": {"signature": bytes(70)},
    "an empty signature": {"signature": b""},
    "another text was signed": {"sent": b'{"type":"webauthn.get","challenge":"x","origin":"http://localhost:8080"}'},
    "another account's handle": {"handle": encoded(b"01999999-0000-7000-8000-000000000001")},
    "no handle": {"handle": ""},
    "a passkey that is not known": {"id": bytes(32)},
    "an empty id": {"id": b""},
}


async def test_a_forged_proof_opens_nothing(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    one, _ = await passkey(ada)

    for trick, forged in FORGED.items():
        assert await come_in(post, one, **forged) in {WRONG, GONE}, trick

    assert await come_in(post, one) == (200, None)


async def test_a_passkey_must_verify_its_person_and_bring_no_makers_word(people: People) -> None:
    (ada,) = await people("ada")
    ask = Door("http")

    forgeries: list[dict[str, Any]] = [
        {"flags": PRESENT | 64},
        {"flags": VERIFIED | 64},
        {"flags": PRESENT | VERIFIED},
        {"fmt": "packed", "statement": {"alg": -7, "sig": bytes(70)}},
        {"fmt": "none", "statement": {"alg": -7}},
        {"fmt": "made-up"},
        {"client": {"type": "webauthn.get"}},
        {"id": b""},
        {"id": bytes(1024)},
    ]
    for forged in forgeries:
        made = Authenticator(PAGE).make(await ask(ada, "factors.new_passkey"), **forged)
        with pytest.raises(Refusal) as refused:
            await ask(ada, "factors.add_passkey", {"credential": made})
        assert refused.value.code == "factors.passkey_refused", forged

    assert (await ask(ada, "factors.overview"))["passkeys"] == []


async def test_a_challenge_is_answered_once_and_for_what_it_was_given(
    people: People, post: Post, app: Apps, clock: TurnableClock
) -> None:
    ada, eve = await people("ada", "eve")
    one, _ = await passkey(ada)
    hers, _ = await passkey(eve)
    _, first = await post("login/passkey/options", {})
    used = one.use(first)
    opened = await ticket(post)
    again = await ada.ask("POST", "/api/auth/step-up/options")
    others = await eve.ask("POST", "/api/auth/step-up/options")
    new = await ada.ask("POST", "/api/auth/passkeys/options")

    assert (await post("login/passkey", {"credential": used}))[0] == 200
    assert await _login(post, used) == GONE
    for options in (again, others, new, {"challenge": encoded(b"made up")}, {"challenge": ""}):
        assert await _login(post, one.use(options)) == GONE
    _, first = await post("login/passkey/options", {})
    assert await second(post, opened, passkey=one.use(first)) == GONE
    with pytest.raises(Refusal) as refused:
        await eve.ask("POST", "/api/auth/step-up", {"passkey": hers.use(again)})
    assert refused.value.code == "factors.challenge_gone"
    _, late = await post("login/passkey/options", {})
    clock.advance(minutes=5)
    assert await _login(post, one.use(late)) == GONE


async def _login(post: Post, credential: dict[str, Any]) -> tuple[int, str | None]:
    status, answer = await post("login/passkey", {"credential": credential})
    return status, answer.get("code")


async def test_one_proof_at_two_servers_at_once_signs_in_once(
    cluster: Cluster, server: Server, people: People, post: Post
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    one, _ = await passkey(ada)
    for _ in range(2):
        _, options = await post("login/passkey/options", {})
        body = {"credential": one.use(options)}

        answers = await asyncio.gather(*(post("login/passkey", body, at=where) for where in (server, other)))

        assert sorted(status for status, _ in answers) == [200, 410]


async def test_a_passkey_of_one_account_opens_no_other(people: People, post: Post, mongo: Mongo) -> None:
    """Neither as a second factor, nor by making one with its id, nor by saying that it is somebody else's."""
    ada, eve = await people("ada", "eve")
    one, _ = await passkey(ada)
    hers, _ = await passkey(eve)
    opened = await ticket(post)
    _, options = await post("login/passkey/options", {"ticket": opened})

    assert await second(post, opened, passkey=hers.use(options)) == WRONG
    twin = Authenticator(PAGE)
    made = twin.make(await eve.ask("POST", "/api/auth/passkeys/options"), id=one.id)
    with pytest.raises(Refusal) as taken:
        await eve.ask("POST", "/api/auth/passkeys", {"credential": made})
    assert await come_in(post, hers, id=one.id, handle=one.handle) == WRONG
    assert await come_in(post, hers, handle=one.handle) == WRONG
    (adas,) = (await ada.ask("GET", "/api/auth/factors"))["passkeys"]
    for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
        status, refused = await eve.http(method, f"/api/auth/passkeys/{adas['id']}", body)
        assert (status, refused["code"]) == (404, "factors.passkey_not_found")

    assert (taken.value.status, taken.value.code) == (409, "factors.passkey_taken")
    assert await come_in(post, one) == (200, None)
    assert await mongo.collection("factors").count({}) == 2


async def test_a_counter_that_does_not_grow_is_refused(people: People, post: Post) -> None:
    """It may be a copy."""
    (ada,) = await people("ada")
    one, _ = await passkey(ada)
    assert await come_in(post, one, counter=7) == (200, None)

    for counter in (7, 6, 1, 0):
        assert await come_in(post, one, counter=counter) == WRONG

    assert await come_in(post, one, counter=8) == (200, None)


async def test_a_synchronised_passkey_never_counts_and_may(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    one, added = await passkey(ada, synced=True)

    assert added["passkey"]["synced"]
    for _ in range(3):
        assert await come_in(post, one) == (200, None)


async def test_passkeys_have_names_and_are_twenty_at_most(
    cluster: Cluster, people: People, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXEE_FACTORS_MAX_PASSKEYS", "2")
    small = await cluster()
    (ada,) = await people("ada", at=small)
    _, first = await passkey(ada, door=door)
    one, another = await passkey(ada, door=door)

    with pytest.raises(Refusal) as full:
        await passkey(ada, door=door)
    made = one.make(await door(ada, "factors.new_passkey"))
    with pytest.raises(Refusal) as taken:
        await door(ada, "factors.add_passkey", {"credential": made})
    renamed = await door(ada, "factors.rename_passkey", {"passkeyId": first["passkey"]["id"], "name": " Key $1 "})

    assert (full.value.code, taken.value.code) == ("factors.too_many_passkeys", "factors.too_many_passkeys")
    assert (renamed["name"], another["passkey"]["name"]) == ("Key $1", "Python")
    assert (len(first["recoveryCodes"]), another["recoveryCodes"]) == (10, [])


async def test_with_the_last_of_several_factors_the_recovery_codes_go(people: People, app: Apps, post: Post) -> None:
    (ada,) = await people("ada")
    await app(ada)
    _, added = await passkey(ada)

    await ada.ask("DELETE", "/api/auth/factors/totp")
    left = await ada.ask("GET", "/api/auth/factors")
    await ada.ask("DELETE", f"/api/auth/passkeys/{added['passkey']['id']}")

    assert (added["recoveryCodes"], left["totpSince"], left["recoveryCodesLeft"]) == ([], None, 10)
    none: dict[str, Any] = {"totpSince": None, "passkeys": [], "recoveryCodesLeft": 0}
    assert await ada.ask("GET", "/api/auth/factors") == none
    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 200


async def test_a_suspended_account_is_not_entered_by_its_passkey(server: Server, people: People, post: Post) -> None:
    (ada,) = await people("ada")
    one, _ = await passkey(ada)
    await server.app.mongo.transact(lambda: server.service("users").suspend(ada.id))

    assert await come_in(post, one) == (403, "auth.account_suspended")


async def test_a_passkey_is_found_by_an_index(server: Server) -> None:
    assert await indexes_of(server, "factors", {"passkeys.credentialId": "x"}) == {"credential"}
    assert await indexes_of(server, "factors", {"_id": "x", "passkeys.id": "y"}) == {"_id_"}
