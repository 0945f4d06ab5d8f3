"""Schemathesis calls every operation as the OpenAPI document describes it, well and badly, and checks each answer."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import People
from tests.harness.people import Person

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
)
"""`unsupported_method` is not among them: DELETE /x/{id} also takes /x/mine, for which the document has only GET."""

REFUSALS = (400, 401, 403, 404, 405, 409, 413, 415, 422)
"""Statuses that answer bad data; 413 is one when a list is too long for any body."""

ENDS_THE_SESSION = ("auth.logout", "auth.end_session", "users.delete")
"""Operations that sign their caller out: each has an account of its own."""

LONGEST_LINE = 400
"""Characters of a line of the report that are shown: a body that is too large need not be seen whole."""


async def schemathesis(person: Person, folder: Path, *options: str, known: Mapping[str, str] | None = None) -> None:
    """Run it against the person's server as that person; fails with its report when it found something.

    `known` are ids of things that exist, for the parameters of those names.
    """
    config = folder / f"{person.name}.toml"
    values = "".join(f"{name} = {json.dumps(value)}\n" for name, value in (known or {}).items())
    expected = f"[checks.negative_data_rejection]\nexpected-statuses = {list(REFUSALS)}\n"
    config.write_text(f"{expected}[parameters]\n{values}")
    program = (sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run")
    process = await asyncio.create_subprocess_exec(
        *program,
        f"{person.server.url}/openapi.json",
        f"--header=Authorization: Bearer {person.token}",
        f"--checks={','.join(CHECKS)}",
        "--generation-deterministic",
        "--no-color",
        "--request-timeout=10",
        *options,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
    )
    report, _ = await process.communicate()
    assert process.returncode == 0, "\n".join(line[:LONGEST_LINE] for line in report.decode().splitlines())


@pytest.mark.timeout(300)
async def test_no_operation_breaks_or_answers_what_is_not_documented(people: People, tmp_path: Path) -> None:
    (ada,) = await people("ada")
    others = [f"--exclude-operation-id={name}" for name in ENDS_THE_SESSION]

    await schemathesis(ada, tmp_path, "--phases=coverage,fuzzing", "--max-examples=5", *others)

    assert (await ada.ask("GET", "/api/users/me"))["id"] == ada.id, "something ended the session: the rest was untested"


@pytest.mark.parametrize("name", ENDS_THE_SESSION)
async def test_what_ends_a_session_is_as_documented_too(name: str, people: People, tmp_path: Path) -> None:
    (ada,) = await people("ada")

    await schemathesis(ada, tmp_path, "--phases=coverage,fuzzing", "--max-examples=5", f"--include-operation-id={name}")


@pytest.mark.timeout(300)
async def test_operations_on_things_that_exist_are_as_documented(people: People, tmp_path: Path) -> None:
    ada, bob = await people("ada", "bob")
    group = await ada.ask("POST", "/api/conversations", {"type": "group", "name": "Two", "participantIds": [bob.id]})
    message = await ada.ask("POST", f"/api/conversations/{group['id']}/messages", {"type": "text", "content": "Hello!"})
    friendship = await bob.ask("POST", "/api/friends/request", {"recipientId": ada.id})
    known = {
        "userId": bob.id,
        "conversationId": group["id"],
        "messageId": message["id"],
        "friendshipId": friendship["id"],
    }
    without_any = "^([^{]|\\{(?!" + "|".join(known) + "))*$"

    for method in ("GET", "PUT", "POST", "DELETE"):  # blocking is a POST: what it ends was tried before
        await schemathesis(
            ada,
            tmp_path,
            "--phases=fuzzing",
            "--mode=positive",
            "--max-examples=5",
            f"--exclude-path-regex={without_any}",
            *(f"--exclude-method={other}" for other in {"GET", "PUT", "POST", "DELETE"} - {method}),
            known=known,
        )

    assert (await ada.ask("GET", "/api/users/me"))["id"] == ada.id, "something ended the session: the rest was untested"
