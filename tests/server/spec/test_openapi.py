"""The OpenAPI document says exactly what the commands take and answer."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from handlers.media.manifest import manifest as media
from handlers.users.manifest import manifest as users
from server.errors import Invalid, RateLimited, problem
from server.spec.catalogue import catalogue
from server.spec.openapi import openapi
from server.spec.schemas import Schemas
from tests.server.spec.garden import manifest


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi([manifest], "1.2.3")


def operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for path in document["paths"].values() for one in path.values() if one["operationId"] == name
    )
    return found


def codes(document: dict[str, Any], name: str) -> dict[str, list[str]]:
    found = {}
    for status, response in operation(document, name)["responses"].items():
        if int(status) >= 400:
            shared = response.get("$ref", "").rpartition("/")[2]
            whole = document["components"]["responses"][shared] if shared else response
            schema = whole["content"]["application/problem+json"]["schema"]
            assert schema["properties"]["status"] == {"const": int(status)}
            found[status] = schema["properties"]["code"]["enum"]
    return found


def test_the_document_is_valid_openapi_31(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()

    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"


def test_every_command_with_an_address_is_an_operation(document: dict[str, Any]) -> None:
    found = {
        one["operationId"]: f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }

    assert found == {
        "garden.plant": "POST /api/gardens/{gardenId}/plants",
        "garden.look": "GET /api/plants",
        "garden.remove": "DELETE /api/plants/{plantId}",
        "garden.water": "POST /api/plants/{plantId}/water",
    }
    assert document["tags"] == [{"name": "garden", "description": "Plants, and where they stand."}]


def test_the_docstring_the_permission_and_the_limits_are_the_description(document: dict[str, Any]) -> None:
    plant = operation(document, "garden.plant")

    assert plant["summary"] == "Plant something."
    assert plant["description"] == (
        "What stands there already keeps its place.\n\n"
        "Needs the permission `garden:write` (Change what grows).\n\n"
        "At most 5 at once, then one more every minute, for each account.\n\n"
        "At most 20 at once, then one more every hour, for each value of `name`."
    )
    assert plant["tags"] == ["garden"]
    assert plant["x-permission"] == "garden:write"
    assert plant["x-socket-event"] == "plant:add"


def test_placeholders_are_path_parameters_and_the_rest_of_a_post_is_its_body(document: dict[str, Any]) -> None:
    plant = operation(document, "garden.plant")

    assert [(one["name"], one["in"], one["required"]) for one in plant["parameters"]] == [("gardenId", "path", True)]
    body = plant["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert body["required"] is True
    assert list(schema["properties"]) == ["name", "spot", "kind", "plantedAt", "tags"]
    assert schema["required"] == ["name", "spot"]
    assert schema["additionalProperties"] is False


def test_a_post_whose_input_is_all_in_its_path_has_no_body(document: dict[str, Any]) -> None:
    assert "requestBody" not in operation(document, "garden.water")


def test_the_input_of_a_get_is_its_query(document: dict[str, Any]) -> None:
    found = {one["name"]: one for one in operation(document, "garden.look")["parameters"]}

    assert {one["in"] for one in found.values()} == {"query"}
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert found["near"]["description"] == "Where to look first."
    assert (found["near"]["style"], found["near"]["explode"]) == ("form", False)
    assert found["near"]["schema"]["type"] == "array"
    assert found["spot"]["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Spot"}}}


def test_a_command_lists_every_error_that_it_can_answer(document: dict[str, Any]) -> None:
    assert codes(document, "garden.plant") == {
        "400": ["bad_request"],
        "401": ["unauthenticated"],
        "403": ["forbidden"],
        "404": ["not_found", "garden.no_such_plant"],
        "409": ["garden.spot_taken"],
        "413": ["too_large"],
        "415": ["unsupported_media_type"],
        "422": ["bad_request"],
        "429": ["rate_limited"],
        "500": ["internal"],
        "503": ["unavailable"],
    }
    assert set(codes(document, "garden.look")) == {"400", "422", "500", "503"}


def test_answers_that_ask_to_wait_or_to_sign_in_name_their_headers(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]

    assert set(responses["RateLimited"]["headers"]) == {"Retry-After"}
    assert set(responses["Unavailable"]["headers"]) == {"Retry-After"}
    assert set(responses["Unauthenticated"]["headers"]) == {"WWW-Authenticate"}
    assert "headers" not in responses["Forbidden"]


def test_a_public_command_needs_no_token_but_may_take_one(document: dict[str, Any]) -> None:
    assert operation(document, "garden.look")["security"] == [{}, {"bearer": []}]
    assert operation(document, "garden.plant")["security"] == [{"bearer": []}]


def test_a_command_that_answers_nothing_has_no_content(document: dict[str, Any]) -> None:
    assert operation(document, "garden.remove")["responses"]["204"] == {"description": "Done; there is nothing to say."}


def test_answers_carry_every_field_also_those_with_a_default(document: dict[str, Any]) -> None:
    plant = document["components"]["schemas"]["Plant"]

    assert plant["required"] == ["id", "name", "nickname", "parents"]
    assert "default" not in plant["properties"]["nickname"]


def test_bytes_are_documented_as_bytes() -> None:
    found = openapi([users, media], "1.2.3")
    OpenAPIV31SpecValidator(found).validate()

    append, content = operation(found, "media.append"), operation(found, "media.content")

    assert [(one["name"], one["in"]) for one in append["parameters"]] == [
        ("mediaId", "path"),
        ("offset", "query"),
        ("sha256", "query"),
    ]
    binary = {"type": "string", "format": "binary"}
    assert append["requestBody"] == {"required": True, "content": {"application/octet-stream": {"schema": binary}}}
    assert {"408", "413", "415", "503"} <= set(append["responses"])
    assert {"200", "206", "304", "416"} <= set(content["responses"])
    assert content["responses"]["206"]["content"] == {"*/*": {"schema": binary}}


def test_models_of_one_name_are_told_apart_by_their_slices() -> None:
    shared = Schemas(catalogue([manifest], "1")).components

    assert shared["GardenPlace"]["required"] == ["gate"]
    assert shared["CityPlace"]["required"] == ["mayor"]
    assert not [name for name in shared if "__" in name or name == "Place"]


def test_a_document_has_only_the_schemas_that_it_uses(document: dict[str, Any]) -> None:
    shared = set(document["components"]["schemas"])

    assert {"GardenPlace", "Plant", "Plants", "Spot", "Problem", "Fault"} == shared


def test_the_shape_of_problems_is_that_of_real_ones(document: dict[str, Any]) -> None:
    validator = Draft202012Validator({"$ref": "#/components/schemas/Problem", "components": document["components"]})
    unfit = Invalid("It does not fit.", details=[{"field": "name", "message": "is too long"}])
    early = RateLimited("Too early.", retry_after_ms=0)

    for error in (unfit, early, ZeroDivisionError("a secret")):
        validator.validate(problem(error, where="a test").document())
    assert not validator.is_valid({"code": "not_found", "message": "There is nothing."})
