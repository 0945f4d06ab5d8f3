"""Distance without position."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.users.nearness import STEPS_KM, coarse, rings, within
from storage.geo import distance_km

PLACES = st.tuples(st.floats(-89, 89), st.floats(-179, 179)).map(list)


@given(PLACES)
def test_the_search_knows_a_place_to_about_a_kilometre(place: list[float]) -> None:
    assert distance_km(place, coarse(place)) < 0.8
    assert coarse(coarse(place)) == coarse(place)


@given(PLACES, PLACES)
def test_everybody_in_a_cell_of_the_grid_looks_alike_from_everywhere(place: list[float], eye: list[float]) -> None:
    neighbour = [coarse(place)[0] + 0.003, coarse(place)[1] - 0.003]

    assert coarse(neighbour) == coarse(coarse(place))
    assert within(eye, coarse(neighbour)) == within(eye, coarse(place))


@given(PLACES, PLACES)
def test_a_distance_is_told_as_the_smallest_step_that_holds_it(one: list[float], other: list[float]) -> None:
    step, distance = within(one, other), distance_km(one, other)

    assert step in STEPS_KM
    smaller = [other for other in STEPS_KM if other < step]
    assert not smaller or distance > smaller[-1]
    assert distance <= step or step == STEPS_KM[-1]


def test_the_rings_go_out_to_the_radius_and_no_further() -> None:
    assert rings(7.5) == [1.0, 2.0, 5.0, 7.5]
    assert rings(10.0) == [1.0, 2.0, 5.0, 10.0]
    assert rings(0.5) == [0.5]
