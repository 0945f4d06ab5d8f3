"""What the engine may know of second factors."""

from handlers.auth.service import Auth, SecondFactors
from handlers.factors.events import EVENTS
from handlers.factors.routes import routes
from handlers.factors.service import ERRORS, Factors, Passkeys, Prover, Vault
from handlers.factors.settings import FactorsSettings
from handlers.factors.store import FACTORS, INDEXES, FactorStore
from handlers.users.events import UserErased
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Factors:
    store, vault, auth = FactorStore(kit.collection(FACTORS)), Vault(), kit.service(Auth)
    settings = kit.settings(FactorsSettings)
    passkeys = Passkeys(store, auth, settings, kit.clock)
    return Factors(
        store,
        vault=vault,
        passkeys=passkeys,
        prover=Prover(store, vault, passkeys, auth, kit.clock, spend=kit.spend),
        auth=auth,
        users=kit.service(Users),
        settings=settings,
        clock=kit.clock,
        transact=kit.mongo.transact,
        publish=kit.publish,
    )


async def _forget(factors: Factors, event: UserErased) -> None:
    await factors.forget(event.payload.user_id)


manifest = Slice(
    name="factors",
    service=Factors,
    build=_build,
    needs=("users", "auth"),
    routes=routes,
    events=EVENTS,
    collections=(Stored(FACTORS, Personal(("_id",), erase="delete"), INDEXES),),
    permissions=(Permission("factors:manage", "See and change one's own second factors"),),
    settings=FactorsSettings,
    errors=ERRORS,
    hears=(Hears(UserErased, _forget),),
    provides={SecondFactors: lambda factors: factors},
    start=Factors.start,
)
