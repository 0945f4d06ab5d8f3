"""What an operator may say of passkeys and keys, and what is refused."""

import base64

import pytest
from pydantic import ValidationError

from config.settings import section
from handlers.factors.settings import FactorsSettings

KEY = base64.b64encode(bytes(32)).decode()
GOOD = {
    "MIXEE_FACTORS_PASSKEY_RP_ID": "example.com",
    "MIXEE_FACTORS_PASSKEY_ORIGINS": "https://example.com, https://app.example.com:8443",
    "MIXEE_FACTORS_SEALING_KEYS": f"b:{KEY},a:{KEY}",
}


def of(**changes: str) -> FactorsSettings:
    return section(FactorsSettings, "factors", GOOD | {f"MIXEE_FACTORS_{name}": text for name, text in changes.items()})


def test_strong_settings_have_no_weakness() -> None:
    settings = of(PASSKEY_ORIGINS=GOOD["MIXEE_FACTORS_PASSKEY_ORIGINS"] + f",android:apk-key-hash:{'A' * 43}")

    assert settings.weaknesses() == []
    assert settings.origins[:2] == ["https://example.com", "https://app.example.com:8443"]
    assert list(settings.keys) == ["b", "a"]


def test_what_is_only_good_for_trying_out_is_a_weakness() -> None:
    weak = section(FactorsSettings, "factors", {}).weaknesses()

    assert [one.partition(" ")[0].partition("=")[0].rstrip(":") for one in weak] == [
        "MIXEE_FACTORS_SEALING_KEYS",
        "MIXEE_FACTORS_PASSKEY_RP_ID",
        "MIXEE_FACTORS_PASSKEY_ORIGINS",
    ]


@pytest.mark.parametrize(
    "origins",
    [
        "http://example.com",
        "https://evil.example",
        "https://evilexample.com",
        "https://example.com.evil.example",
        "https://com",
        "https://example.com/",
        "https://example.com/login",
        "https://user@example.com",
        "https://EXAMPLE.com",
        "https://*.example.com",
        "example.com",
        "ftp://example.com",
        "null",
        "*",
        "android:apk-key-hash:short",
        "http://localhost:8080",
        " , ",
        "https://example.com https://evil.example",
    ],
)
def test_a_page_that_is_not_of_the_domain_or_not_safe_is_refused(origins: str) -> None:
    with pytest.raises(ValidationError, match="MIXEE_FACTORS_PASSKEY_ORIGINS"):
        of(PASSKEY_ORIGINS=origins)


@pytest.mark.parametrize("domain", ["127.0.0.1", "https://example.com", "Example.com", "example.com.", "-x", "a b"])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValidationError):
        of(PASSKEY_RP_ID=domain)


@pytest.mark.parametrize(
    "keys", [f"{KEY}", f":{KEY}", "a:", "a:c2hvcnQ=", f"a:{KEY},", f"a b:{KEY}", f"{'x' * 17}:{KEY}", "a:%%%"]
)
def test_keys_that_are_none_are_refused(keys: str) -> None:
    with pytest.raises(ValidationError, match="32 bytes"):
        of(SEALING_KEYS=keys)
