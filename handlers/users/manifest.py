"""What the engine may know of accounts."""

from handlers.users.events import EVENTS
from handlers.users.jobs import JOBS
from handlers.users.routes import routes
from handlers.users.service import ERRORS, Discovery, Relations, Reports, Sessions, Users
from handlers.users.store import REPORT_INDEXES, REPORTS, USER_INDEXES, USERS, ReportStore, UserStore
from server.slices import Kit, Permission, Personal, Slice, Stored
from storage.numbers import Numbers


def _build(kit: Kit) -> Users:
    store = UserStore(kit.collection(USERS), Numbers(kit.mongo))
    relations = kit.ask(Relations)  # type: ignore[type-abstract]  # a port is a Protocol
    return Users(
        store,
        discovery=Discovery(store, relations=relations),
        reports=Reports(
            ReportStore(kit.collection(REPORTS)),
            store,
            clock=kit.clock,
            relations=relations,
            transact=kit.mongo.transact,
            publish=kit.publish,
        ),
        publish=kit.publish,
        clock=kit.clock,
        transact=kit.mongo.transact,
        relations=relations,
        sessions=kit.ask(Sessions),  # type: ignore[type-abstract]  # a port is a Protocol
    )


manifest = Slice(
    name="users",
    service=Users,
    build=_build,
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(USERS, Personal(("_id",), erase="delete"), USER_INDEXES),
        Stored(REPORTS, Personal(("reporterId", "userId"), erase="pseudonymise"), REPORT_INDEXES),
    ),
    permissions=(
        Permission("user:read", "Read user profiles"),
        Permission("user:update", "Update own profile"),
        Permission("user:delete", "Delete own account"),
        Permission("user:inspect", "Read every profile whatever its visibility", roles=("admin",)),
    ),
    errors=ERRORS,
    jobs=JOBS,
    asks=(Relations, Sessions),
)
