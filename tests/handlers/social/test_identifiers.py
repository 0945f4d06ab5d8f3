"""The one form of a phone number or an e-mail address, and the hash that stands for it."""

import pytest

from handlers.social.contacts import Identifier, Pepper, email, phone


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+27821234567", "+27821234567"),
        ("+27 82 123-4567", "+27821234567"),
        ("0027 (82) 123.4567", "+27821234567"),
        ("+49 (0)151 23456789", "+4915123456789"),
        ("+1\u00a0202\u2011555\u20110143", "+12025550143"),
        ("+1234567", "+1234567"),
    ],
)
def test_an_international_number_has_one_form(written: str, read: str) -> None:
    assert phone(written) == Identifier("phone", read)


@pytest.mark.parametrize(
    "written",
    ["082 123 4567", "+0821234567", "+123456", "+1234567890123456", "+27 82 CALL ME", "", "+", "+٢٧٨٢١٢٣٤٥٦٧"],
)
def test_what_is_no_international_number_is_not_guessed(written: str) -> None:
    assert phone(written) is None


def test_an_address_has_one_form() -> None:
    assert email(" Ada@Example.COM ") == Identifier("email", "ada@example.com")
    assert email("ada at example.com") is None


def test_hashes_depend_on_the_pepper_and_on_the_kind() -> None:
    one, other = Pepper(b"x" * 32), Pepper(b"y" * 32)
    number = Identifier("phone", "+27821234567")

    assert one.hash(number) == Pepper(b"x" * 32).hash(number)
    assert len({one.hash(number), other.hash(number), one.hash(Identifier("email", number.value))}) == 3
