"""Which addresses of IP are public: pure functions over the registries of IANA for special purposes.

The standard library's `is_global` differs from one patch of Python to the next and knows neither what tunnels carry nor
the addresses of clouds, so the lists are here, and it is asked besides.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_CLOSED_4 = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by providers, and the metadata of a cloud (100.100.100.200)
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own server inside of every machine there
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and the metadata of a cloud (192.0.0.192)
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_OPEN_6 = IPv6Network("2000::/3")
"""All that is given out for the public. Not in it are loopback, mapped and compatible IPv4, link-local and so on."""
_CLOSED_6 = tuple(
    IPv6Network(one)
    for one in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: it carries an address of IPv4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: networks without IPv4 reach it by these addresses."""


def is_public(address: str) -> bool:
    """Whether an address, in its usual form, is one of the public Internet. What is no address is not."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _public_4(found) if isinstance(found, IPv4Address) else _public_6(found)


def _public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in one for one in _CLOSED_4)


def _public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address in _TRANSLATED:
        return _public_4(IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and address in _OPEN_6 and not any(address in one for one in _CLOSED_6)
