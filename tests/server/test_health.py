"""What a balancer and an operator ask, answered truthfully."""

import aiohttp
import pytest

from server.edge.health import Health
from tests.server.conftest import Engine


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_a_running_server_is_alive_and_ready_and_tells_its_measures(engine: Engine) -> None:
    server = await engine()

    assert await _get(f"{server.url}/livez") == (200, '{"status":"alive"}')
    assert await _get(f"{server.url}/readyz") == (200, '{"status":"ready"}')
    status, measures = await _get(f"{server.url}/metrics")

    assert status == 200
    for name in ("http_request_duration_seconds_bucket", "active_users_total", "mixee_connections"):
        assert name in measures


@pytest.mark.parametrize("kind", [ConnectionError, ValueError])
async def test_a_part_that_fails_is_named(kind: type[Exception]) -> None:
    async def fine() -> None:
        return None

    async def broken() -> None:
        raise kind("no answer")

    health = Health({"mongodb": fine, "redis": broken}, version="1")

    assert await health.faults() == {"redis": f"{kind.__name__}: no answer"}


async def test_no_metric_is_labelled_with_an_id(engine: Engine) -> None:
    server = await engine()
    address = f"{server.url}/api/notes/01890a5d-ac96-774b-bcce-b302099a8057"
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer user:ada"}) as session:
        assert (await session.delete(address)).status == 204

    _, measures = await _get(f"{server.url}/metrics")

    assert "01890a5d" not in measures
    assert 'route="/api/notes/{noteId}"' in measures
