"""Makes an example for any schema, always the same one, so that people see what goes over the wire."""

import re
from collections.abc import Sequence
from typing import Any

from server.spec.schemas import Json, Schemas

_ID = "0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60"
_TIME = "2026-11-24T10:30:00.000Z"
_FORMATS = {
    "date-time": _TIME,
    "date": "1990-05-17",
    "email": "ada@example.com",
    "uri": "https://example.com/picture.jpg",
    "uuid": _ID,
}
_BY_NAME = (
    (re.compile(r"(^i|I)d(s?)$"), _ID),
    (re.compile(r"[tT]oken$"), "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTkyZjdhNCJ9.c2lnbmF0dXJl"),
    (re.compile(r"[pP]assword$"), "Correct-Horse-7"),
    (re.compile(r"[eE]mail$"), "ada@example.com"),
    (re.compile(r"[uU]rl$|^avatar$|Image$|^thumbnail$"), "https://example.com/picture.jpg"),
    (re.compile(r"[eE]moji$"), "👍"),
    (re.compile(r"At$"), _TIME),
    (re.compile(r"^username$"), "ada"),
    (re.compile(r"[nN]ame$"), "Ada"),
)
_STRINGS = (
    "text",
    "ada",
    "en",
    "Hello, Ada!",
    "A sentence.",
    "+4915112345678",
    "123456",
    _ID,
    _TIME,
    "https://example.com/a",
)
_DEEPEST = 6


def example(schema: Json, schemas: Schemas) -> Any:
    """A value that fits the schema (as far as a schema without a pattern of its own kind allows)."""
    return _Maker(schemas).make(schema, "", ())


class _Maker:
    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def make(self, schema: Json, name: str, above: Sequence[str]) -> Any:
        """`name` is that of the property, `above` the shared schemas that this one lies within."""
        known = _stated(schema)
        if known is not None:
            return known
        if "$ref" in schema:
            return self._shared(schema, name, above)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return self.make(_first(choices), name, above)
        match schema.get("type"):
            case "object":
                return self._object(schema, above)
            case "array":
                return self._array(schema, name, above)
        return _scalar(schema, name)

    def _shared(self, schema: Json, name: str, above: Sequence[str]) -> Any:
        if len(above) >= _DEEPEST:
            return {}
        return self.make(self._schemas.resolve(schema), name, (*above, schema["$ref"]))

    def _object(self, schema: Json, above: Sequence[str]) -> Json:
        """Every field; one that would contain its own kind again is null, or missing where it may be."""
        made = {}
        for name, field in schema.get("properties", {}).items():
            if not any(ref in above for ref in _direct(field)):
                made[name] = self.make(field, name, above)
            elif {"type": "null"} in field.get("anyOf", ()):
                made[name] = None
            elif name in schema.get("required", ()):
                made[name] = [] if field.get("type") == "array" else {}
        extra = schema.get("additionalProperties")
        return made if made or not isinstance(extra, dict) else {"key": self.make(extra, "", above)}

    def _array(self, schema: Json, name: str, above: Sequence[str]) -> list[Any]:
        if any(ref in above for ref in _direct(schema.get("items", {}))) or schema.get("maxItems") == 0:
            return []
        if "prefixItems" in schema:
            return [self.make(one, name, above) for one in schema["prefixItems"]]
        one = self.make(schema.get("items", {}), name, above)
        return [one] * max(1, schema.get("minItems", 1))


def _stated(schema: Json) -> Any:
    """What the schema itself gives as an example."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    return schema.get("default") or None


def _scalar(schema: Json, name: str) -> Any:
    match schema.get("type"):
        case "integer":
            return _number(schema, wanted=1)
        case "number":
            return _number(schema, wanted=1.5)
        case "boolean":
            return True
        case "null":
            return None
    return _string(schema, name)


def _first(choices: list[Json]) -> Json:
    return next((one for one in choices if one.get("type") != "null"), choices[0])


def _direct(schema: Json) -> list[str]:
    return [one["$ref"] for one in (schema, schema.get("items", {}), *schema.get("anyOf", ())) if "$ref" in one]


def _string(schema: Json, name: str) -> str:
    hinted = [text for pattern, text in _BY_NAME if pattern.search(name)]
    candidates = [*([_FORMATS[schema["format"]]] if schema.get("format") in _FORMATS else []), *hinted, *_STRINGS]
    pattern = re.compile(schema.get("pattern", ""))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
    fitting = (text for text in candidates if least <= len(text) <= most and pattern.search(text))
    return next(fitting, "…".ljust(least, "…"))


def _number(schema: Json, *, wanted: float) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    if low is not None and wanted < low:
        wanted = low
    return high if high is not None and wanted > high else wanted
