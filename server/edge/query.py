"""Reads the words of a path or a query string as the types that a command's input declares."""

import re
from functools import cache
from typing import Any

import orjson

from server.models import Input

_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?", re.ASCII)


class Reader:
    """Turns text into numbers, truth values, lists and objects where the model wants them.

    What does not fit is left as text, so that the model's own error names the field.
    """

    def __init__(self, model: type[Input]) -> None:
        self._kinds = _kinds(model)

    def read(self, name: str, text: str) -> Any:
        """The value of one parameter."""
        kind, item = self._kinds.get(name, ("string", "string"))
        if kind == "array":
            if text.startswith("["):
                return _json(text)
            return [_scalar(item, part.strip()) for part in text.split(",")] if text else []
        return _scalar(kind, text)


@cache
def _kinds(model: type[Input]) -> dict[str, tuple[str, str]]:
    """The kind of each field, and of its items. The models are the slices' own, so the cache has their number."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    return {name: _kind(field, definitions) for name, field in schema.get("properties", {}).items()}


def _kind(field: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, str]:
    for choice in field.get("anyOf", [field]):
        resolved = choice
        if "$ref" in choice:
            resolved = definitions[choice["$ref"].rsplit("/", 1)[1]]
        kind = str(resolved.get("type", "string"))
        if kind != "null":
            return kind, str(resolved.get("items", {}).get("type", "string"))
    return "string", "string"


def _scalar(kind: str, text: str) -> Any:
    if kind == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind == "object":
        return _json(text)
    return text


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
