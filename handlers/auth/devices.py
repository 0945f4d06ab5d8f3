"""A readable name for a device, from what its client says of itself (the User-Agent header)."""

from typing import Literal

Platform = Literal["ios", "android", "web", "other"]

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
MAX_NAME = 60


_PLATFORMS: tuple[tuple[str, Platform], ...] = (("iPhone", "ios"), ("iPad", "ios"), ("Android", "android"))


def device_platform(user_agent: str) -> Platform:
    """What kind of device it is; `other` for what is neither a telephone, a tablet nor a browser."""
    mobile = next((platform for sign, platform in _PLATFORMS if sign in user_agent), None)
    return mobile or ("web" if any(sign in user_agent for sign, _ in _BROWSERS) else "other")


def device_name(user_agent: str) -> str:
    """Such as “Firefox on Linux”; the first product of the header when it is no browser; “Unknown device” without."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    product = user_agent.partition(" ")[0].partition("/")[0]
    printable = "".join(char for char in product if char.isprintable())
    return browser or system or printable[:MAX_NAME] or "Unknown device"
