"""Says in words what a schema takes, with links to the objects that it refers to."""

from typing import Any

from markupsafe import Markup, escape

from server.spec.schemas import PREFIX, Json, Schemas

_PLAIN = {"boolean": "true or false", "null": "null", "object": "object"}
_ID_PATTERN = "^[0-9a-f]{8}-"
_FORMATS = {"date-time": "time", "email": "e-mail address", "uri": "URL", "uuid": "id", "date": "date"}


def words_for(schema: Json, schemas: Schemas) -> Markup:
    """The kind of value, as in `list of Message, at most 10`."""
    if "$ref" in schema:
        return _named(schema, schemas)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return Markup(" or ").join(words_for(one, schemas) for one in choices)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values:
        return _literals(values)
    if schema.get("type") == "array":
        return _list(schema, schemas)
    if schema.get("type") == "string":
        return _text(schema)
    return escape(_scalar(schema))


def _scalar(schema: Json) -> str:
    match schema.get("type"):
        case "integer":
            return _number(schema, "whole number")
        case "number":
            return _number(schema, "number")
        case str() as kind:
            return _PLAIN.get(kind, kind)
    return "anything"


def _named(schema: Json, schemas: Schemas) -> Markup:
    target = schemas.resolve(schema)
    if target.get("type") != "object":
        return words_for({key: value for key, value in target.items() if key != "$ref"}, schemas)
    name = schema["$ref"].removeprefix(PREFIX)
    return Markup('<a href="#object-{0}">{0}</a>').format(name)


def _literals(values: list[Any]) -> Markup:
    shown = [f"“{value}”" if isinstance(value, str) else str(value).lower() for value in values]
    return escape(", ".join(shown[:-1]) + (" or " if len(shown) > 1 else "") + shown[-1])


def _list(schema: Json, schemas: Schemas) -> Markup:
    if "prefixItems" in schema:
        inner = Markup(", ").join(words_for(one, schemas) for one in schema["prefixItems"])
        return Markup("[{}]").format(inner)
    items = words_for(schema["items"], schemas) if schema.get("items") else escape("anything")
    span = _span(schema.get("minItems"), schema.get("maxItems"))
    return Markup("list of {}{}").format(items, f" ({span})" if span else "")


def _text(schema: Json) -> Markup:
    kind = _FORMATS.get(schema.get("format", ""), "text")
    pattern = schema.get("pattern", "")
    if pattern.startswith(_ID_PATTERN):
        kind, pattern = "id", ""
    span = _span(schema.get("minLength"), schema.get("maxLength"))
    words = escape(f"{kind}, {span} characters" if span else kind)
    return Markup("{} that matches <code>{}</code>").format(words, pattern) if pattern else words


def _number(schema: Json, kind: str) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    parts = [kind]
    if "exclusiveMinimum" in schema:
        parts.append(f"above {_digits(schema['exclusiveMinimum'])}")
    if "exclusiveMaximum" in schema:
        parts.append(f"below {_digits(schema['exclusiveMaximum'])}")
    span = _span(low, high)
    return ", ".join([*parts, span] if span else parts)


def _span(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return _digits(low) if low == high else f"{_digits(low)}–{_digits(high)}"
    if high is not None:
        return f"at most {_digits(high)}"
    return f"at least {_digits(low)}" if low else ""


def _digits(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.10g}"
