"""What devices may say of their notifications."""

from handlers.push.models import PushState, Registration
from handlers.push.service import PlatformOff, Push
from server.actors import Actor
from server.routes import Limit, Routes

routes = Routes("push")

# Messaging rules §5, “Link a device”: 6 at once, then one every two minutes.
_LINKS = (Limit(6, 120),)


@routes.command("GET /api/push", event="push:state", needs="session:manage")
async def state(push: Push, actor: Actor) -> PushState:
    """Which push services this server has, and which one this device uses."""
    return await push.state(actor)


@routes.command(
    "PUT /api/push/token", event="push:register", needs="session:manage", limits=_LINKS, errors=(PlatformOff,)
)
async def register(push: Push, actor: Actor, body: Registration) -> PushState:
    """Say where this device gets its notifications, in place of what it said before.

    It holds until the session ends. Whoever was signed in on this device before gets none there any more.
    """
    return await push.register(actor, body)


@routes.command("DELETE /api/push/token", event="push:unregister", needs="session:manage")
async def unregister(push: Push, actor: Actor) -> None:
    """Get no notifications on this device any more."""
    await push.unregister(actor)
