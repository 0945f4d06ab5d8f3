"""What the engine may know of AutoMod."""

from handlers.automod.events import EVENTS
from handlers.automod.routes import routes
from handlers.automod.service import ERRORS, AutoMod
from handlers.automod.settings import AutoModSettings
from handlers.automod.store import (
    ACT_INDEXES,
    ACTS,
    HELD,
    HELD_INDEXES,
    RULES,
    ActStore,
    Counters,
    HeldStore,
    RuleStore,
)
from handlers.chat.service import Chat, Screen
from handlers.users.events import UserErased
from server.slices import Hears, Kit, Personal, Slice, Stored


def _build(kit: Kit) -> AutoMod:
    return AutoMod(
        rules=RuleStore(kit.collection(RULES)),
        held=HeldStore(kit.collection(HELD)),
        acts=ActStore(kit.collection(ACTS)),
        counters=Counters(kit.redis, kit.clock, namespace=kit.namespace),
        chat=kit.service(Chat),
        publish=kit.publish,
        clock=kit.clock,
        settings=kit.settings(AutoModSettings),
    )


async def _erased(automod: AutoMod, event: UserErased) -> None:
    await automod.forget(event.payload.user_id)


manifest = Slice(
    name="automod",
    service=AutoMod,
    build=_build,
    needs=("users", "chat"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(RULES, Personal(("setBy",), erase="pseudonymise")),
        Stored(HELD, Personal(("userId", "decidedBy"), erase="delete"), HELD_INDEXES),
        Stored(ACTS, Personal(("userId", "by"), erase="pseudonymise"), ACT_INDEXES),
    ),
    settings=AutoModSettings,
    errors=ERRORS,
    hears=(Hears(UserErased, _erased),),
    provides={Screen: lambda automod: automod.judge},
)
