"""The client examples of the README do what they say, against a real server."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness.processes import NODE, PYTHON, ROOT, Program
from tests.harness.servers import Server

Run = Callable[..., Awaitable[Program]]


@pytest.fixture
async def run(server: Server, tmp_path: Path) -> AsyncIterator[Run]:
    """`await run("client.py", "ada", "bob")` starts an example on the test's server."""
    started: list[Program] = []
    # Node looks for packages beside a file: a newcomer's are beside the example, the tests' are in tests/js.
    (tmp_path / "node_modules").symlink_to(ROOT / "tests" / "js" / "node_modules")
    shutil.copy(ROOT / "examples" / "client.mjs", tmp_path)

    async def start(example: str, name: str, friend: str = "") -> Program:
        program = (NODE, str(tmp_path / example)) if example.endswith(".mjs") else (PYTHON, f"examples/{example}")
        started.append(await Program.start(*program, name, friend, server.url))
        return started[-1]

    yield start
    for one in started:
        await one.clear()


@pytest.mark.parametrize(("listening", "writing"), [("client.py", "client.mjs"), ("client.mjs", "client.py")])
async def test_one_writes_and_the_other_prints_what_arrives(run: Run, listening: str, writing: str) -> None:
    ada = await run(listening, "ada")
    await ada.says("ada is listening")

    bob = await run(writing, "bob", "ada")
    await bob.write("Hello Ada!")
    await bob.write("How are you?")
    bob.end_of_input()
    await ada.says("bob: How are you?")

    assert (await bob.ended(), bob.said) == (0, "")
    assert ada.out == ["ada is listening", "bob: Hello Ada!", "bob: How are you?"]
    assert ada.err == []


@pytest.mark.parametrize("example", ["client.py", "client.mjs"])
async def test_who_has_an_account_signs_in_to_it_again(run: Run, example: str) -> None:
    first = await run(example, "ada")
    await first.says("ada is listening")
    await first.clear()

    again = await run(example, "ada")

    await again.says("ada is listening")
    assert again.err == []
