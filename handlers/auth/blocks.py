"""Blocks of addresses: what one household or one attacker's machine usually has, counted as one."""

from ipaddress import IPv4Address, ip_address, ip_network


def block_of(address: str) -> str:
    """The block of an address: 256 addresses of IPv4, a /48 of IPv6. What is no address is its own block."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    mapped = found if isinstance(found, IPv4Address) else found.ipv4_mapped or found
    return str(ip_network((mapped, 24 if mapped.version == 4 else 48), strict=False))
