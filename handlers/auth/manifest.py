"""What the engine may know of signing in."""

from crypto.passwords import Passwords
from handlers.auth.events import EVENTS
from handlers.auth.routes import routes
from handlers.auth.service import (
    ERRORS,
    Auth,
    Challenges,
    Guard,
    Keys,
    PasswordPool,
    Post,
    Proofs,
    Revocations,
    SecondFactors,
    SessionBook,
    Tickets,
)
from handlers.auth.settings import AuthSettings
from handlers.auth.store import (
    CREDENTIALS,
    DEVICE_INDEXES,
    DEVICES,
    KEYS,
    PROOF_INDEXES,
    PROOFS,
    REVOCATION_INDEXES,
    REVOCATIONS,
    SESSION_INDEXES,
    SESSIONS,
    SPENT,
    SPENT_INDEXES,
    TICKET_INDEXES,
    TICKETS,
    CredentialStore,
    DeviceStore,
    FailureStore,
    KeyStore,
    ProofStore,
    RevocationStore,
    SessionStore,
    SpentStore,
    TicketStore,
)
from handlers.mail.service import Mail
from handlers.users.events import UserErased
from handlers.users.service import Sessions, Users
from server.actors import Authenticator
from server.hub.connections import Connection
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Auth:
    settings = kit.settings(AuthSettings)
    clock, transact, users = kit.clock, kit.mongo.transact, kit.service(Users)
    credentials = CredentialStore(kit.collection(CREDENTIALS))
    revoked = RevocationStore(kit.collection(REVOCATIONS))
    keys = Keys(KeyStore(kit.collection(KEYS)), clock, signing_seed=settings.signing_seed)
    post = Post(kit.service(Mail), clock, app_url=settings.app_url)
    pool = PasswordPool(
        Passwords(memory_kib=settings.argon2_memory_kib, passes=settings.argon2_passes),
        threads=settings.hash_threads,
        waiting=settings.hash_waiting,
    )
    challenges = Challenges(SpentStore(kit.collection(SPENT)), keys, clock)
    tickets = Tickets(TicketStore(kit.collection(TICKETS)), settings, clock)
    revocations = Revocations(revoked, clock, cut=kit.cut)
    book = SessionBook(
        SessionStore(kit.collection(SESSIONS)),
        DeviceStore(kit.collection(DEVICES)),
        revoked,
        revocations=revocations,
        users=users,
        keys=keys,
        settings=settings,
        roles=kit.roles,
        clock=clock,
        transact=transact,
        publish=kit.publish,
        cut=kit.cut,
    )
    proofs = Proofs(
        ProofStore(kit.collection(PROOFS)),
        credentials,
        users=users,
        book=book,
        keys=keys,
        pool=pool,
        post=post,
        tickets=tickets,
        settings=settings,
        clock=clock,
        transact=transact,
    )
    return Auth(
        credentials,
        users=users,
        book=book,
        proofs=proofs,
        revocations=revocations,
        tickets=tickets,
        guard=Guard(FailureStore(kit.redis, namespace=kit.namespace), challenges, settings, clock, on=kit.limited),
        challenges=challenges,
        factors=kit.ask(SecondFactors),  # type: ignore[type-abstract]  # a port is a Protocol
        keys=keys,
        pool=pool,
        post=post,
        clock=clock,
        transact=transact,
        publish=kit.publish,
    )


async def _connected(auth: Auth, connection: Connection) -> None:
    await auth.revocations.connected(connection)


async def _disconnected(auth: Auth, connection: Connection) -> None:
    await auth.revocations.disconnected(connection)


async def _forget(auth: Auth, event: UserErased) -> None:
    await auth.forget(event.payload.user_id)


manifest = Slice(
    name="auth",
    service=Auth,
    build=_build,
    needs=("users", "mail"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(CREDENTIALS, Personal(("_id",), erase="delete")),
        Stored(SESSIONS, Personal(("userId",), erase="delete"), SESSION_INDEXES),
        Stored(REVOCATIONS, None, REVOCATION_INDEXES),
        Stored(PROOFS, Personal(("userId",), erase="delete"), PROOF_INDEXES),
        Stored(DEVICES, Personal(("userId",), erase="delete"), DEVICE_INDEXES),
        Stored(TICKETS, Personal(("userId",), erase="delete"), TICKET_INDEXES),
        Stored(SPENT, None, SPENT_INDEXES),
        Stored(KEYS, None),
    ),
    permissions=(Permission("session:manage", "See and end own sessions"),),
    settings=AuthSettings,
    errors=ERRORS,
    hears=(Hears(UserErased, _forget),),
    provides={Authenticator: lambda auth: auth.book, Sessions: lambda auth: auth.book},
    asks=(SecondFactors,),
    start=Auth.start,
    stop=Auth.stop,
    connected=_connected,
    disconnected=_disconnected,
)
