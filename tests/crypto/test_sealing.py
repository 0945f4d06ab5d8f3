"""Fields sealed where they are stored."""

import pytest

from crypto.sealing import Sealer, Unsealable

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
PLACE = "factors|ada|totp"


def test_a_field_opens_where_it_belongs_and_nowhere_else() -> None:
    sealer = Sealer({"a": OLD}, active="a")
    sealed = sealer.seal(b"secret", place=PLACE)

    assert sealer.open(sealed, place=PLACE) == b"secret"
    assert b"secret" not in sealed
    assert sealed != sealer.seal(b"secret", place=PLACE)
    with pytest.raises(Unsealable):
        sealer.open(sealed, place="factors|bob|totp")


def test_what_was_changed_does_not_open() -> None:
    sealer = Sealer({"a": OLD, "b": OLD}, active="a")
    sealed = sealer.seal(b"secret", place=PLACE)

    for at in range(len(sealed)):
        broken = bytearray(sealed)
        broken[at] ^= 1
        with pytest.raises(Unsealable):
            sealer.open(bytes(broken), place=PLACE)
    for end in range(len(sealed)):
        with pytest.raises(Unsealable):
            sealer.open(sealed[:end], place=PLACE)
    with pytest.raises(Unsealable):
        sealer.open(sealed.replace(b"\x01a", b"\x01b", 1), place=PLACE)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    before, after = Sealer({"a": OLD}, active="a"), Sealer({"b": NEW, "a": OLD}, active="b")
    sealed = before.seal(b"secret", place=PLACE)

    assert after.open(sealed, place=PLACE) == b"secret"
    assert not after.is_of_active(sealed)
    assert after.is_of_active(after.seal(b"secret", place=PLACE))
    with pytest.raises(Unsealable):
        before.open(after.seal(b"secret", place=PLACE), place=PLACE)


@pytest.mark.parametrize("keys", [{}, {"b": OLD}, {"a": OLD[:31]}])
def test_a_sealer_needs_whole_keys(keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(keys, active="a")
