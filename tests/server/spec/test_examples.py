"""Examples fit the schemas that they are made for, whatever the schema."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from server.spec.catalogue import catalogue
from server.spec.examples import example
from server.spec.schemas import Schemas
from tests.server.notes import slice_of
from tests.server.spec.garden import manifest

OF = catalogue([manifest, slice_of()], "1")
SCHEMAS = Schemas(OF)


@pytest.mark.parametrize("command", OF.commands, ids=lambda one: one.name)
def test_an_example_of_an_input_or_an_answer_fits(command: Any) -> None:
    for schema in (SCHEMAS.input_of(command), SCHEMAS.output_of(command)):
        whole = {**schema, "components": {"schemas": SCHEMAS.components}}
        Draft202012Validator(whole).validate(example(schema, SCHEMAS))


@pytest.mark.parametrize("event", OF.events, ids=lambda one: one.name)
def test_an_example_of_an_event_fits(event: Any) -> None:
    schema = SCHEMAS.payload_of(event)

    Draft202012Validator({**schema, "components": {"schemas": SCHEMAS.components}}).validate(example(schema, SCHEMAS))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "integer", "exclusiveMinimum": 7}, 8),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "number"}, 1.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"const": "here"}, "here"),
        ({"enum": ["tree", "flower"]}, "tree"),
        ({"type": "string", "examples": ["mine"]}, "mine"),
        ({"type": "string", "default": "usual"}, "usual"),
        ({"type": "string", "format": "date-time"}, "2026-11-24T10:30:00.000Z"),
        ({"type": "string", "maxLength": 3}, "ada"),
        ({"type": "string", "pattern": "^[0-9]{6}$"}, "123456"),
        ({"type": "string", "minLength": 100}, "…" * 100),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "null"}]}, [1, None]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"key": 1}),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
    ],
)
def test_each_kind_of_schema_has_its_example(schema: dict[str, Any], expected: Any) -> None:
    assert example(schema, SCHEMAS) == expected


def test_a_kind_that_contains_itself_ends() -> None:
    made = example({"$ref": "#/components/schemas/Plant"}, SCHEMAS)

    assert made["parents"] == []
