"""Ids."""

import uuid

from crypto.ids import new_id


def test_an_id_is_a_uuid_of_version_seven_in_lower_case() -> None:
    made = new_id()

    parsed = uuid.UUID(made)
    assert str(parsed) == made
    assert parsed.version == 7


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(made)
    assert len(set(made)) == 10_000
