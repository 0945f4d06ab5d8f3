"""What `spec` writes is complete, ends with a line break, and is the same every time."""

import json
from pathlib import Path

from server.spec import write
from server.spec.asyncapi import asyncapi
from server.spec.openapi import openapi
from tests.server.spec.garden import manifest


def test_both_documents_are_written_and_a_second_time_nothing_changes(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "api"

    written = write([manifest], folder, "1.2.3")
    first = [path.read_text() for path in written]
    again = [path.read_text() for path in write([manifest], folder, "1.2.3")]

    assert written == [folder / "openapi.json", folder / "asyncapi.json"]
    assert [json.loads(text) for text in first] == [openapi([manifest], "1.2.3"), asyncapi([manifest], "1.2.3")]
    assert all(text.endswith("}\n") for text in first)
    assert again == first
