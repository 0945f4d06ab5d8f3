"""What devices upload: what is kept, and the more than three hundred ways in which it is refused."""

import copy
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson

from crypto.directory import base64, unbase64
from crypto.signal.client.primitives import sign
from crypto.signal.client.randomness import system
from crypto.signal.keys import PRIME, verify
from tests.handlers.chat.conftest import People
from tests.handlers.keys.helpers import Keyring, encrypts, fetched, pair, refused
from tests.harness.people import Door, Person, Refusal

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group that signatures are made in."""
LOW = (
    0,
    1,
    PRIME - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
BEYOND = (PRIME, PRIME + 1, PRIME + 18, 2**255 - 1, 2**255 + 9)

SOCKET_EVENT = 65_000
"""Bytes of the largest event; a connection that sends more is closed."""

Case = tuple[str, dict[str, Any], str, str]
"""What is wrong, what is sent, the code of the answer, and the field that it names."""


def point(u: int) -> bytes:
    return b"\x05" + u.to_bytes(32, "little")


def put(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the body with another value at a place; `...` takes the field away."""
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


def of(body: dict[str, Any], path: str) -> Any:
    at: Any = body
    for step in path.split("."):
        at = at[int(step)] if isinstance(at, list) else at[step]
    return at


KINDS: tuple[tuple[str, Any], ...] = (
    ("null", None),
    ("a number", 7),
    ("a list", ["BQ=="]),
    ("an object", {}),
    ("a boolean", True),
    ("nothing at all", ...),
)


def ec_keys(body: dict[str, Any], path: str) -> Iterator[Case]:
    good = unbase64(of(body, path))
    wrong = {
        **{f"{len(one)} bytes": one for one in (b"", good[:1], good[:32], good + b"\0", good + good)},
        **{f"type {type_:#x}": bytes([type_]) + good[1:] for type_ in (0x00, 0x04, 0x06, 0x08, 0x0A, 0x33)},
        **{f"low order {u}": point(u) for u in LOW},
        **{f"beyond the prime {u}": b"\x05" + u.to_bytes(32, "little") for u in BEYOND},
    }
    for what, key in wrong.items():
        yield f"{path}: {what}", put(body, path, base64(key)), "bad_request", path
    text = of(body, path)
    for what, value in (*KINDS, ("no Base64", "!" * 44), ("a line end", text + "\n"), ("too much padding", text + "=")):
        yield f"{path}: {what}", put(body, path, value), "bad_request", path


def kyber_keys(body: dict[str, Any], path: str) -> Iterator[Case]:
    good = unbase64(of(body, path))
    for size in (0, 1, 33, 800, 1568, 1570):
        yield f"{path}: {size} bytes", put(body, path, base64((good + b"\0")[:size])), "bad_request", path
    for type_ in (0x00, 0x05, 0x07, 0x09, 0x0A, 0xFF):
        yield f"{path}: type {type_:#x}", put(body, path, base64(bytes([type_]) + good[1:])), "bad_request", path
    beyond = {"all ones": good[:1] + b"\xff" * 1568, "one coefficient": good[:1] + b"\xff\xff" + good[3:]}
    for what, key in beyond.items():
        yield f"{path}: {what}", put(body, path, base64(key)), "keys.bad_keys", path
    for what, value in KINDS:
        yield f"{path}: {what}", put(body, path, value), "bad_request", path


def signatures(body: dict[str, Any], key: str, other: Keyring) -> Iterator[Case]:
    path, good, message = f"{key}.signature", unbase64(of(body, key)["signature"]), unbase64(of(body, key)["publicKey"])
    for size in (0, 32, 63, 65, 128):
        yield f"{path}: {size} bytes", put(body, path, base64((good + good)[:size])), "bad_request", path
    bare = of(body, path).rstrip("=")
    yield f"{path}: no padding", put(body, path, bare), "bad_request", path
    yield f"{path}: loose bits", put(body, path, bare[:-1] + _next(bare[-1]) + "=="), "bad_request", path
    s = int.from_bytes(good[32:63] + bytes([good[63] & 0x7F]), "little")
    malleable = bytearray(good[:32] + (s + ORDER).to_bytes(32, "little"))
    malleable[63] |= good[63] & 0x80
    forged = {
        **{f"bit {bit}": _flipped(good, bit) for bit in (0, 100, 255, 256, 400, 500, 511)},
        "s beyond the order": bytes(malleable),
        "zeros": bytes(64),
        "of another identity": sign(other.identity.private, message, system),
        "of the key without its type": sign(other.identity.private, message[1:], system),
        "high bits": good[:63] + bytes([good[63] | 0x60]),
    }
    for what, signature in forged.items():
        yield f"{path}: {what}", put(body, path, base64(signature)), "keys.bad_keys", path
    for what, value in KINDS:
        yield f"{path}: {what}", put(body, path, value), "bad_request", path


def _next(digit: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return alphabet[alphabet.index(digit) ^ 1]


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def numbers(body: dict[str, Any], path: str, *, least: int, most: int) -> Iterator[Case]:
    for value in (least - 1, most + 1, -(2**31), 2**40, 1.5, "1", None, True, [1], ...):
        yield f"{path}: {value!r}", put(body, path, value), "bad_request", path


def lists(body: dict[str, Any], ring: Keyring) -> Iterator[Case]:
    ec, pq = body["preKeys"], body["pqPreKeys"]
    yield "101 keys", put(body, "preKeys", ring.one_time(101)), "bad_request", "preKeys"
    yield "101 post-quantum keys", put(body, "pqPreKeys", [pq[0]] * 101), "bad_request", "pqPreKeys"
    yield "an id twice", put(body, "preKeys", [ec[0], ec[1] | {"keyId": ec[0]["keyId"]}]), "bad_request", ""
    yield "a post-quantum id twice", put(body, "pqPreKeys", [pq[0], pq[0]]), "bad_request", ""
    same = body["pqLastResortPreKey"]["keyId"]
    yield "the id of the last resort", put(body, "pqPreKeys.1.keyId", same), "bad_request", "pqPreKeys.1.keyId"
    for path in ("preKeys", "pqPreKeys"):
        values: tuple[Any, ...] = (None, {}, "x", 1, [None], [[]], ["x"], [{}])
        for value in values:
            yield f"{path}: {value!r}", put(body, path, value), "bad_request", path
    for path in ("preKeys.0.signature", "signedPreKey.extra", "pqPreKeys.0.private", "deviceId"):
        yield f"{path}: not known", put(body, path, "x"), "bad_request", path


def cases(ring: Keyring, other: Keyring) -> list[Case]:
    body = {
        "preKeys": ring.one_time(2),
        "pqPreKeys": ring.one_time_pq(2),
        "signedPreKey": ring.signed_key(2),
        "pqLastResortPreKey": ring.kyber_key(2_000),
    }
    keys = ("signedPreKey", "pqLastResortPreKey", "pqPreKeys.1")
    return [
        *ec_keys(body, "preKeys.1.publicKey"),
        *ec_keys(body, "signedPreKey.publicKey"),
        *kyber_keys(body, "pqPreKeys.1.publicKey"),
        *kyber_keys(body, "pqLastResortPreKey.publicKey"),
        *(case for key in keys for case in signatures(body, key, other)),
        *(case for key in ("preKeys.1", *keys) for case in numbers(body, f"{key}.keyId", least=0, most=2**31 - 1)),
        *lists(body, ring),
    ]


async def all_refused(call: Callable[[dict[str, Any]], Awaitable[Any]], wrong: list[Case]) -> None:
    taken, differently = [], []
    for what, sent, code, field in wrong:
        try:
            await call(sent)
        except Refusal as refusal:
            named = any(one.startswith(field) or field.startswith(one) for one in refusal.fields)
            if refusal.code != code or refusal.status not in {422, None} or not named:
                differently.append((what, str(refusal)))
        else:
            taken.append(what)
    assert taken == []
    assert differently == []


async def _stored(person: Person) -> list[Any]:
    mongo = person.server.app.mongo
    found: list[Any] = []
    for name in ("e2ee_accounts", "e2ee_devices", "e2ee_prekeys"):
        of_person = {"$or": [{"_id": person.id}, {"userId": person.id}]}
        found += await mongo.collection(name).find(of_person, limit=1_000, sort=[("_id", 1)])
    return [{name: value for name, value in one.items() if name != "uploads"} for one in found]


async def test_238_malformed_uploads_are_refused_and_change_nothing(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada, ec=3, pq=3)
    before = await _stored(ada)
    everything = cases(ring, Keyring())
    wrong = [one for one in everything if door.kind == "http" or len(orjson.dumps(one[1])) < SOCKET_EVENT]

    await all_refused(lambda sent: door(ada, "keys.upload", sent), wrong)

    assert (len(everything), len(everything) - len(wrong)) == (238, 0 if door.kind == "http" else 1)
    assert await _stored(ada) == before


async def test_a_malformed_first_device_is_refused_and_nothing_of_it_is_kept(people: People) -> None:
    (ada,) = await people("ada")
    ring = Keyring()
    body = ring.first(ec=1, pq=1)
    wrong: list[Case] = [
        *ec_keys(body, "identityKey"),
        *numbers(body, "registrationId", least=1, most=0x3FFF),
        *signatures(body, "signedPreKey", Keyring()),
        *(
            ("name", put(body, "name", one), "bad_request", "name")
            for one in ("", "=", "x", base64(bytes(301)), None, 1)
        ),
        *(
            (f"without {one}", put(body, one, ...), "bad_request", one)
            for one in ("signedPreKey", "pqLastResortPreKey")
        ),
        (
            "another identity",
            put(body, "identityKey", base64(pair().public)),
            "keys.bad_keys",
            "signedPreKey.signature",
        ),
    ]

    await all_refused(lambda sent: ada.ask("POST", "/api/e2ee/devices", sent), wrong)

    assert await _stored(ada) == []
    assert (await ada.http("GET", "/api/e2ee/devices"))[0] == 409


async def test_an_upload_of_100_keys_of_each_kind_fits_through_http_and_no_more_does(people: People) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada)

    await ada.ask("PUT", "/api/e2ee/keys", {"preKeys": ring.one_time(100), "pqPreKeys": ring.one_time_pq(100)})

    assert await ada.ask("GET", "/api/e2ee/keys/count") == {"count": 100, "pqCount": 100}
    assert (await ada.http("PUT", "/api/e2ee/keys", {"preKeys": ["x" * 512_000]}))[0] == 413
    assert (await ada.http("POST", "/api/e2ee/keys/check", {"digest": "x" * 66_000}))[0] == 413


async def test_empty_lists_leave_keys_and_others_take_the_place_of_all_of_their_kind(
    people: People, door: Door
) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada, ec=5, pq=4)

    await door(ada, "keys.upload", {"preKeys": [], "pqPreKeys": []})
    assert await door(ada, "keys.count") == {"count": 5, "pqCount": 4}

    await door(ada, "keys.upload", {"preKeys": ring.one_time(2, first=50)})
    assert await door(ada, "keys.count") == {"count": 2, "pqCount": 4}

    await door(ada, "keys.upload", {"pqPreKeys": ring.one_time_pq(1, first=60)})
    assert await door(ada, "keys.count") == {"count": 2, "pqCount": 1}


async def test_the_digest_tells_whether_both_sides_have_the_same_keys(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada)
    await door(ada, "keys.check", {"digest": ring.digest()})

    ring.signed = ring.signed_key(2)
    refusal = await refused(door(ada, "keys.check", {"digest": ring.digest()}))
    assert (refusal.code, refusal.status in {409, None}) == ("keys.differs", True)

    await door(ada, "keys.upload", {"signedPreKey": ring.signed})
    await door(ada, "keys.check", {"digest": ring.digest()})
    ring.last_resort = ring.kyber_key(1_001)
    await door(ada, "keys.upload", {"pqLastResortPreKey": ring.last_resort})
    await door(ada, "keys.check", {"digest": ring.digest()})


async def test_a_one_time_key_never_has_the_id_of_the_last_resort(people: People) -> None:
    (ada,) = await people("ada")
    ring = await encrypts(ada, pq=2)

    status, refused = await ada.http("PUT", "/api/e2ee/keys", {"pqPreKeys": [ring.kyber_key(1_000)]})
    assert (status, refused["details"][0]["field"]) == (422, "pqPreKeys.0.keyId")
    status, refused = await ada.http("PUT", "/api/e2ee/keys", {"pqLastResortPreKey": ring.kyber_key(2)})
    assert (status, refused["code"]) == (422, "bad_request")

    assert await ada.ask("GET", "/api/e2ee/keys/count") == {"count": 0, "pqCount": 2}
    await ada.ask("POST", "/api/e2ee/keys/check", {"digest": ring.digest()})


async def test_a_sign_in_without_keys_cannot_upload_any(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    for name, given in (
        ("keys.upload", {}),
        ("keys.count", {}),
        ("keys.check", {"digest": Keyring().digest()}),
        ("keys.devices", {}),
        ("keys.link_token", {}),
        ("keys.remove", {"deviceId": 2}),
    ):
        assert (await refused(door(ada, name, given))).code == "keys.no_device", name


async def test_what_is_signed_by_50_identities_is_accepted_whatever_the_sign_of_their_edwards_point(
    people: People,
) -> None:
    (ada, bob) = await people("ada", "bob")
    await encrypts(bob)
    tops = set()
    for _ in range(50):
        ring = Keyring()
        for key in (ring.signed, ring.last_resort):
            signature = unbase64(key["signature"])
            tops.add(signature[63] >> 7)
            verify(ring.identity.public, unbase64(key["publicKey"]), signature)
    assert tops == {0, 1}
    ring = await encrypts(ada)
    assert (await fetched(bob, ada))["identityKey"] == base64(ring.identity.public)
