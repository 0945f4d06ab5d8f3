"""The words for what a schema takes."""

from typing import Any

import pytest

from server.spec.catalogue import catalogue
from server.spec.schemas import Schemas
from server.spec.shapes import words_for
from tests.server.spec.garden import manifest

SCHEMAS = Schemas(catalogue([manifest], "1"))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 1, "maxLength": 30}, "text, 1–30 characters"),
        ({"type": "string", "maxLength": 30}, "text, at most 30 characters"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}$"}, "id"),
        ({"type": "string", "pattern": "^<[0-9]+$"}, "text that matches <code>^&lt;[0-9]+$</code>"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "whole number, 1–9"),
        ({"type": "integer", "maximum": 2419200}, "whole number, at most 2,419,200"),
        ({"type": "number", "exclusiveMinimum": 0}, "number, above 0"),
        ({"type": "number", "exclusiveMaximum": 1.5}, "number, below 1.5"),
        ({"type": "integer", "minimum": 3}, "whole number, at least 3"),
        ({"type": "boolean"}, "true or false"),
        ({"const": True}, "true"),
        ({"enum": ["a", "b", "c"]}, "“a”, “b” or “c”"),
        ({"enum": ["<b>"]}, "“&lt;b&gt;”"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}, "list of number (2)"),
        ({"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}]}, "[number, text]"),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/Plant"}},
            'list of <a href="#object-Plant">Plant</a>',
        ),
        ({}, "anything"),
    ],
)
def test_each_kind_of_schema_has_its_words(schema: dict[str, Any], expected: str) -> None:
    assert words_for(schema, SCHEMAS) == expected
