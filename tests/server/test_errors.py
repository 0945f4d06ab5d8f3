"""One error, the same for both doors."""

import logging

import pytest

from server.errors import Invalid, MixeeError, NotFound, RateLimited, problem


def test_an_error_of_ours_becomes_its_status_code_and_message() -> None:
    told = problem(NotFound("There is no such user."), where="a test")

    assert told.document() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "message": "There is no such user.",
    }
    assert told.error() == {"code": "not_found", "message": "There is no such user."}


def test_details_and_the_time_to_wait_are_told() -> None:
    fault = {"field": "name", "message": "is too long"}

    assert problem(Invalid("No.", details=[fault]), where="").error()["details"] == [fault]
    assert problem(RateLimited("Wait.", retry_after_ms=1500), where="").error()["retryAfterMs"] == 1500


def test_anything_else_is_logged_with_its_stack_and_told_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise ZeroDivisionError("the secret number is 7")
    except ZeroDivisionError as error:
        with caplog.at_level(logging.ERROR):
            told = problem(error, where="GET /x")

    assert told.status == 500
    assert told.code == "internal"
    assert "7" not in told.message
    assert "the secret number is 7" in caplog.text


def test_every_error_of_the_family_has_a_status_and_a_code_of_its_own() -> None:
    family = _family(MixeeError)

    codes = [one.code for one in family if "code" in vars(one)]
    assert len(codes) == len(set(codes))
    assert all(400 <= one.status < 600 for one in family)


def _family(one: type[MixeeError]) -> list[type[MixeeError]]:
    own = [child for child in one.__subclasses__() if child.__module__ == "server.errors"]
    return [one, *(descendant for child in own for descendant in _family(child))]
