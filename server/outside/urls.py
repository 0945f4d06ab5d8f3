"""Whether an address may be fetched, as far as its text tells. What is parsed here is what is fetched: one parser."""

import re
from ipaddress import IPv4Address, ip_address

from yarl import URL

from server.outside.addresses import is_public
from server.outside.rules import NotPermitted, Rules

MAX_URL = 2048

_UNFIT = re.compile(r"[\x00-\x20\x7f-\xa0\\\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
"""What parsers drop, turn into something else, or do not show."""
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A name with a dot whose last part begins with a letter. So it is never a number in one of its many spellings."""
_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_INSIDE = re.compile(r".*\.(?:localhost|local|internal|intranet|lan|home|corp|private|onion|arpa|invalid|test|example)")
"""Names that mean something else on each network, or nothing."""


def parsed(text: str, rules: Rules, *, beside: URL | None = None) -> URL:
    """The address that the text names (where it stands in for a part, that of `beside`). Raises NotPermitted."""
    if len(text) > MAX_URL or _UNFIT.search(text):
        raise NotPermitted("the address is too long, or has characters in it that do not belong there")
    try:
        url = URL(text) if beside is None else beside.join(URL(text))
    except (ValueError, TypeError) as error:
        raise NotPermitted(f"it is no address: {error}") from error
    return checked(url, rules)


def checked(url: URL, rules: Rules) -> URL:
    """The address without its fragment, if its scheme, host and port are such as may be. Raises NotPermitted."""
    if url.scheme not in rules.schemes:
        raise NotPermitted(f"the scheme {url.scheme or 'of nothing'} is not fetched")
    if url.raw_user is not None or url.raw_password is not None or "@" in url.raw_authority:
        raise NotPermitted("an address with a user name is not fetched")
    if url.port not in rules.ports:
        raise NotPermitted(f"the port {url.port} is not fetched")
    check_host(url.raw_host or "", rules)
    return url.with_fragment(None)


def check_host(host: str, rules: Rules) -> None:
    """Raises NotPermitted unless the host is a name of the public Internet, or a public address in its usual form."""
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        if isinstance(address, IPv4Address) and str(address) != host:
            raise NotPermitted(f"{host} is an unusual spelling of an address")
        check_address(host, rules)
    elif not (_NAME.fullmatch(host) and not _INSIDE.fullmatch(host)) and not (
        rules.own_networks and (_NAME.fullmatch(host) or _LABEL.fullmatch(host))
    ):
        raise NotPermitted(f"{host or 'nothing'} is no name of the public Internet")


def check_address(address: str, rules: Rules) -> None:
    """Raises NotPermitted unless the address is public, or in a network that is the operator's own."""
    if is_public(address):
        return
    try:
        found = ip_address(address)
    except ValueError:
        raise NotPermitted(f"{address} is no address") from None
    if not any(found in network for network in rules.own_networks):
        raise NotPermitted(f"{address} is not public")
