"""What the specification asks for exists: its endpoints with their parameters, its socket events with their fields."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import run
from server.assembly import commands, events
from server.routes import Command, wire_names
from server.spec.catalogue import catalogue
from server.spec.schemas import Json, Schemas

PENDING = frozenset(
    {
        "Communities",
        "Feeds & Content",
        "Shop & Advertising",
        "Monetization & Payments",
        "Video Sharing",
        "Business Tools",
    }
)
"""Sections of the specification that are not built yet: whoever builds one takes its line away."""

PENDING_FIELDS = frozenset({"encryptedContent", "keyId"})
"""Fields of encrypted conversations, which are not built yet: whoever builds them takes this away."""

RECEIVED: Mapping[str, str] = {
    "message:send": "conversationId content type replyToMessageId",
    "message:typing": "conversationId isTyping",
    "message:read": "conversationId messageId",
    "presence:update": "status customStatus customStatus.emoji customStatus.text customStatus.expiresAt",
}
"""Events from the client (specification, section 7), with the fields that they carry."""

MESSAGE = (
    "id conversationId senderId type content media media.type media.url media.thumbnail media.filename media.size "
    "media.duration location location.latitude location.longitude location.address replyToMessageId mentionedUserIds "
    "reactions reactions.emoji reactions.userIds reactions.count status deliveredTo deliveredTo.userId "
    "deliveredTo.deliveredAt readBy readBy.userId readBy.readAt encryptedContent keyId isReported isDeleted deletedAt "
    "expiresAt createdAt updatedAt"
)
CONVERSATION = (
    "id type participantIds createdBy adminIds name description avatar isEncrypted allowInvites messageRetention "
    "isActive isArchived lastMessageAt lastMessageId createdAt updatedAt"
)
FRIENDSHIP = (
    "id requesterId recipientId status relationship requestMessage mutualFriends connectionSource canMessage "
    "canSeeOnlineStatus canSeeLocation createdAt updatedAt acceptedAt"
)
PRESENCE = (
    "userId status lastSeenAt currentDevice location location.city location.country customStatus customStatus.emoji "
    "customStatus.text customStatus.expiresAt"
)
"""Without `location.coordinates`: presence tells the city at most, so that nobody is followed by it."""
SENT: Mapping[str, str] = {
    "message:new": MESSAGE,
    "message:updated": MESSAGE,
    "message:deleted": "messageId conversationId",
    "message:typing": "conversationId userId isTyping",
    "conversation:updated": CONVERSATION,
    "friend:request": FRIENDSHIP,
    "friend:accepted": FRIENDSHIP,
    "presence:updated": PRESENCE,
}
"""Events to the client (specification, section 7), with the fields of their data models."""


class Endpoint(NamedTuple):
    """A line of the specification's list."""

    method: str
    path: str
    query: str
    section: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"(\w+)=", self.query)


def _endpoints() -> list[Endpoint]:
    with Path(__file__).with_name("endpoints.tsv").open(encoding="utf-8", newline="") as lines:
        return [Endpoint(**line) for line in csv.DictReader(lines, delimiter="\t")]


ENDPOINTS = _endpoints()
BUILT = [one for one in ENDPOINTS if one.section not in PENDING]
SLICES = run.slices()
SCHEMAS = Schemas(catalogue(SLICES, "1"))


def _nameless(path: str) -> str:
    """A path without the names of its placeholders: ours may be more precise (`:id`, `{conversationId}`)."""
    return re.sub(r":\w+|\{\w+\}", "*", path)


def _choices(schema: Json) -> Iterator[Json]:
    """The objects that a value can be, also as an item of a list."""
    schema = SCHEMAS.resolve(schema)
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _choices(inner)
    if "items" in schema:
        yield from _choices(schema["items"])
    yield schema


def _has(schema: Json, field: str) -> bool:
    name, _, rest = field.partition(".")
    found = [one["properties"][name] for one in _choices(schema) if name in one.get("properties", {})]
    return any(_has(one, rest) for one in found) if rest else bool(found)


def _missing(schema: Json, fields: str) -> list[str]:
    return [field for field in fields.split() if not _has(schema, field) and field not in PENDING_FIELDS]


COMMANDS: dict[tuple[str | None, str], Command] = {
    (one.method, _nameless(one.path)): one for one in commands(SLICES) if one.path
}


def test_the_list_has_every_endpoint_of_the_specification() -> None:
    assert len(ENDPOINTS) == 186
    assert {one.section for one in ENDPOINTS} > PENDING


@pytest.mark.parametrize("endpoint", BUILT, ids=str)
def test_an_endpoint_of_a_built_section_exists_with_its_parameters(endpoint: Endpoint) -> None:
    command = COMMANDS.get((endpoint.method, _nameless(endpoint.path)))

    assert command, "no command has this address"
    assert not set(endpoint.parameters) - set(wire_names(command.input))


@pytest.mark.parametrize("name", RECEIVED)
def test_an_event_from_the_client_is_a_command_with_the_fields_of_the_specification(name: str) -> None:
    command = next((one for one in commands(SLICES) if one.event == name), None)

    assert command, "no command has this event"
    assert not _missing(SCHEMAS.input_of(command), RECEIVED[name])


@pytest.mark.parametrize("name", SENT)
def test_an_event_to_the_client_carries_the_fields_of_the_specification(name: str) -> None:
    event: Any = next((one for one in events(SLICES) if one.name == name), None)

    assert event, "no slice tells this event"
    assert not _missing(SCHEMAS.payload_of(event), SENT[name])
