"""Proof of work."""

import hashlib

import pytest

from crypto.work import is_solved, solve


@pytest.mark.parametrize("bits", [1, 8, 12])
def test_an_answer_has_so_many_zero_bits(bits: int) -> None:
    answer = solve("a challenge", bits)

    digest = hashlib.sha256(f"a challenge:{answer}".encode()).hexdigest()
    assert f"{int(digest, 16):0256b}".startswith("0" * bits)
    assert is_solved("a challenge", answer, bits)
    assert not is_solved("another challenge", answer, 20)
    assert not is_solved("a challenge", f"{answer} ", 20)


def test_every_smaller_number_was_no_answer() -> None:
    answer = int(solve("a challenge", 10))

    assert not any(is_solved("a challenge", str(number), 10) for number in range(answer))
