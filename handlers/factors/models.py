"""What comes in about second factors, what goes out, and what is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from handlers.auth.models import Password, Secret
from handlers.factors.credentials import KeptPasskey, Passkey, UsedCredential
from server.models import Input, Instant, Output, Text

Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
"""Of an authenticator app."""
RecoveryCode = Annotated[Text, StringConstraints(min_length=16, max_length=40)]
"""One of the ten, with or without its dashes, in capitals or not."""


Change = Literal[
    "totp_added", "totp_removed", "passkey_added", "passkey_removed", "recovery_codes_made", "recovery_code_used"
]


class Proving(Input):
    """A proof of who is asking: exactly one of these."""

    code: Code | None = None
    recovery_code: RecoveryCode | None = None
    passkey: UsedCredential | None = None
    """Made with the options that were asked for just this."""

    def given(self) -> list[str]:
        """The names of the proofs that are given."""
        return [
            name for name in ("password", "code", "recovery_code", "passkey") if getattr(self, name, None) is not None
        ]

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.given()) != 1:
            raise ValueError("give exactly one proof")
        return self


class SecondStep(Proving):
    """The second step of a sign-in: the ticket of the first, and a proof."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticket": "the-ticket-of-the-first-step", "code": "287082"}]}
    )

    ticket: Secret


class StepUp(Proving):
    """A fresh proof in a running session."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "Correct-Horse-7"}]})

    password: Password | None = None


class FirstCode(Input):
    """A code of the app that was just set up."""

    code: Code


class TotpSecret(Output):
    """What an authenticator app needs, to be shown once."""

    secret: str
    """To be typed into the app: Base32."""
    uri: str
    """To be shown as a QR code: `otpauth://totp/…`."""


class RecoveryCodes(Output):
    """Codes for when the other factors are lost. Each works once, and they are shown this once."""

    recovery_codes: list[str]
    """Empty when there were codes before: those go on working."""


class MyFactors(Output):
    """One's own second factors."""

    totp_since: Instant | None
    """Since when an authenticator app is asked; null for none."""
    passkeys: list[Passkey]
    recovery_codes_left: int


class FactorsChange(Output):
    """What was changed about somebody's second factors."""

    change: Change
    at: Instant


@dataclass(frozen=True, slots=True)
class Totp:
    """An authenticator app, as it is stored."""

    secret: bytes
    """Sealed."""
    since: datetime
    last_step: int
    """The step of the last code that was taken: none up to it is taken again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of a person's factors."""

    totp: Totp | None = None
    proposed: bytes | None = None
    """The sealed secret of an app that has not given its first code yet."""
    passkeys: list[KeptPasskey] = field(default_factory=list)
    recovery: list[str] = field(default_factory=list)
    """Digests of the codes that are left."""


def kept_of(document: dict[str, Any]) -> Kept:
    """A stored document, read."""
    totp, proposed = document.get("totp"), document.get("proposed")
    return Kept(
        totp=Totp(bytes(totp["secret"]), totp["since"], totp["lastStep"]) if totp else None,
        proposed=bytes(proposed["secret"]) if proposed else None,
        passkeys=[passkey_of(one) for one in document.get("passkeys", ())],
        recovery=list(document.get("recovery", ())),
    )


def passkey_of(document: dict[str, Any]) -> KeptPasskey:
    """A stored passkey, read."""
    return KeptPasskey(
        id=document["id"],
        credential_id=document["credentialId"],
        public_key=bytes(document["publicKey"]),
        sign_count=document["signCount"],
        name=document["name"],
        transports=list(document["transports"]),
        synced=document["synced"],
        created_at=document["createdAt"],
        last_used_at=document["lastUsedAt"],
    )
