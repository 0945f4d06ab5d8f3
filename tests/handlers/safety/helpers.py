"""What tests of safety say often."""

from typing import Any

from server.actors import Role
from tests.conftest import PASSWORD
from tests.harness.people import Person
from tests.harness.servers import Server


async def appoint(server: Server, who: Person, role: Role) -> Person:
    """Give somebody an office; he signs in again, since tokens carry the role."""
    await server.app.mongo.transact(lambda: server.service("users").change_role(who.id, role))
    who.tokens = (await sign_in(who))["tokens"]
    return who


async def sign_in(who: Person) -> Any:
    """Sign in by password; the answer."""
    return await who.ask("POST", "/api/auth/login", {"username": who.name, "password": PASSWORD})


async def heard(server: Server) -> None:
    """Wait until every slice has heard what was told so far."""
    await server.app.relay.settle()
