"""Authenticator apps and recovery codes."""

import asyncio
import base64

import pytest

from crypto.totp import STEP, code_at
from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD
from tests.handlers.factors.conftest import App, Apps, Outbox, Post, second, ticket
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server


async def test_with_an_app_the_password_alone_opens_nothing(
    people: People, post: Post, door: Door, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    app = App((await door(ada, "factors.propose_totp"))["secret"], clock)
    codes = (await door(ada, "factors.confirm_totp", {"code": app.code()}))["recoveryCodes"]

    status, refused = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"})
    before = (await door(ada, "auth.sessions"))["sessions"]
    done, answer = await post("login/second-factor", {"ticket": refused["data"]["ticket"], "code": app.code()})

    assert (status, refused["code"]) == (403, "auth.second_factor_needed")
    assert (refused["data"]["factors"], refused["data"]["expiresIn"]) == (["totp", "recovery"], 300)
    assert len(before) == 1
    assert (done, answer["user"]["id"]) == (200, ada.id)
    assert {one["deviceId"] for one in (await door(ada, "auth.sessions"))["sessions"]} >= {"laptop"}
    assert len(set(codes)) == 10
    mine = await door(ada, "factors.overview")
    assert (mine["totpSince"] is not None, mine["recoveryCodesLeft"]) == (True, 10)


async def test_an_app_is_a_factor_only_with_its_first_code(
    people: People, post: Post, door: Door, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    app = App((await door(ada, "factors.propose_totp"))["secret"], clock)

    for code, why in ((app.wrong(), "factors.wrong"), ("12345", "bad_request")):
        with pytest.raises(Refusal) as refused:
            await door(ada, "factors.confirm_totp", {"code": code})
        assert refused.value.code == why

    assert (await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "x"}))[0] == 200
    clock.advance(minutes=9)
    await door(ada, "factors.step_up", {"password": PASSWORD})
    clock.advance(minutes=7)
    with pytest.raises(Refusal) as late:
        await door(ada, "factors.confirm_totp", {"code": app.code()})
    assert late.value.code == "factors.nothing_proposed"


async def test_a_code_works_once_also_within_its_step_and_no_older_one_after_it(
    people: People, post: Post, app: Apps, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    clock.advance(seconds=90)
    with clock.still():
        step = int(clock.now().timestamp()) // STEP
        opened = [await ticket(post) for _ in range(4)]

        used = await second(post, opened[0], code=code_at(one.secret, step))
        again = await second(post, opened[1], code=code_at(one.secret, step))
        older = await second(post, opened[2], code=code_at(one.secret, step - 1))
        newer = await second(post, opened[3], code=code_at(one.secret, step + 1))

    assert (used, again, older) == ((200, None), (403, "factors.wrong"), (403, "factors.wrong"))
    assert newer == (200, None)


async def test_the_code_that_set_an_app_up_does_not_sign_in(people: People, post: Post, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    app = App((await ada.ask("POST", "/api/auth/factors/totp"))["secret"], clock)
    with clock.still():
        code = app.code()
        await ada.ask("POST", "/api/auth/factors/totp/confirm", {"code": code})

        assert await second(post, await ticket(post), code=code) == (403, "factors.wrong")


async def test_one_code_at_two_servers_at_once_signs_in_once(
    cluster: Cluster, server: Server, people: People, post: Post, app: Apps
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    one = await app(ada)
    for _ in range(2):
        code = one.code()
        opened = [await ticket(post, at=where) for where in (server, other, server, other)]

        answers = await asyncio.gather(
            *(second(post, each, at=where, code=code) for each, where in zip(opened, (server, other) * 2, strict=True))
        )

        assert sorted(answers, key=str) == [(200, None)] + [(403, "factors.wrong")] * 3


async def test_one_recovery_code_at_two_servers_at_once_signs_in_once(
    cluster: Cluster, server: Server, people: People, post: Post, app: Apps
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    one = await app(ada)
    for code in one.recovery[:2]:
        opened = [await ticket(post, at=where) for where in (server, other)]

        answers = await asyncio.gather(
            second(post, opened[0], at=server, recoveryCode=code), second(post, opened[1], at=other, recoveryCode=code)
        )

        assert sorted(answers, key=str) == [(200, None), (403, "factors.wrong")]
    assert (await ada.ask("GET", "/api/auth/factors"))["recoveryCodesLeft"] == 8


async def test_a_recovery_code_is_read_however_it_is_written_and_belongs_to_one_account(
    people: People, post: Post, app: Apps, outbox: Outbox
) -> None:
    ada, bob = await people("ada", "bob")
    hers, his = await app(ada), await app(bob)
    socket = await ada.socket()

    assert await second(post, await ticket(post), recoveryCode=his.recovery[0]) == (403, "factors.wrong")
    written = hers.recovery[0].replace("-", " ").upper()
    assert await second(post, await ticket(post), recoveryCode=written) == (200, None)

    assert (await socket.next("factors:changed"))["change"] == "recovery_code_used"
    assert "A recovery code was used; 9 are left." in (await outbox.to(ada.user["email"]))[-1]["text"]


async def test_new_recovery_codes_void_those_before(people: People, post: Post, app: Apps, door: Door) -> None:
    (ada,) = await people("ada")
    with pytest.raises(Refusal) as early:
        await door(ada, "factors.make_codes")
    before = (await app(ada)).recovery

    after = (await door(ada, "factors.make_codes"))["recoveryCodes"]

    assert early.value.code == "factors.none"
    assert len(set(after) - set(before)) == 10
    opened = await ticket(post)
    assert await second(post, opened, recoveryCode=before[0]) == (403, "factors.wrong")
    assert await second(post, opened, recoveryCode=after[0]) == (200, None)


async def test_with_the_last_factor_its_recovery_codes_go(
    people: People, post: Post, app: Apps, door: Door, outbox: Outbox
) -> None:
    (ada,) = await people("ada")
    await app(ada)
    with pytest.raises(Refusal) as second_app:
        await door(ada, "factors.propose_totp")

    await door(ada, "factors.remove_totp")

    assert second_app.value.code == "factors.totp_exists"
    assert await door(ada, "factors.overview") == {"totpSince": None, "passkeys": [], "recoveryCodesLeft": 0}
    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 200
    told = [one["text"].splitlines()[0] for one in await outbox.to(ada.user["email"])]
    assert told[-2:] == [
        "An authenticator app was added to your account.",
        "The authenticator app was removed from your account.",
    ]
    with pytest.raises(Refusal) as gone:
        await door(ada, "factors.remove_totp")
    assert gone.value.code == "factors.none"


async def test_what_is_stored_opens_no_account(people: People, app: Apps, mongo: Mongo) -> None:
    """Neither the secret of an app nor a recovery code is in the database, in any of their forms."""
    (ada,) = await people("ada")
    one = await app(ada)

    kept = await mongo.collection("factors").find_one({"_id": ada.id})

    assert kept is not None
    raw = bytes(kept["totp"]["secret"])
    assert one.secret not in raw
    assert base64.b32encode(one.secret) not in raw
    assert len(kept["recovery"]) == 10
    for code in one.recovery:
        assert code not in str(kept)
        assert code.replace("-", "") not in str(kept)


async def test_a_sealed_secret_is_of_no_use_to_another_account(
    people: People, post: Post, app: Apps, mongo: Mongo
) -> None:
    """Whoever can write into the database cannot give himself a second factor that he knows."""
    ada, eve = await people("ada", "eve")
    await app(ada)
    hers = await app(eve)
    stolen = await mongo.collection("factors").find_one({"_id": eve.id})
    assert stolen is not None
    await mongo.collection("factors").update_one({"_id": ada.id}, {"$set": {"totp": stolen["totp"]}})

    assert await second(post, await ticket(post), code=hers.code()) == (403, "factors.wrong")


async def test_secrets_move_to_a_new_key_when_they_are_used(
    cluster: Cluster, people: People, post: Post, app: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {name: base64.b64encode(bytes([number]) * 32).decode() for number, name in enumerate("ab")}
    (ada,) = await people("ada")
    one = await app(ada)  # by the cluster's own key
    for setting, name in ((f"a:{keys['a']}", b"\x01a"), (f"b:{keys['b']},a:{keys['a']}", b"\x01b")):
        monkeypatch.setenv("MIXEE_FACTORS_SEALING_KEYS", setting)
        later = await cluster()

        assert await second(post, await ticket(post, at=later), at=later, code=one.code()) == (200, None)

        kept = await later.app.mongo.collection("factors").find_one({"_id": ada.id})
        assert kept is not None
        assert bytes(kept["totp"]["secret"]).startswith(b"\x01" + name)
    monkeypatch.setenv("MIXEE_FACTORS_SEALING_KEYS", f"c:{keys['a']}")
    lost = await cluster()
    assert await second(post, await ticket(post, at=lost), at=lost, code=one.code()) == (403, "factors.wrong")


async def test_an_erased_person_leaves_no_factor(
    server: Server, people: People, app: Apps, mongo: Mongo, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    await app(ada)
    await ada.ask("DELETE", "/api/users/me")
    clock.advance(days=31)

    await server.service("users").erase_due()
    await server.app.relay.settle()

    assert await mongo.collection("factors").find_one({}) is None
