"""Who may see, contact and find a person: the settings, and what of them concerns when somebody is online."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from handlers.users.fields import Audience, ByPhone, Contact, Visibility
from server.models import Id, Input, Output

MAX_EXCEPTIONS = 100
"""People in each list of exceptions to a privacy setting."""
Exceptions = Annotated[list[Id], Field(max_length=MAX_EXCEPTIONS)]


class Privacy(Output):
    """Who may see, contact and find a person."""

    profile_visibility: Visibility = "public"
    """Who sees more of the profile than name and picture."""
    contact_preference: Contact = "everyone"
    """Who may write first."""
    searchable: bool = True
    """Whether search and suggestions may name the person."""
    searchable_by_phone: ByPhone = "mutual"
    """Who finds the person by a verified number or address in an address book: everyone, only those in the person's own
    address book and friends, or nobody. Without `searchable` it is nobody."""
    show_online_status: bool = True
    """Whether anybody sees when the person is or was online: false is the same as `presenceVisibility: "nobody"`."""
    presence_visibility: Audience = "friends"
    """Who sees when the person is or was online, and of whom the person sees it: who hides it does not see it."""
    read_receipts: bool = True
    """Whether others see how far the person has received and read, and the person how far they have."""
    link_previews: bool = True
    """Whether the server looks at the links that the person sends, to show what is behind them."""
    show_location: bool = True
    """Whether others see city, region and country, and may find the person by distance."""

    @model_validator(mode="before")
    @classmethod
    def _one_setting(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("showOnlineStatus", values.get("show_online_status", True)):
            others = {name: value for name, value in values.items() if name != "presence_visibility"}
            return {**others, "presenceVisibility": "nobody"}
        return values


@dataclass(frozen=True, slots=True)
class PresenceChoice:
    """Whom a person lets see when he is online, as far as one other person is concerned."""

    level: Audience
    always: bool
    """Whether the other is among those who always see it."""
    never: bool


class PresenceAudience(Output):
    """Whom a person let see when he is online, before a change of it."""

    user_id: Id
    level: Audience
    always: list[str]
    never: list[str]

    def toward(self, other: str) -> PresenceChoice:
        """What it says of one other person."""
        return PresenceChoice(level=self.level, always=other in self.always, never=other in self.never)


class OwnPrivacy(Privacy):
    """One's own privacy settings, with the people for whom they make exceptions. Nobody else reads the lists."""

    presence_always: list[str] = Field(default_factory=list)
    """People who see when the person is online whatever `presenceVisibility` says."""
    presence_never: list[str] = Field(default_factory=list)
    """People who do not."""

    def audience(self, user_id: str) -> PresenceAudience:
        """Whom its owner lets see when he is online."""
        return PresenceAudience(
            user_id=user_id, level=self.presence_visibility, always=self.presence_always, never=self.presence_never
        )


class PrivacyChange(Input):
    """What to change of the privacy settings. A field that is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"presenceVisibility": "close", "searchable": False}]})

    profile_visibility: Visibility | None = None
    contact_preference: Contact | None = None
    searchable: bool | None = None
    searchable_by_phone: ByPhone | None = None
    show_online_status: bool | None = None
    """False hides from everybody but those who always see it; true lets those see it again who could before."""
    presence_visibility: Audience | None = None
    presence_always: Exceptions | None = None
    """The whole list from now on; nobody may be in both lists."""
    presence_never: Exceptions | None = None
    read_receipts: bool | None = None
    link_previews: bool | None = None
    show_location: bool | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "PrivacyChange":
        level, shows = self.presence_visibility, self.show_online_status
        if level is not None and shows is not None and shows == (level == "nobody"):
            raise ValueError("presenceVisibility and showOnlineStatus contradict each other: give one of them")
        if set(self.presence_always or ()) & set(self.presence_never or ()):
            raise ValueError("presenceAlways and presenceNever must not name the same person")
        return self
