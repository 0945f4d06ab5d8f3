"""Passkeys as browsers have them: the JSON of WebAuthn Level 3, word for word, and what is stored of one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from handlers.auth.models import DeviceId, Secret
from server.models import Id, Input, Instant, Output, Text

Base64Url = Annotated[str, StringConstraints(max_length=16_384, pattern=r"^[A-Za-z0-9_-]*$")]
PasskeyName = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Transports = Annotated[list[Annotated[str, StringConstraints(max_length=32)]], Field(max_length=10)]
Extensions = Annotated[dict[str, Any], Field(max_length=20)]
Attachment = Literal["platform", "cross-platform"]


class MadeResponse(Input):
    """What `navigator.credentials.create()` answers."""

    client_data_json: Base64Url = Field(alias="clientDataJSON")
    attestation_object: Base64Url
    transports: Transports | None = None
    authenticator_data: Base64Url | None = None
    public_key: Base64Url | None = None
    public_key_algorithm: int | None = None


class UsedResponse(Input):
    """What `navigator.credentials.get()` answers."""

    client_data_json: Base64Url = Field(alias="clientDataJSON")
    authenticator_data: Base64Url
    signature: Base64Url
    user_handle: Base64Url | None = None


class Credential(Input):
    """What both have in common."""

    id: Base64Url
    raw_id: Base64Url
    type: Literal["public-key"]
    authenticator_attachment: Attachment | None = None
    client_extension_results: Extensions = Field(default_factory=dict)


class MadeCredential(Credential):
    """A credential that was made, as `toJSON()` gives it."""

    response: MadeResponse


class UsedCredential(Credential):
    """A credential that was used, as `toJSON()` gives it."""

    response: UsedResponse


class NewPasskey(Input):
    """A passkey that the browser made with the options."""

    credential: MadeCredential
    name: PasskeyName | None = None
    """Left out: what the device says it is."""


class OnePasskey(Input):
    """Which passkey."""

    passkey_id: Id


class RenamedPasskey(OnePasskey):
    """Another name for a passkey."""

    name: PasskeyName


class PasskeyWanted(Input):
    """For whom a passkey is asked."""

    ticket: Secret | None = None
    """Of a sign-in that wants a second factor; left out, the passkey is the first."""


class PasskeyLogin(Input):
    """Somebody who comes in with a passkey alone."""

    credential: UsedCredential
    device_id: DeviceId | None = None


class Passkey(Output):
    """One of one's own passkeys."""

    id: Id
    name: str
    created_at: Instant
    last_used_at: Instant | None
    synced: bool
    """Whether it is kept in more than one place."""


class AddedPasskey(Output):
    """A passkey that is a factor now."""

    passkey: Passkey
    recovery_codes: list[str]
    """Ten codes, shown this once, if the account had no factor before."""


class PartyInfo(Output):
    """Who asks for a passkey."""

    id: str
    name: str


class UserInfo(Output):
    """For whom a passkey is made."""

    id: str
    name: str
    display_name: str


class Kind(Output):
    """An algorithm that is understood, by its number in COSE."""

    type: Literal["public-key"] = "public-key"
    alg: int


class Known(Output):
    """A passkey that there is."""

    type: Literal["public-key"] = "public-key"
    id: str
    transports: list[str]


class Selection(Output):
    """What a passkey must be able to do."""

    resident_key: Literal["required"] = "required"
    require_resident_key: Literal[True] = True
    user_verification: Literal["required"] = "required"


class CreationOptions(Output):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()`."""

    rp: PartyInfo
    user: UserInfo
    challenge: str
    pub_key_cred_params: list[Kind]
    timeout: int
    """Milliseconds."""
    exclude_credentials: list[Known]
    authenticator_selection: Selection = Selection()
    attestation: Literal["none"] = "none"


class RequestOptions(Output):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    challenge: str
    rp_id: str
    timeout: int
    """Milliseconds."""
    allow_credentials: list[Known]
    """Empty: any passkey of this domain."""
    user_verification: Literal["required"] = "required"


@dataclass(frozen=True, slots=True)
class KeptPasskey:
    """A passkey as it is stored."""

    id: str
    credential_id: str
    public_key: bytes
    sign_count: int
    name: str
    transports: list[str]
    synced: bool
    created_at: datetime
    last_used_at: datetime | None

    def shown(self) -> Passkey:
        """What its owner sees."""
        return Passkey(
            id=self.id,
            name=self.name,
            created_at=self.created_at,
            last_used_at=self.last_used_at,
            synced=self.synced,
        )

    def known(self) -> Known:
        """What a browser needs to find it."""
        return Known(id=self.credential_id, transports=self.transports)
