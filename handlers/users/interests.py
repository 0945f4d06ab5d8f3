"""The curated interests that people choose from: a category each, with the subjects that belong to it."""

from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, Field

from server.models import Output


class Interest(Output):
    """One thing people are interested in."""

    id: str
    category: str
    subcategory: str | None = None
    name: str
    description: str
    icon_url: str
    """The icon itself, as a data: address of an SVG picture."""


# One line each: a category's id, icon, name and description; below it its subjects.
_CATALOGUE = """
travel | ✈️ | Travel | Places near and far
- backpacking | Backpacking
- city-breaks | City breaks
food | 🍲 | Food | Cooking and eating out
- baking | Baking
- street-food | Street food
- braai | Braai and barbecue
coffee | ☕ | Coffee & tea | Beans, leaves and the places that serve them
photography | 📷 | Photography | Taking pictures
- portraits | Portraits
- wildlife-photography | Wildlife photography
music | 🎵 | Music | Listening and making
- hip-hop | Hip-hop
- jazz | Jazz
- amapiano | Amapiano
- classical | Classical
film | 🎬 | Film & series | What to watch
- documentaries | Documentaries
- anime | Anime
books | 📚 | Books | Reading and writing
- fiction | Fiction
- poetry | Poetry
art | 🎨 | Art & design | Seeing and making
- painting | Painting
- illustration | Illustration
fashion | 👗 | Fashion | What to wear
- streetwear | Streetwear
- vintage | Vintage
beauty | 💄 | Beauty | Hair, skin and make-up
- skincare | Skincare
fitness | 💪 | Fitness | Staying strong
- running | Running
- yoga | Yoga
- cycling | Cycling
sports | ⚽ | Sports | Playing and watching
- football | Football
- rugby | Rugby
- cricket | Cricket
outdoors | 🏔️ | Outdoors | Under the open sky
- hiking | Hiking
- surfing | Surfing
- climbing | Climbing
nature | 🌿 | Nature | Plants, animals and the climate
- gardening | Gardening
- birding | Birding
pets | 🐾 | Pets | Animals at home
- dogs | Dogs
- cats | Cats
gaming | 🎮 | Gaming | Playing on a screen
- esports | Esports
- mobile-games | Mobile games
tabletop | 🎲 | Board games | Playing at a table
- chess | Chess
technology | 💻 | Technology | How things work
- programming | Programming
- gadgets | Gadgets
- robotics | Robotics
science | 🔬 | Science | Finding things out
- astronomy | Astronomy
education | 🎓 | Learning | Schools, courses and languages
- languages | Languages
business | 💼 | Business | Work and enterprise
- startups | Start-ups
- marketing | Marketing
finance | 💰 | Money | Saving and investing
crafts | 🧶 | Crafts & DIY | Made by hand
- knitting | Knitting
- woodworking | Woodworking
home | 🏡 | Home | Living and furnishing
- interiors | Interiors
family | 👨‍👩‍👧 | Family | Parents and children
- parenting | Parenting
wellbeing | 🧘 | Well-being | Body and mind
- meditation | Meditation
cars | 🚗 | Cars & motorbikes | On wheels
comedy | 😂 | Comedy | What makes people laugh
- memes | Memes
dance | 💃 | Dance | Moving to music
volunteering | 🤝 | Volunteering | Helping others
"""


def _icon(emoji: str) -> str:
    text = f'<text y="52" font-size="52">{emoji}</text>'
    return "data:image/svg+xml," + quote(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{text}</svg>')


def _all() -> list[Interest]:
    found: list[Interest] = []
    for line in _CATALOGUE.split("\n"):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 4:
            category, emoji, name, description = parts
            heading = Interest(
                id=category, category=category, name=name, description=description, icon_url=_icon(emoji)
            )
            found.append(heading)
        elif len(parts) == 2:
            subject = parts[0].removeprefix("- ")
            about = {"subcategory": subject, "name": parts[1], "description": f"{parts[1]}, of {heading.name}"}
            found.append(heading.model_copy(update={"id": subject, **about}))
    return found


INTERESTS = _all()
_IDS = frozenset(one.id for one in INTERESTS)


def _known(values: list[str]) -> list[str]:
    unknown = [value for value in values if value not in _IDS]
    if unknown:
        raise ValueError(f"must be ids of GET /api/interests; {unknown[0][:50]!r} is none")
    if len(set(values)) != len(values):
        raise ValueError("must not name anything twice")
    return values


InterestIds = Annotated[
    list[Annotated[str, Field(max_length=50)]],
    Field(max_length=30, examples=[["parenting", "comedy"]]),
    AfterValidator(_known),
]
"""Ids of interests, each once."""
