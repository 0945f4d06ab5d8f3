"""The proxies of a cluster: one in each link between a server process and Redis, MongoDB and its clients."""

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from tests.chaos.proxy import Proxy

Kind = Literal["redis", "mongodb", "clients"]
KINDS: tuple[Kind, ...] = ("redis", "mongodb", "clients")


class Links:
    """Every link of a cluster, by what it leads to."""

    def __init__(self) -> None:
        self._proxies: dict[Kind, list[Proxy]] = {kind: [] for kind in KINDS}

    def of(self, kind: Kind) -> list[Proxy]:
        """The links of that kind, one for each server process."""
        return self._proxies[kind]

    async def environment(self, mongodb: str, redis: str) -> dict[str, str]:
        """Lay the links of one more process to its storage; what its environment says of them."""
        return {
            "MIXEE_MONGODB_URL": _direct(await self._lay("mongodb", mongodb)),
            "MIXEE_REDIS_URL": await self._lay("redis", redis),
        }

    async def front(self, port: int) -> str:
        """Lay the link of a process to its clients; where these connect."""
        return await self._lay("clients", f"http://127.0.0.1:{port}")

    async def stop(self) -> None:
        """Take all links away."""
        for proxies in self._proxies.values():
            for proxy in proxies:
                await proxy.stop()

    async def _lay(self, kind: Kind, url: str) -> str:
        parts = urlsplit(url)
        if parts.port is None:
            raise ValueError(f"no port in the URL of {kind}")
        proxy = Proxy(parts.port)
        await proxy.start()
        self._proxies[kind].append(proxy)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{proxy.port}"))


def _direct(url: str) -> str:
    """The same MongoDB, by this address alone: the driver must not go to the address that the set has of itself."""
    parts = urlsplit(url)
    options = [one for one in parts.query.split("&") if one and not one.startswith("replicaSet=")]
    return urlunsplit(parts._replace(query="&".join([*options, "directConnection=true"])))
