"""Codes by the clock: as RFC 6238 and Debian's oathtool make them."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from crypto.totp import STEP, code_at, matching_step, new_totp_secret, typed, uri
from tests.harness import debian

RFC = b"12345678901234567890"
VECTORS = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}
"""RFC 6238, appendix B, SHA-1: the last six of its eight digits."""


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_at(RFC, seconds // STEP) == code
    assert matching_step(RFC, code, seconds) == seconds // STEP


async def test_oathtool_makes_the_same_codes() -> None:
    secret, seconds = new_totp_secret(), 1_795_860_000
    oathtool = await asyncio.to_thread(debian.command, "oathtool")

    process = await asyncio.create_subprocess_exec(
        *oathtool,
        "--totp",
        "--base32",
        f"--now=@{seconds}",
        "--window=99",
        typed(secret),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()

    assert process.returncode == 0
    assert said.decode().split() == [code_at(secret, seconds // STEP + step) for step in range(100)]


@pytest.mark.parametrize(("away", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_away(away: int, fits: bool) -> None:
    now = 40_000_000

    found = matching_step(RFC, code_at(RFC, now + away), now * STEP + 29.9)

    assert found == (now + away if fits else None)


def test_what_a_person_types_that_is_no_code_fits_nothing() -> None:
    for code in ("", "28708", "2870822", "ääääää", "28708２"):
        assert matching_step(RFC, code, 59) is None


def test_an_app_reads_everything_from_the_address() -> None:
    parts = urlsplit(uri(RFC, account="ada&b", issuer="Mixee & Co"))

    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Mixee%20%26%20Co:ada%26b")
    assert parse_qs(parts.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Mixee & Co"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
