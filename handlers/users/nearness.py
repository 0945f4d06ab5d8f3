"""Distance without position: places are known to a grid of about a kilometre, distances in coarse steps.

Rounding the answer alone would not hide anybody: whoever moves the centre of a search and watches when a person drops
out finds the place all the same. So the search itself knows nothing finer than the grid.
"""

from collections.abc import Sequence

from storage.geo import distance_km

STEPS_KM = (1, 2, 5, 10, 25, 50, 100, 250, 500)
GRID = 2
"""Decimals of a degree that the search knows: 0.01° are 1.1 km to the north, and less to the east."""
DEFAULT_RADIUS_KM = 25.0
LOCAL_KM = 50.0


def coarse(coordinates: Sequence[float]) -> list[float]:
    """The point of the grid that stands for a place."""
    latitude, longitude = coordinates
    return [round(latitude, GRID), round(longitude, GRID)]


def within(here: Sequence[float], there: Sequence[float]) -> int:
    """The smallest step that holds the distance between a place and a point of the grid."""
    distance = distance_km(here, there)
    return next((step for step in STEPS_KM if distance <= step), STEPS_KM[-1])


def rings(radius_km: float) -> list[float]:
    """The radii to look through, from near to far, up to the one that was asked for."""
    return [*(float(step) for step in STEPS_KM if step < radius_km), radius_km]
