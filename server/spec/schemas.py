"""Turns the models of commands and events into JSON schemas that share their parts, under names that stay the same."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from server.events import Event
from server.routes import Command
from server.spec.catalogue import Catalogue, paragraph
from server.spec.problems import Problem, Refusal

Json = dict[str, Any]

PREFIX = "#/components/schemas/"
_CLASH = re.compile(r"[a-z]+__([a-z]+(?:_[a-z]+)*)__(?:[a-z_]+__)*([A-Z][A-Za-z0-9]*)")
"""pydantic's long name for a model whose name another model has too: the room, the slice, the modules, the class."""
_MODE: Mapping[str, Literal["validation", "serialization"]] = {
    "input": "validation",
    "output": "serialization",
    "event": "serialization",
}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with two habits of ours.

    Titles of fields only repeat their names, so there are none. Answers are complete: they need no defaults.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        return self.generate_inner(schema["schema"]) if self.mode == "serialization" else super().default_schema(schema)

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        if self.mode == "serialization":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)


class Schemas:
    """The schemas of a catalogue. Models of one name and different shape get the names of their slices in front."""

    def __init__(self, of: Catalogue) -> None:
        adapters: dict[str, TypeAdapter[Any]] = {
            "output:Problem": TypeAdapter(Problem),
            "output:Refusal": TypeAdapter(Refusal),
        }
        for command in of.commands:
            adapters[f"input:{command.name}"] = TypeAdapter(command.input)
            adapters[f"output:{command.name}"] = command.adapter
        for event in of.events:
            adapters[f"event:{event.name}"] = TypeAdapter(event.payload_type)
        found, shared = TypeAdapter.json_schemas(
            [(key, _MODE[key.partition(":")[0]], adapter) for key, adapter in adapters.items()],
            by_alias=True,
            ref_template=PREFIX + "{model}",
            schema_generator=_Generator,
        )
        definitions = shared.get("$defs", {})
        names = _names(definitions)
        self.components: Json = {names[name]: _tidy(schema, names) for name, schema in sorted(definitions.items())}
        self._roots = {key: _tidy(schema, names) for (key, _), schema in found.items()}

    @property
    def problem(self) -> Json:
        """An error over HTTP."""
        return dict(self._roots["output:Problem"])

    @property
    def refusal(self) -> Json:
        """An error over the socket."""
        return dict(self._roots["output:Refusal"])

    def input_of(self, command: Command) -> Json:
        """What the command takes."""
        return dict(self._roots[f"input:{command.name}"])

    def output_of(self, command: Command) -> Json:
        """What the command answers."""
        return dict(self._roots[f"output:{command.name}"])

    def payload_of(self, event: type[Event[Any]]) -> Json:
        """What the event carries."""
        return dict(self._roots[f"event:{event.name}"])

    def resolve(self, schema: Json) -> Json:
        """The schema itself where there is only a reference to it; words beside the reference stay."""
        while "$ref" in schema:
            target = self.components[schema["$ref"].removeprefix(PREFIX)]
            schema = target | {key: value for key, value in schema.items() if key != "$ref"}
        return schema

    def used_by(self, *documents: Any) -> Json:
        """The shared schemas that these documents refer to, directly or through others."""
        used: set[str] = set()
        todo = [name for document in documents for name in _references(document)]
        while todo:
            name = todo.pop()
            if name not in used:
                used.add(name)
                todo += _references(self.components[name])
        return {name: self.components[name] for name in sorted(used)}


def reference(name: str) -> Json:
    """A reference to a shared schema."""
    return {"$ref": PREFIX + name}


def without_null(schema: Json) -> Json:
    """The schema of what is there, for places where absence has no word of its own (a query string)."""
    if "anyOf" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    choices = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return rest | choices[0] if len(choices) == 1 else rest | {"anyOf": choices}


def _names(definitions: Iterable[str]) -> dict[str, str]:
    """Our names by pydantic's: `handlers__chat__models__Place` (a clash) is `ChatPlace`; `Page_Card_` `Page_Card`."""
    names: dict[str, str] = {}
    taken = set(definitions)
    for old in sorted(taken):
        base, _, mode = old.partition("-")
        clash = _CLASH.fullmatch(base)
        wanted = (clash[1].title().replace("_", "") + clash[2] if clash else base.strip("_")) + mode
        names[old] = wanted if wanted not in taken else old
        taken.add(names[old])
    return names


def _tidy(node: Any, names: Mapping[str, str]) -> Any:
    """Our names in the references, prose without line breaks, and no default where the default is nothing."""
    if isinstance(node, list):
        return [_tidy(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidy(value, names) for key, value in node.items() if not (key == "default" and value is None)}
    if isinstance(tidy.get("$ref"), str):
        tidy["$ref"] = reference(names[tidy["$ref"].removeprefix(PREFIX)])["$ref"]
    if isinstance(tidy.get("description"), str):
        tidy["description"] = paragraph(tidy["description"])
    if isinstance(mapping := tidy.get("discriminator"), dict) and "mapping" in mapping:
        renamed = {tag: PREFIX + names[ref.removeprefix(PREFIX)] for tag, ref in mapping["mapping"].items()}
        tidy["discriminator"] = mapping | {"mapping": renamed}
    return tidy


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for one in node for name in _references(one)]
    if not isinstance(node, dict):
        return []
    own = node.get("$ref")
    found = [own.removeprefix(PREFIX)] if isinstance(own, str) and own.startswith(PREFIX) else []
    return found + [name for value in node.values() for name in _references(value)]
