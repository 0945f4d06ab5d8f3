"""What is stored of a person, what comes in about one, and what of it goes out to whom."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from handlers.users.fields import (
    AccountType,
    Bio,
    Day,
    DisplayName,
    Gender,
    HttpsUrl,
    Languages,
    Place,
    Status,
    Tier,
    TimeZone,
    Verification,
    Visibility,
)
from handlers.users.interests import Interest, InterestIds
from handlers.users.privacy import OwnPrivacy
from server.actors import Role
from server.models import Coordinates, Id, Input, Instant, Output, Text

Cursor = Annotated[str, Field(min_length=1, max_length=400)]


class Location(Input):
    """Where a person lives."""

    city: Place
    region: Place
    country: Place
    coordinates: Coordinates | None = None
    """[latitude, longitude]. Nobody else ever gets them; finding by distance knows them to about a kilometre."""
    timezone: TimeZone | None = None


class Account(Output):
    """Everything stored of a person. It never leaves the server as it is."""

    id: Id
    nid: int
    username: str
    email: str
    phone: str | None = None
    display_name: str
    bio: str | None = None
    avatar: str | None = None
    cover_image: str | None = None
    birth_date: Day | None = None
    gender: Gender | None = None
    location: Location | None = None
    interests: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    friends_count: int = 0
    followers_count: int = 0
    following_count: int = 0
    privacy: OwnPrivacy = Field(default_factory=OwnPrivacy)
    account_type: AccountType = "personal"
    verification_status: Verification = "none"
    subscription_tier: Tier = "free"
    role: Role = "user"
    status: Status = "active"
    created_at: Instant
    updated_at: Instant
    last_active_at: Instant
    terms_accepted_at: Instant
    email_verified_at: Instant | None = None
    phone_verified_at: Instant | None = None
    erase_at: Instant | None = None
    """When an account that is leaving is erased for good."""


class Candidate(Output):
    """What finding and suggesting need to know of a person."""

    id: Id
    username: str
    display_name: str
    avatar: str | None = None
    verification_status: Verification = "none"
    account_type: AccountType = "personal"
    profile_visibility: Visibility = "public"
    interests: list[str] = Field(default_factory=list)
    followers_count: int = 0
    near: list[float] | None = None
    """The point of the search grid that stands for the person's place."""


class UserCard(Output):
    """The little that is shown wherever a person is named."""

    id: Id
    username: str
    display_name: str
    avatar: str | None
    is_verified: bool


class Me(Output):
    """One's own account."""

    id: Id
    nid: int
    """The numeric twin of the id, for interfaces that know only numbers."""
    username: str
    email: str
    phone: str | None
    display_name: str
    bio: str | None
    avatar: str | None
    cover_image: str | None
    birth_date: Day | None
    gender: Gender | None
    location: Location | None
    interests: list[str]
    languages: list[str]
    friends_count: int
    followers_count: int
    following_count: int
    privacy: OwnPrivacy
    account_type: AccountType
    verification_status: Verification
    subscription_tier: Tier
    role: Role
    created_at: Instant
    updated_at: Instant
    last_active_at: Instant
    email_verified_at: Instant | None
    phone_verified_at: Instant | None


class Area(Output):
    """Where another person lives, no finer than the city."""

    city: str
    region: str
    country: str


class Profile(Output):
    """What one other person may see of somebody. What is withheld is null or empty."""

    id: Id
    username: str
    display_name: str
    avatar: str | None
    is_verified: bool
    account_type: AccountType
    is_restricted: bool
    """Whether the rest is withheld, because the profile is for friends or for nobody."""
    is_friend: bool
    bio: str | None = None
    cover_image: str | None = None
    location: Area | None = None
    interests: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
    friends_count: int | None = None
    followers_count: int | None = None
    following_count: int | None = None
    last_active_at: Instant | None = None
    """Only friends learn it, and only from those who show their online status."""
    created_at: Instant | None = None


class ProfileChange(Input):
    """What to change of one's own account. A field that is left out stays; null clears it where that is possible."""

    display_name: DisplayName | None = None
    bio: Bio | None = None
    birth_date: Day | None = None
    gender: Gender | None = None
    location: Location | None = None
    interests: InterestIds | None = None
    languages: Languages | None = None
    account_type: Literal["personal", "creator"] | None = None
    """A business account comes with a business profile, not by this."""

    @model_validator(mode="after")
    def _whole(self) -> "ProfileChange":
        for name in ("display_name", "interests", "languages", "account_type"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{type(self).model_fields[name].alias} cannot be cleared")
        return self


class AvatarChange(Input):
    """The new picture of a person; null takes it away."""

    avatar: HttpsUrl | None


class CoverChange(Input):
    """The new picture at the head of a profile; null takes it away."""

    cover_image: HttpsUrl | None


class OneUser(Input):
    """Whom it is about."""

    user_id: Id


class Search(Input):
    """Whom to look for: by name, by distance, or both."""

    q: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    """The beginnings of words of the username or the name, in any order."""
    location: Coordinates | None = None
    radius: Annotated[float, Field(gt=0, le=500)] | None = None
    """Kilometres around `location`; 25 when left out."""
    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20

    @model_validator(mode="after")
    def _something(self) -> "Search":
        if self.q is None and self.location is None:
            raise ValueError("give q (a name), location (a place) or both")
        if self.radius is not None and self.location is None:
            raise ValueError("a radius needs a location")
        return self


class FoundUser(UserCard):
    """Somebody who was found."""

    within_km: int | None
    """The person is within so many kilometres: 1, 2, 5, 10, 25, 50, 100, 250 or 500. Null without a location."""


class Found(Output):
    """One page of what was found, the best first."""

    users: list[FoundUser]
    next_cursor: str | None
    has_more: bool


class Suggesting(Input):
    """Which people to suggest."""

    type: Literal["friends", "creators", "local"] = "friends"
    """`friends` of friends, `creators` of the same interests, or people of the own region (`local`)."""
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class Suggestion(UserCard):
    """Somebody one may want to know, and why."""

    account_type: AccountType
    mutual_friends: int
    shared_interests: list[str]
    within_km: int | None


class Suggestions(Output):
    """People one may want to know, the likeliest first."""

    users: list[Suggestion]


class Interests(Output):
    """All interests to choose from."""

    interests: list[Interest]


ReportReason = Literal[
    "spam", "harassment", "hate", "violence", "nudity", "impersonation", "underage", "self-harm", "fraud", "other"
]


class NewReport(Input):
    """What is wrong with somebody."""

    user_id: Id
    reason: ReportReason
    details: Annotated[Text, Field(max_length=1000)] | None = None


class Report(Output):
    """A report that waits for a moderator. There is one for each reporter and person; the first stands."""

    id: Id
    user_id: Id
    reason: ReportReason
    status: Literal["open", "closed"]
    created_at: Instant


class Reported(Output):
    """A report, with who made it and what they say."""

    report: Report
    reporter_id: Id
    details: str | None


class Updated(Output):
    """What changed of an account."""

    user: UserCard
    changed: list[str]
    """Names of the fields, such as `displayName` or `privacy`."""


class AboutUser(Output):
    """Whom it is about."""

    user_id: Id
