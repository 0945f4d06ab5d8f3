"""A passkey in a real browser: Debian's Chromium, headless, with its virtual authenticator."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.conftest import Cluster, People
from tests.handlers.factors.conftest import Post
from tests.harness.chromium import BrowserError, Page, chromium
from tests.harness.servers import Server

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """The address of an empty page at localhost."""

    async def empty(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Passkeys</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


async def make(tab: Page, options: dict[str, Any]) -> dict[str, Any]:
    """What the page's script gets for a new passkey."""
    made = await tab.run(
        f"""(async () => {{
            const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON({orjson.dumps(options).decode()});
            return (await navigator.credentials.create({{ publicKey }})).toJSON();
        }})()"""
    )
    return dict(made)


async def use(tab: Page, options: dict[str, Any]) -> dict[str, Any]:
    """What the page's script gets for a passkey that there is."""
    used = await tab.run(
        f"""(async () => {{
            const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({orjson.dumps(options).decode()});
            return (await navigator.credentials.get({{ publicKey }})).toJSON();
        }})()"""
    )
    return dict(used)


@pytest.fixture
async def server(page: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server whose passkeys may be used on that page."""
    monkeypatch.setenv("MIXEE_FACTORS_PASSKEY_ORIGINS", page)
    return await cluster()


async def test_a_real_browser_makes_a_passkey_and_signs_in_with_it(
    server: Server, people: People, post: Post, page: str, tmp_path: Path
) -> None:
    (ada,) = await people("ada")
    async with chromium(tmp_path) as browser:
        tab = await browser.open(page)
        await tab.send("WebAuthn.enable")
        key = (await tab.send("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR))["authenticatorId"]

        made = await make(tab, await ada.ask("POST", "/api/auth/passkeys/options"))
        added = await ada.ask("POST", "/api/auth/passkeys", {"credential": made, "name": "Chromium"})
        (stored,) = (await tab.send("WebAuthn.getCredentials", authenticatorId=key))["credentials"]
        with pytest.raises(BrowserError, match="InvalidStateError"):
            await make(tab, await ada.ask("POST", "/api/auth/passkeys/options"))  # it has one of this account

        signed_in = []
        for _ in range(2):
            _, options = await post("login/passkey/options", {})
            signed_in.append(await post("login/passkey", {"credential": await use(tab, options)}))

        again = await use(tab, await ada.ask("POST", "/api/auth/step-up/options"))
        await ada.ask("POST", "/api/auth/step-up", {"passkey": again})

        await tab.send("WebAuthn.setUserVerified", authenticatorId=key, isUserVerified=False)
        _, options = await post("login/passkey/options", {})
        with pytest.raises(BrowserError, match="NotAllowedError"):
            await use(tab, options | {"timeout": 500})

    assert added["passkey"]["name"] == "Chromium"
    assert (stored["isResidentCredential"], stored["rpId"]) == (True, "localhost")
    assert [(status, answer["user"]["id"]) for status, answer in signed_in] == [(200, ada.id)] * 2
