"""The manifests of the whole server: complete, in agreement, and true."""

import ast
from pathlib import Path
from typing import Any

import pytest

from run import CORE
from server import assembly
from server.errors import MixeeError
from server.slices import Slice
from storage.mongo import Mongo

HANDLERS = Path(__file__).parents[2] / "handlers"
ROUTES = sorted([*HANDLERS.rglob("routes.py"), *HANDLERS.rglob("routes/*.py")])


def named(one: Slice[Any]) -> str:
    return one.name


def test_the_slices_fit_together() -> None:
    assembly.check(CORE)


def test_every_core_slice_is_part_of_the_server() -> None:
    folders = {path.name for path in HANDLERS.iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert {one.name for one in CORE} == folders


@pytest.mark.parametrize("one", CORE, ids=named)
def test_a_slice_declares_every_error_that_it_defines(one: Slice[Any]) -> None:
    defined = {error for error in _family(MixeeError) if error.__module__.startswith(f"handlers.{one.name}.")}

    assert defined - set(one.errors) == set()


def test_error_codes_are_unique_and_say_whose_they_are() -> None:
    declared = [error for one in CORE for error in one.errors]
    codes = [error.code for error in declared]

    assert len(codes) == len(set(codes))
    for one in CORE:
        for error in one.errors:
            engine = {base.code for base in _family(MixeeError) if base.__module__ == "server.errors"}
            assert error.code.startswith(f"{one.name}.") or error.code in engine | R5, error


R5 = {"not_member", "request_pending", "slow_mode", "too_large", "expired_window", "overloaded"}
"""Codes of the messaging rules that stand without their slice's name."""


@pytest.mark.parametrize("one", CORE, ids=named)
def test_every_setting_says_what_it_means(one: Slice[Any]) -> None:
    if one.settings:
        silent = [name for name, field in one.settings.model_fields.items() if not field.description]
        assert silent == []


@pytest.mark.parametrize("one", CORE, ids=named)
def test_a_collection_with_people_in_it_can_be_exported_and_erased(one: Slice[Any]) -> None:
    """Each collection says whom its documents are about and what erasure does; None means nobody."""
    for stored in one.collections:
        if stored.personal is not None:
            assert stored.personal.fields, f"{stored.name} names no field"
            assert stored.personal.erase != "keep" or stored.personal.reason, f"{stored.name} gives no reason"


async def test_every_collection_gets_its_indexes(mongo: Mongo) -> None:
    for name, indexes in assembly.indexes(CORE).items():
        await mongo.collection(name).create_indexes(indexes)
        made = await mongo.collection(name).raw.index_information()
        assert {index.document["name"] for index in indexes} <= set(made)


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: str(path.relative_to(HANDLERS)))
def test_a_route_is_a_few_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.AsyncFunctionDef):
            assert len(node.body) <= 4, f"{node.name} does the work of a service"


def _family(one: type[MixeeError]) -> set[type[MixeeError]]:
    return {one}.union(*(_family(child) for child in one.__subclasses__()))
