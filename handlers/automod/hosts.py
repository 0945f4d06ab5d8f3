"""The hosts that a text names: in addresses, and on their own."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handlers.automod.folding import disguised, visible

# Bounded pieces, so that no text takes more than one pass: what stands before a name, the name, whether a path follows.
_PLACE = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{1,20}:[/\\]{2,8})?(?P<authority>[^\s/\\?#<>\"'()\[\]{},;|*]{1,255})(?P<path>/)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,10}[^\W\d_][\w-]{1,62}")
_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DOTS = str.maketrans({"。": ".", "｡": ".", "．": "."})


@dataclass(frozen=True, slots=True)
class Host:
    """A host that a text names."""

    name: str
    link: bool
    """Whether it is part of an address, and not only a name."""


def hosts(text: str) -> list[Host]:
    """Every host in a text, in lower case; encoded names as they are read."""
    words = visible(text).translate(_DOTS).split()
    return [host for word in words if "." in word or ":" in word for host in _named_in(word)]


def _named_in(word: str) -> Iterator[Host]:
    for match in _PLACE.finditer(word):
        scheme, authority = match["scheme"], match["authority"].rpartition("@")[2]
        name = _readable(re.sub(r":\d{0,5}$", "", authority.rstrip(".,:!")).rstrip(".").casefold())
        if name and (scheme or _NAME.fullmatch(name) or (match["path"] and _NUMBERS.fullmatch(name))):
            yield Host(name, bool(scheme or match["path"] or name.startswith("www.")))


def within(name: str, domains: Iterable[str]) -> str | None:
    """The one of these domains that a host belongs to."""
    return next((one for one in domains if name == one or name.endswith(f".{one}")), None)


def lookalike(name: str) -> str:
    """The name as it looks."""
    return disguised(name)


def domain_of(value: str) -> str:
    """A domain as an admin writes it, in the form in which hosts are compared. Raises ValueError."""
    name = _readable(visible(value).translate(_DOTS).casefold().removeprefix("*.").strip("."))
    if not (_NAME.fullmatch(name) or _NUMBERS.fullmatch(name)):
        raise ValueError("must be a domain such as example.com, without a scheme and a path")
    return name


def _readable(name: str) -> str:
    if "xn--" not in name:
        return name
    return ".".join(_label(label) for label in name.split("."))


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").casefold()
    except ValueError:
        return label
