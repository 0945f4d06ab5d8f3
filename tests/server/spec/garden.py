"""A slice with every shape that the documents must describe; nothing in it runs."""

from typing import Annotated, Literal

from pydantic import Field, create_model

from server.actors import Actor
from server.errors import Conflict, NotFound
from server.events import Event
from server.models import Coordinates, Id, Input, Instant, Output, Text
from server.routes import Limit, Routes
from server.slices import Permission, Slice

Name = Annotated[Text, Field(min_length=1, max_length=30)]


class Spot(Input):
    """Where in the garden."""

    row: Annotated[int, Field(ge=1, le=99)]


class PlantRef(Input):
    plant_id: Id


class Planting(Input):
    """A plant to be."""

    garden_id: Id
    name: Name
    spot: Spot
    kind: Literal["flower", "tree"] = "flower"
    planted_at: Instant | None = None
    tags: list[Name] = Field(default_factory=list, max_length=5)


class Looking(Input):
    """Which plants to find."""

    near: Coordinates | None = None
    """Where to look first."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    spot: Spot | None = None
    tags: list[Name] = Field(default_factory=list, max_length=5)


class Plant(Output):
    """A plant, as everybody sees it."""

    id: str
    name: str
    nickname: str | None = None
    parents: list["Plant"] = Field(default_factory=list)


class Plants(Output):
    items: list[Plant]


GardenPlace = create_model("Place", __base__=Output, __module__="handlers.garden.models", gate=(str, ...))
CityPlace = create_model("Place", __base__=Output, __module__="handlers.city.models", mayor=(str, ...))


class PlantGrown(Event[Plant], name="plant:grown"):
    """A plant has grown.

    Everybody hears it <b>once</b>.
    """


class NoSuchPlant(NotFound):
    """There is no such plant."""

    code = "garden.no_such_plant"


class SpotTaken(Conflict):
    """Another plant stands there."""

    code = "garden.spot_taken"


class Garden:
    """Plants, and where they stand."""


routes = Routes("garden")


@routes.command(
    "POST /api/gardens/{gardenId}/plants",
    event="plant:add",
    needs="garden:write",
    status=201,
    limits=(Limit(5, 60), Limit(20, 3600, by="address", field="name")),
    errors=(SpotTaken, NoSuchPlant),
)
async def plant(garden: Garden, actor: Actor, body: Planting) -> Plant:
    """Plant something.

    What stands there already keeps its place.
    """
    raise NotImplementedError


@routes.command("GET /api/plants", public=True)
async def look(garden: Garden, actor: Actor | None, body: Looking) -> Plants:
    """Find plants."""
    raise NotImplementedError


@routes.command("DELETE /api/plants/{plantId}", event="plant:remove", needs="garden:write", errors=(NoSuchPlant,))
async def remove(garden: Garden, body: PlantRef) -> None:
    """Remove a plant."""
    raise NotImplementedError


@routes.command("POST /api/plants/{plantId}/water", needs="garden:write")
async def water(garden: Garden, body: PlantRef) -> GardenPlace:
    """Water a plant."""
    raise NotImplementedError


@routes.command(event="plant:whisper", public=True)
async def whisper(garden: Garden, body: Looking) -> CityPlace:
    """Whisper to plants; over the socket alone."""
    raise NotImplementedError


manifest = Slice(
    name="garden",
    service=Garden,
    build=lambda kit: Garden(),
    routes=routes,
    events=(PlantGrown,),
    permissions=(Permission("garden:write", "Change what grows."),),
    errors=(NoSuchPlant, SpotTaken),
)
