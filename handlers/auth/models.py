"""What comes in for signing in, what goes out, and what is stored of sessions and proofs."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints, model_validator

from crypto.work import MAX_ANSWER
from handlers.auth.devices import Platform
from handlers.users.fields import DisplayName, Email, Phone, Username
from handlers.users.models import Location
from handlers.users.privacy import OwnPrivacy
from server.models import Id, Input, Instant, Output, Text

MIN_PASSWORD = 8
MAX_PASSWORD = 256

NewPassword = Annotated[Text, StringConstraints(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]
"""A password to be set: 8 to 256 characters, and neither the username nor the e-mail."""
Password = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_PASSWORD)]
DeviceId = Annotated[Text, StringConstraints(min_length=1, max_length=64)]
"""The client's own name for the device, the same at every sign-in there."""
Secret = Annotated[str, StringConstraints(min_length=20, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]

ProofKind = Literal["email", "phone", "reset", "new_email"]
FactorKind = Literal["totp", "passkey", "recovery"]
"""A code of an authenticator app, a passkey, or one of the codes for when these are lost."""


class NewAccount(Input):
    """Somebody who wants to join."""

    email: Email
    password: NewPassword
    username: Username
    display_name: DisplayName
    accept_terms: Literal[True]
    location: Location | None = None
    phone: Phone | None = None
    device_id: DeviceId | None = None


class ProofOfWork(Input):
    """An answer to `data.challenge` of `auth.challenge_needed`."""

    challenge: Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[A-Za-z0-9._-]+$")]
    answer: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ANSWER, pattern=r"^[A-Za-z0-9._-]+$")]
    """SHA-256 of `challenge:answer` begins with `data.bits` zero bits."""


class Login(Input):
    """Somebody who wants to come in: by e-mail or by username."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "Correct-Horse-7"}]}
    )

    email: Annotated[Text, StringConstraints(min_length=1, max_length=254)] | None = None
    username: Annotated[Text, StringConstraints(min_length=1, max_length=254)] | None = None
    password: Password
    device_id: DeviceId | None = None
    proof_of_work: ProofOfWork | None = None
    """Only when it is asked for (`auth.challenge_needed`)."""

    @property
    def name(self) -> str:
        """By which of the two somebody comes in."""
        return self.email if self.email is not None else self.username or ""

    @model_validator(mode="after")
    def _one_name(self) -> "Login":
        if (self.email is None) == (self.username is None):
            raise ValueError("give either email or username")
        return self


class Refresh(Input):
    """The exchange of a refresh token for a fresh pair."""

    refresh_token: Annotated[Text, StringConstraints(min_length=1, max_length=8000)]
    device_id: DeviceId | None = None
    """When given, it must be the one of the sign-in."""


class Forgot(Input):
    """Somebody who forgot the password."""

    email: Annotated[Text, StringConstraints(min_length=1, max_length=254)]


class Reset(Input):
    """A new password, with the secret from the letter."""

    token: Secret
    password: NewPassword


class PasswordChange(Input):
    """Another password for one's own account."""

    password: NewPassword


class EmailChange(Input):
    """Another address for one's own account."""

    email: Email


class EmailProof(Input):
    """The secret from the letter."""

    token: Secret


class PhoneNumber(Input):
    """The number to verify."""

    phone: Phone | None = None
    """Left out: the number of the account."""


class PhoneProof(Input):
    """The code from the text message."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class OneSession(Input):
    """Which session."""

    session_id: Id


class RenamedSession(OneSession):
    """Another name for a device."""

    name: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Tokens(Output):
    """A pair of tokens."""

    access_token: str
    """Send it as `Authorization: Bearer …`, and as `auth.token` of the socket."""
    refresh_token: str
    """Exchange it for the next pair; it works once."""
    expires_in: int
    """Seconds until the access token runs out."""


class SignedInUser(Output):
    """The account that signed in."""

    id: Id
    username: str
    email: str
    display_name: str
    avatar: str | None
    location: Location | None
    privacy: OwnPrivacy
    created_at: Instant


class SignedIn(Output):
    """A fresh session."""

    user: SignedInUser
    tokens: Tokens


class Accepted(Output):
    """It was taken; the answer is the same whatever becomes of it."""

    message: str


class Verified(Output):
    """It is proved."""

    verified: Literal[True] = True


class SessionInfo(Output):
    """One device that is signed in."""

    id: Id
    device_id: str
    name: str
    """What the device says it is, such as “Firefox on Linux”, or the name that its owner gave it."""
    platform: Platform
    created_at: Instant
    last_used_at: Instant
    """When its tokens were last renewed."""
    is_current: bool


class SessionList(Output):
    """The devices one is signed in on, the one last used first."""

    sessions: list[SessionInfo]


class SessionOpening(Output):
    """A sign-in."""

    session_id: Id
    device_id: str
    name: str
    platform: Platform
    place: str
    """The block of addresses it came from: 256 of IPv4, or a /48 of IPv6."""
    is_new: bool
    """Whether the account was never signed in on this device before, as far as the device says."""
    at: Instant


class SessionName(Output):
    """A device, and the name that its owner gave it."""

    session_id: Id
    name: str


class SessionsEnding(Output):
    """Sessions that ended."""

    session_ids: list[Id]
    code: str
    """`session_revoked`, `replaced`, `role_changed` (sign in again) or `account_suspended`."""


class Session(Output):
    """What is stored of a session."""

    id: str
    user_id: str
    device_id: str
    name: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    generation: int
    digests: list[str]
    """Of the tokens of the running generation: one, or more when an answer got lost."""
    previous: list[str]
    """Of the tokens of the generation before."""
    rotated_at: datetime
    proved_at: datetime | None = None
    """When somebody last proved in it that it is really him."""


class Ticket(Output):
    """What is stored of a sign-in that waits for its second factor."""

    user_id: str
    device_id: str | None


class Proof(Output):
    """What is stored of a secret that was sent: whose it is, and which address or number it proves."""

    user_id: str
    target: str


class Revocation(Output):
    """What is stored of an ended session until its last access token has run out. `at` is the database's own time."""

    id: str
    code: str
    at: datetime
    until: datetime
