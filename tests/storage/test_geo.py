"""[latitude, longitude] on the wire, [longitude, latitude] in storage: swapped, nothing would complain."""

from hypothesis import given
from hypothesis import strategies as st

from storage.geo import distance_km, from_geojson, to_geojson, within_km
from storage.mongo import Mongo

CAPE_TOWN = [-33.9249, 18.4241]
STELLENBOSCH = [-33.9321, 18.8602]


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_place_comes_back_as_it_went_in_and_longitude_is_first_in_storage(latitude: float, longitude: float) -> None:
    point = to_geojson([latitude, longitude])

    assert point == {"type": "Point", "coordinates": [longitude, latitude]}
    assert from_geojson(point) == [latitude, longitude]


def test_the_distance_of_two_towns_is_what_a_map_says() -> None:
    assert round(distance_km(CAPE_TOWN, STELLENBOSCH), 1) == 40.2
    assert distance_km(CAPE_TOWN, CAPE_TOWN) == 0


async def test_mongodb_and_the_formula_agree_on_who_is_near(mongo: Mongo) -> None:
    places = mongo.collection("places")
    await places.insert({"_id": "s", "at": to_geojson(STELLENBOSCH)})

    near = await places.count({"at": within_km(CAPE_TOWN, 40.3)})
    far = await places.count({"at": within_km(CAPE_TOWN, 40.1)})

    assert (near, far) == (1, 0)
