"""What may be fetched and how much of it, what comes back, and what can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


class OutsideError(Exception):
    """Nothing was fetched. The message is for the log: to a client it would tell what this server can reach."""


class NotPermitted(OutsideError):
    """The address leads, or may lead, where strangers must not send this server. Another attempt is no use."""


class NotReached(OutsideError):
    """The other side did not answer, not in time, or not as it should."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Bounds of every fetch."""

    schemes: frozenset[str] = frozenset({"https", "http"})
    ports: frozenset[int] = frozenset({443, 80})
    own_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that are not public and may be reached all the same. Names without a dot may be looked up then."""
    redirects: int = 3
    """Steps that are followed of one redirect to the next."""
    seconds: float = 10.0
    """For everything together: looking up, connecting, redirects, the body."""
    body_bytes: int = 512 * 1024
    at_once: int = 8
    """Connections that are open together."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    url: str
    """Where it came from, after all redirects."""
    status: int
    headers: Mapping[str, str]
    """By name, in lower case; of several of one name the last."""
    body: bytes
    is_whole: bool
    """Whether that is all; else it was cut at the bound."""

    @property
    def type(self) -> str:
        """The media type alone, in lower case; empty when it is not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
