"""What is fetched is bounded in every way, and nothing of this server goes with it."""

import ipaddress
from collections.abc import Callable

import pytest

from server.outside import NotPermitted, NotReached, Outside, Rules
from tests.server.outside.conftest import Listener, Ways, redirect, reply

HERE = (ipaddress.ip_network("127.0.0.0/8"),)


def address(listener: Listener, path: str = "/") -> str:
    return f"http://127.0.0.1:{listener.port}{path}"


async def test_redirects_are_followed_up_to_the_bound_and_no_further(way: Ways, listener: Listener) -> None:
    def step(head: str) -> bytes:
        number = int(head.split()[1].rpartition("/")[2])
        return reply(b"there") if number == 3 else redirect(f"../x/{number + 1}")

    listener.answer = step
    outside = way(own_networks=HERE)

    answer = await outside.get(address(listener, "/a/0"))
    with pytest.raises(NotReached, match="without end"):
        await outside.get(address(listener, "/a/-1"))

    assert (answer.body, answer.url) == (b"there", address(listener, "/x/3"))
    assert listener.connections == 4 + 4


async def test_a_body_is_cut_at_its_bound_however_it_is_sent(way: Ways, listener: Listener) -> None:
    outside = way(own_networks=HERE, body_bytes=100_000)
    piece = b"%x\r\n%s\r\n" % (1000, b"x" * 1000)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + piece * 5000
    answers: list[bytes] = [reply(b"x" * 5_000_000), chunked, reply(b"x" * 100_000)]

    found = []
    for one in answers:
        listener.answer = lambda _, one=one: one  # type: ignore[misc]
        answer = await outside.get(address(listener))
        found.append((len(answer.body), answer.is_whole))

    assert found == [(100_000, False), (100_000, False), (100_000, True)]


STUBBORN: dict[str, Callable[[str], bytes]] = {
    "says nothing": lambda _: b"",
    "is no HTTP": lambda _: b"SSH-2.0-OpenSSH_9.2\r\n",
    "a header without end": lambda _: reply(b"", "X: " + "x" * 20_000),
    "too many headers": lambda _: reply(b"", *(f"X-{n}: x" for n in range(200))),
    "a body that breaks off": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    "packed": lambda _: reply(b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("kind", STUBBORN)
async def test_a_server_that_misbehaves_is_not_reached(way: Ways, listener: Listener, kind: str) -> None:
    listener.answer = STUBBORN[kind]

    with pytest.raises(NotReached):
        await way(own_networks=HERE).get(address(listener))


async def test_a_server_that_takes_its_time_is_left_when_the_time_is_over(way: Ways, listener: Listener) -> None:
    listener.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
    listener.holds = True

    with pytest.raises(NotReached, match="TimeoutError"):
        await way(own_networks=HERE, seconds=0.3).get(address(listener))


async def test_nothing_of_this_server_goes_along(
    way: Ways, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cookies come back, and the proxies and passwords of the environment are not used."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.9:{listener.port}")
    listener.answer = lambda _: reply(b"", "Set-Cookie: a=b; Path=/")
    outside = way(own_networks=HERE)

    await outside.get(address(listener))
    await outside.get(address(listener, "/again"), accept="text/html")

    assert [head.splitlines() for head in listener.asked] == [
        [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{listener.port}",
            "User-Agent: Tests",
            "Accept-Encoding: identity",
            f"Accept: {accept}",
            "Connection: close",
            "",
        ]
        for path, accept in (("/", "*/*"), ("/again", "text/html"))
    ]


async def test_bytes_are_handed_over_and_a_redirect_is_the_answer(way: Ways, listener: Listener) -> None:
    listener.answer = lambda _: redirect(address(listener, "/elsewhere"), "307 Temporary Redirect")

    answer = await way(own_networks=HERE).post(address(listener), b"{}", headers={"Content-Type": "application/json"})

    assert (answer.status, answer.headers["location"]) == (307, address(listener, "/elsewhere"))
    assert listener.connections == 1
    assert listener.asked[0].startswith("POST / HTTP/1.1\r\n")


async def test_a_name_that_is_not_there_is_not_reached(way: Ways) -> None:
    async def nobody(host: str, port: int) -> list[str]:
        return []

    with pytest.raises(NotReached):
        await way(nobody).get("http://shop.example.com/")


async def test_the_system_looks_names_up_and_what_it_finds_is_checked(listener: Listener, way: Ways) -> None:
    """`localhost` is looked up by the system; in a network of one's own it may be reached, otherwise not."""
    networks = (*HERE, ipaddress.ip_network("::1/128"))
    with pytest.raises(NotPermitted):
        await way().get(f"http://localhost:{listener.port}/")

    answer = await way(own_networks=networks).get(f"http://localhost:{listener.port}/")

    assert answer.status == 200


async def test_a_way_that_was_never_used_closes_like_one_that_was() -> None:
    await Outside(Rules(), agent="Tests").close()
