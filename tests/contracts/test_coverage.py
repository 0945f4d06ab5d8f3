"""The page that says which test proves which line of the specification tells the truth."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "spec-coverage.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "test"), NAMED, ids=lambda part: part.rsplit("/", maxsplit=1)[-1])
def test_a_test_that_the_page_names_exists(file: str, test: str) -> None:
    text = (ROOT / file).read_text()

    assert not test or re.search(rf"def {test}\(", text), f"{file} has no {test}"


@pytest.mark.parametrize("example", ["client.py", "client.mjs"])
def test_the_readme_shows_the_examples_as_they_are(example: str) -> None:
    assert (ROOT / "examples" / example).read_text() in (ROOT / "README.md").read_text()
