"""Writes the documents that are committed, so that a change of the public interface shows in its review."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.slices import Slice
from server.spec.asyncapi import asyncapi
from server.spec.openapi import openapi

OPENAPI = "openapi.json"
ASYNCAPI = "asyncapi.json"


def documents(slices: Sequence[Slice[Any]], version: str) -> dict[str, str]:
    """The text of each document by the name of its file."""
    return {OPENAPI: _text(openapi(slices, version)), ASYNCAPI: _text(asyncapi(slices, version))}


def write(slices: Sequence[Slice[Any]], folder: Path, version: str) -> list[Path]:
    """Write the documents into a folder, which is made if need be; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in documents(slices, version).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
