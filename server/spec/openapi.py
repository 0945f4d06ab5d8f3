"""Writes the OpenAPI 3.1 document: every command that has an address, with all it takes and all it can answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from server import errors
from server.errors import MixeeError
from server.routes import WITH_BODY, Command
from server.slices import Permission, Slice
from server.spec import words
from server.spec.catalogue import Catalogue, catalogue, paragraph
from server.spec.problems import Internal, failures
from server.spec.schemas import Json, Schemas, without_null

_SHARED: tuple[type[MixeeError], ...] = (
    errors.Unreadable,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.NotFound,
    errors.TooLarge,
    errors.Unsupported,
    errors.Invalid,
    errors.RateLimited,
    Internal,
    errors.Unavailable,
)
"""Errors of the engine: an answer that can only be one of them is written once and referred to."""

_RETRY_AFTER = {
    "description": "Seconds until it is right to try again.",
    "schema": {"type": "integer", "minimum": 0},
}
_NOT_EVEN_HTTP = {
    "type": "string",
    "description": "When the first line or a header of the request is longer than the server reads.",
}
_BYTES = {"type": "string", "format": "binary"}
_CHALLENGE = {"description": "How to sign in.", "schema": {"type": "string", "const": "Bearer"}}


def openapi(slices: Sequence[Slice[Any]], version: str) -> Json:
    """The document for these slices."""
    of = catalogue(slices, version)
    schemas = Schemas(of)
    paths: Json = {}
    for command in of.commands:
        if command.path and command.method:
            paths.setdefault(command.path, {})[command.method.lower()] = _operation(command, schemas, of.permissions)
    responses = {one.__name__: _failure(one.status, [one], schemas) for one in _SHARED}
    return {
        "openapi": "3.1.0",
        "info": _info(of),
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "tags": [
            {"name": chapter.name, "description": paragraph(chapter.meaning)}
            for chapter in of.chapters
            if any(command.path for command in chapter.commands)
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas.used_by(paths, responses),
            "responses": dict(sorted(responses.items())),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": words.BEARER,
                }
            },
        },
    }


def parameters(command: Command, schemas: Schemas) -> list[Json]:
    """The parameters of a command's path and query, in the order of its input's fields."""
    fields = schemas.resolve(schemas.input_of(command))
    found = []
    for name, field in fields.get("properties", {}).items():
        if name in command.placeholders:
            found.append(_parameter(name, "path", field, schemas, required=True))
        elif command.method not in WITH_BODY or command.takes:
            found.append(_parameter(name, "query", field, schemas, required=name in fields.get("required", ())))
    return found


def body(command: Command, schemas: Schemas) -> Json | None:
    """The schema of a command's JSON body: its input without what the path says. None when nothing is left."""
    if command.method not in WITH_BODY or command.takes:
        return None
    whole = schemas.input_of(command)
    fields = schemas.resolve(whole)
    if not fields.get("properties"):
        return None
    if not command.placeholders:
        return whole
    rest = {name: field for name, field in fields["properties"].items() if name not in command.placeholders}
    if not rest:
        return None
    required = [name for name in fields.get("required", ()) if name in rest]
    return fields | {"properties": rest, "required": required, "title": f"{fields.get('title', 'Input')}Body"}


def _info(of: Catalogue) -> Json:
    return {
        "title": words.TITLE,
        "version": of.version,
        "summary": "A real-time messaging server centred on chat and presence.",
        "description": words.about(),
        "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    }


def _operation(command: Command, schemas: Schemas, permissions: Mapping[str, Permission]) -> Json:
    operation: Json = {
        "operationId": command.name,
        "tags": [command.tag],
        "summary": command.summary,
        "description": words.description(command, permissions),
        "parameters": parameters(command, schemas),
    }
    taken = body(command, schemas)
    if taken is not None:
        operation["requestBody"] = {
            "required": bool(schemas.resolve(taken).get("required")),
            "content": {"application/json": {"schema": taken}},
        }
    if command.takes:
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
    operation["responses"] = {
        **_success(command, schemas),
        **{str(status): _answer(status, found, schemas) for status, found in failures(command).items()},
    }
    operation["security"] = _security(command)
    if command.needs:
        operation["x-permission"] = command.needs
    if command.event:
        operation["x-socket-event"] = command.event
    return operation


def _security(command: Command) -> list[Json]:
    if not command.public:
        return [{"bearer": []}]
    return [{}, {"bearer": []}] if "actor" in command.wants else []


def _parameter(name: str, where: str, field: Json, schemas: Schemas, *, required: bool) -> Json:
    schema = without_null(field)
    parameter: Json = {"name": name, "in": where, "required": required}
    if "description" in schema:
        parameter["description"] = schema["description"]
        schema = {key: value for key, value in schema.items() if key != "description"}
    kind = schemas.resolve(schema).get("type")
    if kind == "object":
        return parameter | {"content": {"application/json": {"schema": schema}}}
    if kind == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter | {"schema": schema}


def _success(command: Command, schemas: Schemas) -> Json:
    """The answers when all is well, by status."""
    if command.gives_content:
        whole = {"description": "All bytes.", "content": {"*/*": {"schema": _BYTES}}}
        return {
            str(command.status): whole,
            "206": whole | {"description": "The bytes that the header Range asks for."},
            "304": {"description": "The bytes are those that the header If-None-Match names."},
        }
    return {str(command.status): _answered(command, schemas)}


def _answered(command: Command, schemas: Schemas) -> Json:
    if command.output is type(None):
        return {"description": "Done; there is nothing to say."}
    schema = schemas.output_of(command)
    meaning = schemas.resolve(schema).get("description", "What was asked for.")
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


def _answer(status: int, found: list[type[MixeeError]], schemas: Schemas) -> Json:
    """The answer for a status: a reference when it can only be the engine's own error."""
    if len(found) == 1 and found[0] in _SHARED:
        return {"$ref": f"#/components/responses/{found[0].__name__}"}
    return _failure(status, found, schemas)


def _failure(status: int, found: list[type[MixeeError]], schemas: Schemas) -> Json:
    schema = {
        "allOf": [schemas.problem],
        "properties": {"status": {"const": status}, "code": {"enum": [one.code for one in found]}},
    }
    failure: Json = {
        "description": "\n".join(f"- `{one.code}`: {' '.join((one.__doc__ or '').split())}" for one in found),
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status == errors.Unreadable.status:
        failure["content"]["text/plain"] = {"schema": _NOT_EVEN_HTTP}
    if status in {errors.RateLimited.status, errors.Unavailable.status}:
        failure["headers"] = {"Retry-After": _RETRY_AFTER}
    if status == errors.Unauthenticated.status:
        failure["headers"] = {"WWW-Authenticate": _CHALLENGE}
    return failure
