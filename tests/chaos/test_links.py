"""A process whose links are laid reaches its storage through the proxies, with the login it had."""

import asyncio
from urllib.parse import urlsplit

from tests.chaos.links import KINDS, Links


async def test_the_urls_name_the_proxies_and_keep_the_login() -> None:
    links = Links()

    told = await links.environment("mongodb://a:b@127.0.0.1:1/?authSource=admin&replicaSet=mixee", "redis://:c@h:2/0")

    mongodb, redis = urlsplit(told["MIXEE_MONGODB_URL"]), urlsplit(told["MIXEE_REDIS_URL"])
    assert (mongodb.username, mongodb.password, mongodb.port) == ("a", "b", links.of("mongodb")[0].port)
    assert mongodb.query == "authSource=admin&directConnection=true"
    assert (redis.password, redis.port, redis.path) == ("c", links.of("redis")[0].port, "/0")
    await links.stop()


async def test_clients_reach_a_process_through_its_link() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    links = Links()

    front = urlsplit(await links.front(server.sockets[0].getsockname()[1]))
    reader, writer = await asyncio.open_connection(front.hostname, front.port)
    heard = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert heard == b"hello"
    assert [len(links.of(kind)) for kind in KINDS] == [0, 0, 1]
    await links.stop()
    server.close()
    await server.wait_closed()
