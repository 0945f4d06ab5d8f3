"""The one form of a phone number or an e-mail address, and what stands for it."""

import pytest

from handlers.contacts.identifiers import TAG_BITS, Identifier, Pepper, email, phone


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+27821234567", "+27821234567"),
        ("+27 82 123-4567", "+27821234567"),
        ("0027 (82) 123.4567", "+27821234567"),
        ("+49 (0)151 23456789", "+4915123456789"),
        ("+44 020 7946 0123", "+442079460123"),
        ("+1\u00a0202\u2011555\u20110143", "+12025550143"),
        ("+٢٧٨٢١٢٣٤٥٦٧", "+27821234567"),
    ],
)
def test_r51_an_international_number_has_one_form(written: str, read: str) -> None:
    assert phone(written) == Identifier("phone", read)


@pytest.mark.parametrize(
    ("written", "region", "read"),
    [
        ("082 123 4567", "ZA", "+27821234567"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("+27 82 123 4567", "US", "+27821234567"),
        ("0027 82 123 4567", "DE", "+27821234567"),
    ],
)
def test_a_number_is_read_as_people_of_its_country_write_it(written: str, region: str, read: str) -> None:
    assert phone(written, region) == Identifier("phone", read)


@pytest.mark.parametrize(
    "written", ["082 123 4567", "+0821234567", "+123456", "+1234567890123456", "+27 82 CALL ME", "", "+", "00"]
)
def test_what_is_no_international_number_is_not_guessed(written: str) -> None:
    assert phone(written) is None
    assert phone("082 123 4567", "XX") is None


def test_an_address_has_one_form() -> None:
    assert email(" Ada@Example.COM ") == Identifier("email", "ada@example.com")
    assert email("ada at example.com") is None


def test_r51_hashes_depend_on_the_pepper_and_on_the_kind() -> None:
    one, other = Pepper(b"x" * 32), Pepper(b"y" * 32)
    number = Identifier("phone", "+27821234567")

    assert one.hash(number) == Pepper(b"x" * 32).hash(number)
    assert len({one.hash(number), other.hash(number), one.hash(Identifier("email", number.value))}) == 3


def test_r51_a_tag_is_short_and_differs_from_owner_to_owner() -> None:
    pepper = Pepper(b"x" * 32)
    numbers = [Identifier("phone", f"+2782{n:07}") for n in range(5_000)]
    tags = [{pepper.tag(owner, one) for one in numbers} for owner in ("ada", "bob")]

    assert all(0 <= tag < 2**TAG_BITS for tag in tags[0] | tags[1])
    assert all(4_950 < len(some) <= 5_000 for some in tags)
    assert len(tags[0] & tags[1]) < 100
