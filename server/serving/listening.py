"""Takes the addresses to serve on before anything else is started: a port that is in use is the first thing said."""

import errno
import os
import socket
from contextlib import ExitStack
from typing import Any

_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""A name may stand for addresses that this machine does not have (localhost without IPv6)."""
_WILDCARDS = {"", "0.0.0.0", "::"}  # noqa: S104 - these are compared with, not listened on


class CannotListen(OSError):
    """The address cannot be had; the message says which and why."""


def take(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Sockets bound to every address that `host` stands for; none listens yet. Port 0 takes any free one.

    `shared`: several processes of this user may take the port, and the system spreads connections over those that
    listen. Raises CannotListen.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return _bind_all(found, shared=shared)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)
        raise CannotListen(
            f"Cannot listen on {place(host, port)}: {reason[:1].lower()}{reason[1:]}. Choose another --port or --host."
        ) from error


def reserve(host: str, port: int) -> list[socket.socket]:
    """Take a port for processes that will share it: it stays ours while they come and go. Raises CannotListen.

    It is tried alone first, since two strangers that both share would each get half of the connections.
    """
    with ExitStack() as alone:
        for one in take(host, port):
            alone.enter_context(one)
            port = one.getsockname()[1]
    return take(host, port, shared=True)


def place(host: str, port: int) -> str:
    """Host and port as in a URL; a wildcard reads as this machine."""
    shown = "localhost" if host in _WILDCARDS else host
    return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"


def _bind_all(found: list[Any], *, shared: bool) -> list[socket.socket]:
    bound: list[socket.socket] = []
    absent: OSError | None = None
    with ExitStack() as undo:
        for family, _, _, _, (name, port, *rest) in found:
            number = bound[0].getsockname()[1] if bound and port == 0 else port
            try:
                one = _bind(family, (name, number, *rest), shared=shared)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                absent = error
            else:
                bound.append(undo.enter_context(one))
        if absent is not None and not bound:
            raise absent
        undo.pop_all()
    return bound


def _bind(family: int, address: tuple[Any, ...], *, shared: bool) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port whose last connections still linger is free
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
    except BaseException:
        one.close()
        raise
    return one
