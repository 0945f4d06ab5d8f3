"""Malformed messages: each is refused with the documented answer, and nobody gets anything."""

import copy
from collections.abc import Iterator
from typing import Any

from crypto.directory import base64
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import shown
from tests.handlers.envelopes.helpers import circle, first, pairwise, secret, to_group
from tests.harness.people import Door, Refusal

Case = tuple[str, dict[str, Any]]


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the body with another value at a place; `...` takes it away."""
    result = copy.deepcopy(body)
    *way, last = path.split(".")
    at: Any = result
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return result


WRONG_NUMBERS: tuple[Any, ...] = (0, -1, 128, 2**31, 1.5, "1", None, True, [1], ...)
WRONG_REGISTRATIONS: tuple[Any, ...] = (0, -1, 0x4000, 2**40, 1.5, "1", None, ...)
WRONG_CONTENTS: tuple[Any, ...] = ("", "x", "QQ", "QQ==\n", "Q_==", None, 1, [], {}, ...)
WRONG_TYPES: tuple[Any, ...] = (0, 1, 4, 5, 6, 9, -2, "2", None, 2.5, True, ...)


def of_devices(body: dict[str, Any]) -> Iterator[Case]:
    one = "recipients.0.messages.0"
    for field, values in (
        ("destinationDeviceId", WRONG_NUMBERS),
        ("destinationRegistrationId", WRONG_REGISTRATIONS),
        ("content", WRONG_CONTENTS),
        ("type", (*WRONG_TYPES, 7)),
    ):
        for value in values:
            yield f"{field}: {value!r}", changed(body, f"{one}.{field}", value)
    message = body["recipients"][0]["messages"][0]
    lists: tuple[Any, ...] = (None, {}, "x", [None], ["x"], [{}], [message, message], [message] * 13, ...)
    for value in lists:
        yield f"messages: {str(value)[:20]}", changed(body, "recipients.0.messages", value)
    recipient = body["recipients"][0]
    for value in (None, {}, [], [None], [recipient, recipient], [recipient | {"devices": [[1, 1]]}], ...):
        yield f"recipients: {str(value)[:20]}", changed(body, "recipients", value)


def of_fields(body: dict[str, Any]) -> Iterator[Case]:
    for field, values in (
        ("clientMessageId", ("", "short", "x" * 65, "with space", None, 1, ...)),
        ("timestamp", ("", "yesterday", 1_700_000_000, None, "2026-11-28T12:00:00", ...)),
        ("expiresIn", (0, 29, -1, 28 * 86_400 + 1, "60", 1.5)),
        ("urgent", (1, "true", None)),
        ("silent", (1, None)),
        ("online", ("x",)),
        ("membershipEpoch", (1,)),
        ("distributionId", ("0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60",)),
        ("content", (base64(b"x"),)),
        ("type", (7,)),
        ("plaintext", ("hello",)),
    ):
        for value in values:
            yield f"{field}: {value!r}", changed(body, field, value)
    yield "silent, and to disappear", body | {"silent": True, "expiresIn": 60}


def of_groups(body: dict[str, Any]) -> Iterator[Case]:
    for field in ("content", "distributionId", "membershipEpoch", "type"):
        yield f"without {field}", changed(body, field, ...)
    pairs: tuple[Any, ...] = (
        None, {}, [[1]], [[1, 1, 1]], [[0, 5]], [[128, 5]], [[1, 0]], [[1, 0x4000]], [["1", 5]], [1, 5],
        [[1, 5], [1, 6]], [[1, 5]] * 13, [[1, None]], ...,
    )  # fmt: skip
    for value in pairs:
        yield f"devices: {value!r}", changed(body, "recipients.0.devices", value)
    for field, values in (
        ("content", WRONG_CONTENTS[:-1]),
        ("type", (2, 3, 8, 0, "7")),
        ("distributionId", ("x", 1, "0192F7A4-7C1E-7B6A-9F3E-5D2C8A4B1E60")),
        ("membershipEpoch", (-1, "1", 1.5, 2**53)),
        ("silent", (True,)),
        ("online", (True,)),
    ):
        for value in values:
            yield f"{field}: {value!r}", changed(body, field, value)


async def test_more_than_a_hundred_malformed_messages_are_refused_with_422(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await first(ada)
    laptop = await first(bob)
    where = await secret(ada, bob)
    room, epoch = await circle(ada, bob)
    socket = await bob.socket()
    direct, group = pairwise(where, [laptop]), to_group(room, epoch, [laptop], "hi")
    # A list of devices that is well-formed and wrong is no malformed message: that has answers of its own.
    wrong = [*of_devices(direct), *of_fields(direct), *of_groups(group)]
    wrong += [("a group's in a direct one", to_group(where, 1, [laptop], "x")), ("pairwise", pairwise(room, [laptop]))]

    differently = []
    for what, body in wrong:
        try:
            await door(ada, "envelopes.send", body)
        except Refusal as refusal:
            if refusal.code != "bad_request" or refusal.status not in {422, None}:
                differently.append((what, str(refusal)))
        else:
            differently.append((what, "was taken"))

    assert differently == []
    assert len(wrong) == 131
    await socket.settle()
    assert socket.events("e2ee:envelope") == socket.events("message:new") == []
    assert await laptop.waiting() == []
    assert [(await shown(ada, one))["head"] for one in (where, room)] == [1, epoch]


async def test_a_recipient_who_is_no_member_is_not_found(people: People, door: Door) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    await first(ada)
    laptop, spy = await first(bob), await first(eve)
    where = await secret(ada, bob)

    for who, devices in ((ada, [laptop, spy]), (ada, [spy]), (eve, [laptop])):
        try:
            await door(who, "envelopes.send", pairwise(where, devices))
        except Refusal as refusal:
            found = (refusal.code, refusal.status in {404, None})
        assert found == ("not_found", True)
    assert await spy.waiting() == await laptop.waiting() == []


async def test_nobody_acknowledges_what_waits_for_another(people: People, door: Door) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    phone, laptop, _ = [await first(one) for one in (ada, bob, eve)]
    where = await secret(ada, bob)
    await phone.send(pairwise(where, [laptop]))
    (envelope,) = await laptop.waiting()

    for who in (ada, eve):
        await door(who, "envelopes.acknowledge", {"ids": [envelope["id"]]})

    assert [one["id"] for one in await laptop.waiting()] == [envelope["id"]]
