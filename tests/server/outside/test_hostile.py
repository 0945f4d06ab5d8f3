"""No address that a stranger may think of makes this server connect to a place that is not public."""

import ipaddress
import socket
from collections.abc import Awaitable
from typing import Any

import pytest

from server.outside import Answer, NotPermitted, NotReached, OutsideError, Rules, fetching
from server.outside.urls import parsed
from tests.server.outside.conftest import Attempts, Listener, Ways, redirect

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
PUBLIC = "93.184.215.14"

HOSTILE = [
    # this machine, as it is usually spelled
    "http://127.0.0.1:{port}/",
    "http://127.0.0.2:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.localdomain:{port}/",
    "http://anything.localhost:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "https://127.0.0.1:{port}/",
    # decimal, octal, hexadecimal, short
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.0.0.01:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://00000177.1:{port}/",
    "http://4294967297:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.0.0.1..:{port}/",
    "http://localhost.:{port}/",
    # nothing in particular
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://[::]:{port}/",
    "http://[0000::0]:{port}/",
    "http://:{port}/",
    "http:///{port}",
    # IPv4 inside of IPv6
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2002:a9fe:a9fe::1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::a9fe:a9fe]:{port}/",
    "http://[64:ff9b:1::127.0.0.1]:{port}/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",
    # networks behind the wall
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[100::1]/",
    # metadata of clouds
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/latest/meta-data/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/latest/",
    "http://168.63.129.16/machine/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata/computeMetadata/v1/",
    # user names
    "http://user@127.0.0.1:{port}/",
    "http://shop.example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@shop.example.com/",
    "http://shop.example.com:80@127.0.0.1:{port}/",
    "http://@shop.example.com/",
    "http://a:b@shop.example.com/",
    # characters that are taken for others
    "http://１２７.０.０.１:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛocalhost:{port}/",
    "http://loc\u00adalhost:{port}/",
    "http://127.0.0.1\u200b:{port}/",
    "http://%6c%6f%63%61%6c%68%6f%73%74:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://127.0.0.1%00.shop.example.com:{port}/",
    "http://127.0.0.1%2f.shop.example.com:{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1\n.shop.example.com:{port}/",
    " http://127.0.0.1:{port}/",
    "http://shop.example.com\\@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "http://shop.example.com #@127.0.0.1:{port}/",
    "http://shop.example.com\r\nHost: 127.0.0.1/",
    # other schemes, no scheme, other ports
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "dict://127.0.0.1:{port}/stats",
    "ldap://127.0.0.1:{port}/",
    "unix:///var/run/docker.sock",
    "data:text/html,hello",
    "javascript:alert(1)",
    "ws://127.0.0.1:{port}/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}/",
    "http:127.0.0.1:{port}",
    "http://shop.example.com:22/",
    "http://shop.example.com:6379/",
    "http://shop.example.com:0/",
    "http://shop.example.com:99999/",
    "http://shop.example.com:80:{port}/",
    # names of networks
    "http://printer/",
    "http://printer.local/",
    "http://db.internal/",
    "http://router.home.arpa/",
    "http://shop..example.com/",
    "http://.example.com/",
    "http://" + "a" * 64 + ".example.com/",
    "http://shop.example.com/" + "x" * 2048,
    "",
]


async def nowhere(host: str, port: int) -> list[str]:
    """A lookup that finds this machine behind every name, as an attacker's would."""
    return ["127.0.0.1"]


def test_there_are_more_than_forty_hostile_addresses() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) > 100


async def refused(fetching: Awaitable[Answer]) -> str:
    """How a fetch was refused; what it fetched, when it was not."""
    try:
        return f"fetched {(await fetching).body!r}"
    except OutsideError as error:
        return type(error).__name__


async def test_a_hostile_address_makes_no_connection(way: Ways, listener: Listener, attempts: Attempts) -> None:
    outside = way(nowhere)

    found = {}
    for url in HOSTILE:
        given = url.replace("{port}", str(listener.port))
        ways = {await refused(outside.get(given)), await refused(outside.post(given, b"{}", headers={}))}
        found[url] = (ways, list(attempts.to))

    assert found == dict.fromkeys(HOSTILE, ({"NotPermitted"}, []))
    assert listener.connections == 0


async def test_a_redirect_to_a_hostile_address_is_not_followed(
    way: Ways, listener: Listener, attempts: Attempts
) -> None:
    """The listener is let in by one address, as if that were public; what it leads to is not."""
    outside = way(nowhere, own_networks=PRETENDED)
    first = ("127.0.0.7", listener.port)
    urls = [url for url in HOSTILE if url.isascii() and not set(url) & set("\r\n\t")]  # what a head of HTTP can say
    found = {}
    for url in urls:
        target = url.replace("{port}", str(listener.port))
        listener.answer = lambda _, target=target: redirect(target)  # type: ignore[misc]
        attempts.to.clear()
        how = await refused(outside.get(f"http://127.0.0.7:{listener.port}/"))
        found[url] = (how, {address[:2] for address in attempts.to})

    relative = {"http:///{port}", "http:127.0.0.1:{port}", ""}  # places of the same server, and so on without end
    assert found == {url: ("NotReached" if url in relative else "NotPermitted", {first}) for url in urls}
    assert len(urls) > 90


PRETENDED = (ipaddress.ip_network("127.0.0.7/32"),)


async def test_the_listener_would_have_been_reached_without_the_rule(
    way: Ways, listener: Listener, attempts: Attempts
) -> None:
    open_way = way(own_networks=LOOPBACK)

    for host in ("127.0.0.1", "[::1]", "localhost"):
        answer = await open_way.get(f"http://{host}:{listener.port}/")
        assert (answer.status, answer.body, answer.is_whole) == (200, b"secret", True)

    assert listener.connections == 3
    assert len(attempts.to) >= 3


BEHIND: dict[str, list[str]] = {
    "this machine": ["127.0.0.1"],
    "this machine by IPv6": ["::1"],
    "metadata": ["169.254.169.254"],
    "a private network": ["10.1.2.3"],
    "mapped": ["::ffff:127.0.0.1"],
    "6to4": ["2002:7f00:1::"],
    "link-local with a zone": ["fe80::1%lo"],
    "one public and one private": [PUBLIC, "127.0.0.1"],
    "no address at all": ["shop.example.com"],
}


async def test_a_name_that_leads_inside_is_not_connected_to(way: Ways, listener: Listener, attempts: Attempts) -> None:
    for behind in BEHIND.values():

        async def lookup(host: str, port: int, behind: list[str] = behind) -> list[str]:
            return behind

        with pytest.raises(NotPermitted):
            await way(lookup).get(f"http://shop.example.com:{listener.port}/")

    assert (attempts.to, listener.connections) == ([], 0)


async def test_a_name_that_changes_between_two_lookups_leads_nowhere(
    way: Ways, listener: Listener, attempts: Attempts
) -> None:
    """A rebinding name: public when it is looked at, this machine when it is connected to, and so on by turns."""
    asked = 0

    async def turning(host: str, port: int) -> list[str]:
        nonlocal asked
        asked += 1
        return [PUBLIC] if asked % 2 else ["127.0.0.1"]

    outside = way(turning)
    found: list[type[Exception]] = []
    for _ in range(6):
        with pytest.raises((NotPermitted, NotReached)) as refused:
            await outside.get(f"http://shop.example.com:{listener.port}/")
        found.append(refused.type)

    assert found == [NotReached, NotPermitted] * 3  # the hook lets nobody out to the public address
    assert {address[0] for address in attempts.to} == {PUBLIC}
    assert listener.connections == 0


async def test_what_is_connected_to_is_looked_at_once_more_whatever_the_lookup_let_through(
    way: Ways, listener: Listener, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the check of what was looked up taken away, as by a fault in it, the one at the socket stands alone."""

    async def blind(self: Any, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[Any]:
        found = {"hostname": host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [{**found, "host": "127.0.0.1"}, {**found, "host": "::1", "family": socket.AF_INET6}]

    monkeypatch.setattr(fetching._Resolver, "resolve", blind)

    with pytest.raises(NotPermitted):
        await way().get(f"http://shop.example.com:{listener.port}/")

    assert (attempts.to, listener.connections) == ([], 0)


GOOD = {
    "http://example.com/": "http://example.com/",
    "https://Shop.Example.COM/a?b=c#d": "https://shop.example.com/a?b=c",
    "https://faß.de/": "https://xn--fa-hia.de/",
    "http://93.184.215.14/": "http://93.184.215.14/",
    "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/": "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "http://[64:ff9b::5db8:d70e]/": "http://[64:ff9b::5db8:d70e]/",
    "https://a_b.example.com:443/": "https://a_b.example.com/",
    "https://1st.example.com/": "https://1st.example.com/",
}


def test_what_is_public_is_let_through() -> None:
    assert {url: str(parsed(url, Rules())) for url in GOOD} == GOOD
