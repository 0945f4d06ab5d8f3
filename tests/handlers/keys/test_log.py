"""The log of identity keys: what is in it can be proved, and that nothing was changed."""

import asyncio
from typing import Any

from pydantic import TypeAdapter

from crypto.directory import base64, unbase64
from crypto.identity_log import entry_bytes, verify_head
from crypto.merkle import EMPTY, leaf_hash, verify_consistency, verify_inclusion
from server.models import Instant
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block
from tests.handlers.keys.helpers import Keyring, encrypts, refused
from tests.harness.people import Door, Person

_INSTANT = TypeAdapter(Instant)


def milliseconds(text: str) -> int:
    return round(_INSTANT.validate_python(text).timestamp() * 1000)


def is_signed(head: dict[str, Any]) -> bool:
    return verify_head(
        unbase64(head["publicKey"]),
        head["size"],
        milliseconds(head["timestamp"]),
        unbase64(head["rootHash"]),
        unbase64(head["signature"]),
    )


def is_in(proof: dict[str, Any], head: dict[str, Any]) -> bool:
    at, salt = milliseconds(proof["loggedAt"]), unbase64(proof["salt"])
    leaf = leaf_hash(entry_bytes(proof["userId"], unbase64(proof["identityKey"]), at, salt))
    path = [unbase64(one) for one in proof["path"]]
    return verify_inclusion(leaf, proof["index"], proof["size"], path, unbase64(head["rootHash"]))


async def head_of(person: Person) -> Any:
    return await person.ask("GET", "/api/e2ee/identity-log/head")


async def test_every_identity_can_be_proved_against_a_signed_head(people: People, door: Door) -> None:
    everybody = await people(*(f"p{number}" for number in range(6)))
    rings = [await encrypts(one) for one in everybody]
    head = await door(everybody[0], "keys.log_head")
    assert is_signed(head)
    assert not is_signed(head | {"size": head["size"] + 1})

    for person, ring in zip(everybody, rings, strict=True):
        proof = await door(everybody[0], "keys.log_proof", {"userId": person.id, "size": head["size"]})
        assert proof["identityKey"] == base64(ring.identity.public)
        assert is_in(proof, head)
        assert not is_in(proof | {"identityKey": base64(Keyring().identity.public)}, head)


async def test_a_larger_log_is_proved_to_begin_with_every_smaller_one(people: People, door: Door) -> None:
    everybody = await people(*(f"q{number}" for number in range(5)))
    heads = [await head_of(everybody[0])]
    for one in everybody:
        await encrypts(one)
        heads.append(await head_of(one))

    last = heads[-1]
    for head in heads:
        proof = await door(everybody[0], "keys.log_consistency", {"first": head["size"], "second": last["size"]})
        path = [unbase64(one) for one in proof["path"]]
        roots = unbase64(head["rootHash"]), unbase64(last["rootHash"])
        assert verify_consistency(head["size"], last["size"], path, *roots)
        assert head["size"] or roots[0] == EMPTY
        if head is not last and head["size"]:
            assert not verify_consistency(head["size"], last["size"], path, roots[1], roots[1])


async def test_twenty_identities_at_once_on_two_servers_leave_a_whole_log(people: People, pair: Pair) -> None:
    everybody = await people(*(f"r{number}" for number in range(20)))
    before = (await head_of(everybody[0]))["size"]

    await asyncio.gather(
        *(
            one.at(pair[turn % 2]).ask("POST", "/api/e2ee/devices", Keyring().first())
            for turn, one in enumerate(everybody)
        )
    )

    head = await head_of(everybody[0])
    assert head["size"] == before + 20
    asker = everybody[0]
    proofs = [await asker.ask("GET", "/api/e2ee/identity-log/proof", params={"userId": one.id}) for one in everybody]
    assert sorted(one["index"] for one in proofs) == list(range(before, before + 20))
    assert all(is_in(one, head) for one in proofs)


async def test_who_may_not_have_the_keys_of_somebody_gets_no_proof_either(people: People, door: Door) -> None:
    ada, eve, dee = await people("ada", "eve", "dee")
    await encrypts(ada)
    await block(ada, eve)

    for whom in (ada, dee):
        assert (await refused(door(eve, "keys.log_proof", {"userId": whom.id}))).code == "keys.none"


async def test_sizes_that_there_are_not_are_refused(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    await encrypts(ada)
    size = (await head_of(ada))["size"]
    for name, given in (
        ("keys.log_proof", {"userId": ada.id, "size": size + 1_000}),
        ("keys.log_consistency", {"first": 0, "second": size + 1_000}),
        ("keys.log_consistency", {"first": size, "second": size - 1 or 1} if size > 1 else {"first": 2, "second": 1}),
        ("keys.log_consistency", {"first": -1, "second": 1}),
    ):
        assert (await refused(door(ada, name, given))).code == "bad_request", given
