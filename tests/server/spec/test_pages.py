"""A running server serves its own description."""

import aiohttp

from server.app import release
from server.spec.files import documents
from server.spec.page import render
from tests.server.conftest import Engine


async def test_the_documents_and_the_page_are_served(engine: Engine) -> None:
    server = await engine()
    expected = documents(server.app.slices, release())
    page = render(server.app.slices, release())

    async with aiohttp.ClientSession(server.url) as http:
        for path, text, kind in (
            ("/openapi.json", expected["openapi.json"], "application/json"),
            ("/asyncapi.json", expected["asyncapi.json"], "application/json"),
            ("/docs", page.html, "text/html"),
            ("/docs", page.html, "text/html"),
        ):
            async with http.get(path) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
                assert await answer.text() == text

    assert answer.headers["Content-Security-Policy"] == page.policy
