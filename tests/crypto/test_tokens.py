"""Access tokens, refresh tokens and other secrets: what is made is accepted, whatever is forged is not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from crypto import tokens
from crypto.tokens import Claims, RefreshToken, SigningKey, TokenError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = SigningKey.named_by_itself(bytes(range(32)))
OTHER = SigningKey.named_by_itself(bytes(32))
CLAIMS = Claims(
    sub="01999999-0000-7000-8000-000000000001",
    email="ada@example.com",
    role="user",
    scope=("chat:write", "user:read"),
    iat=NOW,
    exp=NOW + timedelta(hours=1),
    aud="mixee",
    iss="mixee",
    sid="01999999-0000-7000-8000-000000000002",
    did="phone",
    jti="1",
)


def check(token: str, *, now: datetime = NOW) -> Claims:
    return tokens.verify(token, {KEY.kid: KEY.public}, audience="mixee", issuer="mixee", now=now)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, body, signature = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, body)]
    return read[0], read[1], signature


def signed(body: Any, *, header: dict[str, Any] | None = None, key: SigningKey = KEY) -> str:
    """A token whose signature holds, with any header and body."""
    head = {"alg": "EdDSA", "typ": "at+jwt", "kid": KEY.kid} | (header or {})
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
    return f"{text}.{b64(key.private.sign(text.encode()))}"


GOOD = tokens.sign(CLAIMS, KEY)
BODY = parts(GOOD)[1]


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in BODY.items() if key != name}


def test_a_token_says_what_it_was_given() -> None:
    assert check(GOOD) == CLAIMS
    assert check(signed(BODY)) == CLAIMS


def test_a_token_carries_the_claims_of_the_specification() -> None:
    header, body, _ = parts(GOOD)

    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": KEY.kid}
    assert body == {
        "sub": CLAIMS.sub,
        "email": "ada@example.com",
        "role": "user",
        "scope": ["chat:write", "user:read"],
        "iat": 1795521600,
        "exp": 1795525200,
        "aud": "mixee",
        "iss": "mixee",
        "sid": CLAIMS.sid,
        "did": "phone",
        "jti": "1",
    }


def none_alg(kind: str) -> str:
    return f"{b64(json.dumps({'alg': kind, 'typ': 'at+jwt', 'kid': KEY.kid}).encode())}.{GOOD.split('.')[1]}."


def hmac_with(secret: bytes, alg: str = "HS256") -> str:
    head = {"alg": alg, "typ": "at+jwt", "kid": KEY.kid}
    text = f"{b64(json.dumps(head).encode())}.{GOOD.split('.')[1]}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def elliptic() -> str:
    return jwt.encode(
        BODY, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"typ": "at+jwt", "kid": KEY.kid}
    )


def changed(position: int) -> str:
    """The token with the lowest bits of one character of its signature changed in a way that decodes."""
    head, body, signature = GOOD.split(".")
    other = "A" if signature[position] != "A" else "B"
    return f"{head}.{body}.{signature[:position]}{other}{signature[position + 1 :]}"


RAW = KEY.public.public_bytes_raw()
PEM = KEY.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(OTHER.public.public_bytes_raw())}

FORGERIES: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "not a token": lambda: "hello",
    "two parts": lambda: GOOD.rpartition(".")[0],
    "four parts": lambda: GOOD + ".e30",
    "no signature": lambda: GOOD.rpartition(".")[0] + ".",
    "truncated": lambda: GOOD[:-1],
    "half of it": lambda: GOOD[: len(GOOD) // 2],
    "first character of the signature changed": lambda: changed(0),
    "character in the signature changed": lambda: changed(40),
    "another body under the signature": lambda: ".".join(
        [GOOD.split(".")[0], b64(json.dumps({**BODY, "role": "admin"}).encode()), GOOD.split(".")[2]]
    ),
    "alg none": lambda: none_alg("none"),
    "alg NONE": lambda: none_alg("NONE"),
    "alg None": lambda: none_alg("None"),
    "alg empty": lambda: none_alg(""),
    "HS256 with the raw public key": lambda: hmac_with(RAW),
    "HS256 with the public key as PEM": lambda: hmac_with(PEM),
    "HS256 with the name of the key": lambda: hmac_with(KEY.kid.encode()),
    "HS256 with nothing": lambda: hmac_with(b""),
    "EdDSA in the header over an HMAC": lambda: hmac_with(RAW, "EdDSA"),
    "ES256 with a key of its own": elliptic,
    "another key under our name": lambda: signed(BODY, key=OTHER),
    "another key under its own name": lambda: tokens.sign(CLAIMS, OTHER),
    "another name over our key": lambda: signed(BODY, header={"kid": OTHER.kid}),
    "no name of a key": lambda: signed(BODY, header={"kid": None}),
    "a path for a name": lambda: signed(BODY, header={"kid": "../../dev/null"}, key=OTHER),
    "a list for a name": lambda: signed(BODY, header={"kid": [KEY.kid]}),
    "its own key in the header": lambda: signed(BODY, header={"jwk": JWK}, key=OTHER),
    "an address for the key": lambda: signed(BODY, header={"jku": "https://example.com/keys"}, key=OTHER),
    "an unknown critical header": lambda: signed(BODY, header={"crit": ["exp"]}),
    "a plain JWT": lambda: signed(BODY, header={"typ": "JWT"}),
    "no type": lambda: signed(BODY, header={"typ": None}),
    "another audience": lambda: signed({**BODY, "aud": "other"}),
    "several audiences": lambda: signed({**BODY, "aud": ["mixee", "other"]}),
    "another issuer": lambda: signed({**BODY, "iss": "other"}),
    "expired": lambda: signed({**BODY, "exp": int(NOW.timestamp())}),
    "expired long ago": lambda: signed({**BODY, "exp": 0}),
    "expiry as text": lambda: signed({**BODY, "exp": "9999999999"}),
    "expiry as a truth value": lambda: signed({**BODY, "exp": True}),
    "expiry beyond every calendar": lambda: signed({**BODY, "exp": 10**20}),
    "not before a later time": lambda: signed({**BODY, "nbf": int(NOW.timestamp()) + 3600}),
    "not before as text": lambda: signed({**BODY, "nbf": "soon"}),
    "issued in the future": lambda: signed({**BODY, "iat": int(NOW.timestamp()) + 3600}),
    "a scope as text": lambda: signed({**BODY, "scope": "user:read"}),
    "a scope of numbers": lambda: signed({**BODY, "scope": [1]}),
    "a subject that is a number": lambda: signed({**BODY, "sub": 1}),
    "a list for a body": lambda: signed([BODY]),
    "too long": lambda: signed({**BODY, "did": "x" * 8000}),
    "a header nested without end": lambda: f"{b64(b'[' * 5000)}.e30.AAAA",
    "half characters": lambda: "\ud800." + GOOD,
    **{f"no {name}": (lambda name=name: signed(without(name))) for name in BODY},  # type: ignore[misc]  # a lambda's default
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused(forgery: str) -> None:
    token = FORGERIES[forgery]()

    with pytest.raises(TokenError):
        check(token)


def test_a_token_ends_with_its_hour_to_the_second() -> None:
    assert check(GOOD, now=CLAIMS.exp - timedelta(milliseconds=1)) == CLAIMS

    with pytest.raises(TokenError) as refused:
        check(GOOD, now=CLAIMS.exp)
    assert refused.value.expired


def test_only_an_expired_token_is_told_apart_from_a_bad_one() -> None:
    with pytest.raises(TokenError) as refused:
        check(signed({**BODY, "aud": "other", "exp": 0}))
    assert not refused.value.expired


def test_clocks_may_differ_by_a_minute() -> None:
    early = CLAIMS.iat - timedelta(seconds=60)

    assert check(GOOD, now=early) == CLAIMS
    with pytest.raises(TokenError):
        check(GOOD, now=early - timedelta(seconds=1))


def test_a_retired_key_still_checks_what_it_signed() -> None:
    both = {KEY.kid: KEY.public, OTHER.kid: OTHER.public}

    for key in (KEY, OTHER):
        token = tokens.sign(CLAIMS, key)
        assert tokens.verify(token, both, audience="mixee", issuer="mixee", now=NOW) == CLAIMS


@given(st.text(max_size=200) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True))
def test_any_text_is_refused_in_an_orderly_way(text: str) -> None:
    with pytest.raises(TokenError):
        check(text)


@given(st.integers(0, len(GOOD) - 2), st.sampled_from("ABab01-_."))
def test_no_single_changed_character_is_accepted(position: int, char: str) -> None:
    token = GOOD[:position] + char + GOOD[position + 1 :]

    if token == GOOD:
        assert check(token) == CLAIMS
    else:
        with pytest.raises(TokenError):
            check(token)


def test_every_process_gives_one_key_the_same_name() -> None:
    assert SigningKey.named_by_itself(KEY.seed).kid == KEY.kid
    assert KEY.kid != OTHER.kid


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        SigningKey.named_by_itself(b"short")


SEAL = bytes(range(32))
REFRESH = RefreshToken.make("01999999-0000-7000-8000-000000000002", 7)


def test_a_refresh_token_comes_back_as_it_went() -> None:
    assert RefreshToken.read(REFRESH.write(SEAL), SEAL) == REFRESH


def test_two_refresh_tokens_of_one_generation_differ() -> None:
    assert RefreshToken.make(REFRESH.session_id, 7).secret != REFRESH.secret


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        REFRESH.write(bytes(32)),
        REFRESH.write(SEAL)[:-1],
        REFRESH.write(SEAL) + "A",
        REFRESH.write(SEAL) + "\n",
        replace(REFRESH, generation=6).write(SEAL).rpartition(".")[0] + "." + REFRESH.write(SEAL).rpartition(".")[2],
        REFRESH.write(SEAL).replace(".7.", ".\u0667."),
        "\ud800",
    ],
)
def test_a_made_up_refresh_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        RefreshToken.read(text, SEAL)


def test_a_code_has_its_digits_also_when_they_are_zeros() -> None:
    codes = {tokens.new_code() for _ in range(2000)}

    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes)
    assert len(codes) > 1900


def test_a_keyed_digest_needs_its_key() -> None:
    assert tokens.keyed_digest("123456", b"one") != tokens.keyed_digest("123456", b"other")
    assert tokens.same(tokens.keyed_digest("1", b"k"), tokens.keyed_digest("1", b"k"))
    assert not tokens.same(tokens.digest("1"), tokens.digest("2"))
