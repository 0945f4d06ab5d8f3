"""What this slice refuses."""

from server.errors import Conflict, MixeeError


class PlatformOff(Conflict):
    """This server sends no notifications by that service."""

    code = "push.platform_off"

    def __init__(self, platform: str) -> None:
        super().__init__(f"This server has no key for {platform}: see GET /api/push for what it has.")


ERRORS: tuple[type[MixeeError], ...] = (PlatformOff,)
