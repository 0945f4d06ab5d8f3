"""The one place where [latitude, longitude] of the wire becomes GeoJSON's [longitude, latitude], and back."""

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt
from typing import Any

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""


def to_geojson(coordinates: Sequence[float]) -> dict[str, Any]:
    """A GeoJSON point of [latitude, longitude] in degrees."""
    latitude, longitude = coordinates
    return {"type": "Point", "coordinates": [longitude, latitude]}


def from_geojson(point: dict[str, Any]) -> list[float]:
    """[latitude, longitude] of a GeoJSON point."""
    longitude, latitude = point["coordinates"]
    return [latitude, longitude]


def within_km(coordinates: Sequence[float], radius_km: float) -> dict[str, Any]:
    """A query condition: not farther than `radius_km` from [latitude, longitude]. It works beside a text search."""
    latitude, longitude = coordinates
    return {"$geoWithin": {"$centerSphere": [[longitude, latitude], radius_km / EARTH_RADIUS_KM]}}


def distance_km(one: Sequence[float], other: Sequence[float]) -> float:
    """Great-circle distance of two [latitude, longitude] in kilometres (haversine formula)."""
    lat1, lng1, lat2, lng2 = (radians(angle) for angle in (*one, *other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lng2 - lng1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))
