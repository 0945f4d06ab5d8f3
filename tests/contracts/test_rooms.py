"""The house: which room may know which, and what no file may do."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("config", "crypto", "storage", "server", "handlers", "plugins")
MAY_IMPORT_BY_NAME = {"run.py"}
LONGEST = 400
SLICE_FILES = {"__init__", "manifest", "models", "events", "store", "service", "routes"}


def sources(*rooms: str) -> Iterator[Path]:
    """Python files of these rooms."""
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


EVERY = [*sources(*ROOMS), ROOT / "run.py"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_dependencies_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_import_rules_have_no_exceptions() -> None:
    assert "ignore_imports" not in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_a_file_says_why_it_exists_and_is_short_enough_to_read(path: Path) -> None:
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)), "opens with no sentence that says why it exists"
    assert len(text.splitlines()) <= LONGEST, f"has more than {LONGEST} lines: make it a package of the same name"


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_nothing_is_looked_up_by_a_string_outside_the_composition_root(path: Path) -> None:
    tree = ast.parse(path.read_text())
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    imported = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }

    assert named(path) in MAY_IMPORT_BY_NAME or not (called | imported) & {
        "import_module",
        "__import__",
        "entry_points",
        "importlib",
        "eval",
        "exec",
    }


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_the_time_and_ids_come_from_one_place(path: Path) -> None:
    """`datetime.now` is the clock's, `uuid` the ids': a test can turn the one and the other is sortable."""
    if named(path) in {"server/clock.py", "crypto/ids.py"}:
        return
    tree = ast.parse(path.read_text())
    calls = {
        f"{getattr(node.func.value, 'id', '')}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert not calls & {"datetime.now", "datetime.utcnow", "time.time", "uuid.uuid4", "uuid.uuid1", "uuid.uuid7"}


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_nothing_is_silenced_or_left_unfinished(path: Path) -> None:
    text = path.read_text()

    for word in ("TODO", "FIXME", "XXX", "NotImplementedError", "pragma: no cover", "# type: ignore\n", "# noqa\n"):
        assert word not in text, f"contains {word}"


@pytest.mark.parametrize("path", sorted((ROOT / "handlers").glob("*/")), ids=named)
def test_a_slice_has_its_seven_files(path: Path) -> None:
    if path.name == "__pycache__":
        return
    found = {child.stem for child in path.iterdir() if child.suffix == ".py" or child.is_dir()}

    assert found >= SLICE_FILES, f"lacks {SLICE_FILES - found}"
    assert not found & {"utils", "common", "helpers", "core", "misc"}


def test_the_repository_names_no_machine_and_no_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    words = ["/wo" + "rk/", "files.pytho" + "nhosted", "registry.npm" + "js", "/ro" + "ot/", "pypi" + ".org/simple"]

    guilty = [
        f"{name}: {word}"
        for name in tracked
        if name and (ROOT / name).is_file()
        for word in words
        if word.encode() in (ROOT / name).read_bytes()
    ]
    assert guilty == []
