"""Passwords: what is stored, what fits, and that an unknown account costs the same work."""

from collections.abc import Callable
from typing import Any

import argon2
import pytest

from crypto.passwords import Passwords

CHEAP = Passwords(memory_kib=64, passes=1)


def test_a_hash_is_argon2id_and_carries_its_price() -> None:
    stored = Passwords(memory_kib=128, passes=2).hash("correct horse")

    assert stored.startswith("$argon2id$v=19$m=128,t=2,p=1$")
    assert "correct" not in stored


def test_the_standard_price_is_the_second_option_of_rfc_9106() -> None:
    stored = Passwords().hash("correct horse")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_two_hashes_of_one_password_differ_and_both_fit() -> None:
    one, other = CHEAP.hash("correct horse"), CHEAP.hash("correct horse")

    assert one != other
    assert CHEAP.verify(one, "correct horse")
    assert CHEAP.verify(other, "correct horse")


@pytest.mark.parametrize("wrong", ["correct horsE", "correct horse ", "", "correct\x00horse"])
def test_another_password_does_not_fit(wrong: str) -> None:
    stored = CHEAP.hash("correct horse")

    assert not CHEAP.verify(stored, wrong)


def test_what_looks_the_same_is_the_same_however_the_keyboard_composes_it() -> None:
    composed, decomposed = "caf\u00e9-\u00fcber", "cafe\u0301-u\u0308ber"
    stored = CHEAP.hash(composed)

    assert CHEAP.verify(stored, decomposed)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_damaged_hash_fits_nothing(stored: str) -> None:
    assert not CHEAP.verify(stored, "correct horse")


def test_without_an_account_the_same_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    prices: list[str] = []
    verify: Callable[..., Any] = argon2.PasswordHasher.verify

    def watched(self: argon2.PasswordHasher, stored: str, password: str) -> Any:
        prices.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    account = CHEAP.hash("correct horse")

    answers = [
        CHEAP.verify(account, "wrong"),
        CHEAP.verify(None, "wrong"),
        CHEAP.verify(None, "there is no such account"),
    ]

    assert answers == [False, False, False]
    assert prices == ["$argon2id$v=19$m=64,t=1,p=1"] * 3


def test_the_check_without_an_account_really_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that could not be read would be refused at once, and so tell that there is no account."""
    refusals: list[type[Exception]] = []
    verify: Callable[..., Any] = argon2.PasswordHasher.verify

    def watched(self: argon2.PasswordHasher, stored: str, password: str) -> Any:
        try:
            return verify(self, stored, password)
        except Exception as error:
            refusals.append(type(error))
            raise

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)

    CHEAP.verify(None, "wrong")

    assert refusals == [argon2.exceptions.VerifyMismatchError]


def test_a_hash_of_another_price_asks_to_be_made_again() -> None:
    dearer = Passwords(memory_kib=128, passes=1)
    stored = CHEAP.hash("correct horse")

    assert dearer.verify(stored, "correct horse")
    assert dearer.needs_rehash(stored)
    assert not CHEAP.needs_rehash(stored)
