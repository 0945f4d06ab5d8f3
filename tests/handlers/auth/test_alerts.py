"""Sign-ins on devices that the account was never signed in on before."""

from storage.mongo import Mongo
from tests.conftest import PASSWORD, People
from tests.handlers.auth.conftest import Post
from tests.handlers.chat.test_plans import indexes_of
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


async def sign_in(post: Post, device: str | None, agent: str = FIREFOX) -> None:
    body = {"username": "ada", "password": PASSWORD} | ({"deviceId": device} if device else {})
    status, _ = await post("login", body, agent=agent)
    assert status == 200


async def notices(server: Server, person: Person) -> list[dict[str, object]]:
    await server.app.relay.settle()
    found = (await person.ask("GET", "/api/notices"))["notices"]
    return [one["subject"] for one in found if one["kind"] == "sign_in"]


async def test_a_sign_in_on_a_new_device_is_told_with_where_it_came_from(
    server: Server, people: People, post: Post
) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()

    await sign_in(post, "laptop")

    told = await socket.next("session:opened")
    assert (told["name"], told["platform"]) == ("Firefox on Linux", "web")
    assert (told["place"], told["isNew"]) == ("127.0.0.0/24", True)
    (about,) = await notices(server, ada)
    assert (about["name"], about["platform"], about["place"]) == ("Firefox on Linux", "web", "127.0.0.0/24")
    assert about["sessionId"] == told["sessionId"]


async def test_a_device_that_is_known_raises_no_alert_also_after_its_session_ended(
    server: Server, people: People, post: Post, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    await sign_in(post, "laptop")
    (first,) = await notices(server, ada)
    await ada.ask("DELETE", f"/api/auth/sessions/{first['sessionId']}")
    socket = await ada.socket()

    await sign_in(post, "laptop")

    assert (await socket.next("session:opened"))["isNew"] is False
    assert len(await notices(server, ada)) == 1


async def test_who_knows_the_name_of_a_device_is_not_taken_for_it_on_another_kind(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    await sign_in(post, "laptop")
    socket = await ada.socket()

    for device, agent in (("laptop", SAFARI), (None, FIREFOX), ("laptop 2", FIREFOX)):
        await sign_in(post, device, agent)
        assert (await socket.next("session:opened"))["isNew"] is True


async def test_an_erased_person_leaves_no_device(
    server: Server, people: People, post: Post, mongo: Mongo, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    await sign_in(post, "laptop")
    assert await mongo.collection("known_devices").count({}) == 1
    await ada.ask("DELETE", "/api/users/me")
    clock.advance(days=31)

    await server.service("users").erase_due()
    await server.app.relay.settle()

    assert await mongo.collection("known_devices").count({}) == 0


async def test_devices_of_a_person_are_found_by_an_index(server: Server) -> None:
    assert await indexes_of(server, "known_devices", {"userId": "x"}) == {"of_user"}
