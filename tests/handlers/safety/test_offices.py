"""Who is a moderator or an admin: given and taken by admins, seen in the audit log, and never the last one lost."""

import asyncio
from typing import Any

import pytest

from handlers.safety.service.errors import LastAdmin, NoSuchAccount
from tests.conftest import Cluster, People
from tests.handlers.chat.test_plans import indexes_of
from tests.handlers.safety.helpers import appoint, sign_in
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server, until


async def refusal(door: Door, who: Person, wanted: dict[str, Any]) -> str:
    """The code of an appointment that is refused."""
    with pytest.raises(Refusal) as refused:
        await door(who, "safety.appoint", wanted)
    return refused.value.code


async def roles(door: Door, who: Person) -> dict[str, str]:
    """Who has which office."""
    page = await door(who, "safety.offices", {"limit": 100})
    return {one["user"]["username"]: one["role"] for one in page["offices"]}


async def test_an_admin_makes_a_moderator_who_has_the_office_after_signing_in(
    server: Server, people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    await appoint(server, ada, "admin")

    given = await door(ada, "safety.appoint", {"userId": bob.id, "role": "moderator", "note": "Helps"})
    bob.tokens = (await sign_in(bob))["tokens"]

    assert (given["user"]["id"], given["role"], given["active"]) == (bob.id, "moderator", True)
    assert await roles(door, ada) == {"ada": "admin", "bob": "moderator"}
    assert (await bob.http("GET", "/api/moderation/reports"))[0] == 200
    (line,) = (await door(ada, "safety.audit", {"userId": bob.id}))["lines"]
    assert (line["action"], line["by"], line["note"]) == ("user.appointed", ada.id, "user -> moderator: Helps")


async def test_who_loses_an_office_is_cut_off_on_every_node_within_two_seconds(
    cluster: Cluster, people: People
) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    await appoint(ada.server, ada, "admin")
    await appoint(ada.server, bob, "admin")
    here, there = await bob.socket(), await bob.at(other).socket()
    loop = asyncio.get_running_loop()
    began = loop.time()

    await ada.ask("PUT", f"/api/moderation/users/{bob.id}/role", {"role": "user"})
    codes = [await socket.next("session:closed") for socket in (here, there)]
    await asyncio.gather(here.closed.wait(), there.closed.wait())

    assert loop.time() - began < 2.0
    assert codes == [{"code": "role_changed"}] * 2

    async def refused() -> bool:
        return (await bob.at(other).http("GET", "/api/moderation/offices"))[0] == 401

    await until(refused)
    bob.tokens = (await sign_in(bob))["tokens"]
    assert (await bob.http("GET", "/api/moderation/offices"))[0] == 403


async def test_the_last_admin_stays_one(server: Server, people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await appoint(server, ada, "admin")

    alone = await refusal(door, ada, {"userId": ada.id, "role": "user"})
    await door(ada, "safety.appoint", {"userId": bob.id, "role": "admin"})
    await door(ada, "safety.appoint", {"userId": ada.id, "role": "user"})

    assert alone == "safety.last_admin"
    bob.tokens = (await sign_in(bob))["tokens"]
    assert await roles(door, bob) == {"bob": "admin"}


async def test_of_two_admins_who_depose_each_other_at_once_one_remains(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await appoint(server, ada, "admin")
    await appoint(server, bob, "admin")

    answers = await asyncio.gather(
        ada.http("PUT", f"/api/moderation/users/{bob.id}/role", {"role": "user"}),
        bob.http("PUT", f"/api/moderation/users/{ada.id}/role", {"role": "user"}),
    )

    first, second = sorted(status for status, _ in answers)
    assert first == 200
    assert second in {401, 403, 409}
    offices = await server.service("users").in_office(None, 10)
    assert [one.role for one in offices] == ["admin"]


async def test_an_admin_who_was_deposed_a_moment_ago_appoints_nobody(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await appoint(server, ada, "admin")
    store = server.service("users")._store
    await store.change_role(ada.id, "user", server.app.clock.now())  # his token still says admin

    status, answer = await ada.http("PUT", f"/api/moderation/users/{bob.id}/role", {"role": "admin"})

    assert (status, answer["code"]) == (403, "safety.not_admin")
    assert await server.service("users").in_office(None, 10) == []


async def test_only_admins_appoint_and_only_accounts_that_are_active(
    server: Server, people: People, door: Door
) -> None:
    ada, mod, bob, eve = await people("ada", "mod", "bob", "eve")
    await appoint(server, ada, "admin")
    await appoint(server, mod, "moderator")
    await eve.ask("DELETE", "/api/users/me")

    refused = [await refusal(door, who, {"userId": bob.id, "role": "admin"}) for who in (bob, mod)]
    gone = await refusal(door, ada, {"userId": eve.id, "role": "moderator"})
    stranger = await refusal(door, ada, {"userId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e", "role": "moderator"})

    assert refused == ["forbidden", "forbidden"]
    assert (gone, stranger) == ("safety.not_active", "safety.no_such_account")
    assert await roles(door, ada) == {"ada": "admin", "mod": "moderator"}


async def test_whoever_runs_the_server_gives_roles_by_name_or_address(server: Server, people: People) -> None:
    (ada,) = await people("ada")
    offices = server.service("safety").offices

    before = [await offices.grant(name, "admin") for name in ("Ada", ada.user["email"])]
    with pytest.raises(LastAdmin):
        await offices.grant("ada", "user")
    with pytest.raises(NoSuchAccount, match=r"Nobody is registered here as “nobody_here”\."):
        await offices.grant("nobody_here", "admin")

    ada.tokens = (await sign_in(ada))["tokens"]
    (line,) = (await ada.ask("GET", "/api/moderation/audit"))["lines"]
    assert before == ["user", "admin"]
    assert (line["by"], line["userId"], line["note"]) == (None, ada.id, "user -> admin: run.py grant")


async def test_the_questions_about_offices_are_answered_by_their_index(server: Server) -> None:
    from handlers.users.store import admin_where, in_office_where  # noqa: PLC0415 - a store's own words

    me = "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e"
    page = await indexes_of(server, "users", in_office_where(me), sort=[("_id", 1)], hint="offices")

    assert page == {"offices"}
    assert await indexes_of(server, "users", admin_where(me), hint="offices") == {"offices"}
