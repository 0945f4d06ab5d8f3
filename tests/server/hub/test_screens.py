"""What devices show: who is told what matters only where it is shown, here and on other processes."""

from server.hub.frames import Frame, pack_for_each, unpack
from server.hub.screens import MAX_SHOWN, Screens


def test_a_device_is_told_what_it_shows_and_everything_before_it_has_said_so() -> None:
    screens = Screens()
    assert screens.shows("ada", "phone", "one")

    screens.open("ada", "phone", "one")
    assert (screens.shows("ada", "phone", "one"), screens.shows("ada", "phone", "two")) == (True, False)
    assert screens.shows("ada", "laptop", "two")
    screens.close("ada", "phone", "one")
    assert not screens.shows("ada", "phone", "one")
    screens.forget("ada", "phone")
    assert (screens.shows("ada", "phone", "one"), len(screens)) == (True, 0)


def test_a_device_shows_so_much_and_no_more() -> None:
    screens = Screens()

    for number in range(MAX_SHOWN + 1):
        screens.open("ada", "phone", str(number))

    assert [screens.shows("ada", "phone", str(number)) for number in (0, 1, MAX_SHOWN)] == [False, True, True]


def test_a_frame_says_where_it_matters_to_each_of_its_people() -> None:
    frame = Frame(b"\x81\x02{}", ["ada", "bob"], passing=True, where="one")

    packed = dict(pack_for_each("node", frame))

    assert {user: unpack(data) for user, data in packed.items()} == {
        user: ("node", Frame(frame.wire, [user], passing=True, where="one")) for user in ("ada", "bob")
    }
