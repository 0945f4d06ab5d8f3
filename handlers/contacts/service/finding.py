"""Who may find whom, and what of somebody a finder sees."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from handlers.contacts.models import ContactMatch, ContactPerson, Tie
from handlers.contacts.store import TieStore
from handlers.social.service import Social
from handlers.users.models import UserCard
from handlers.users.privacy import Privacy
from handlers.users.service import Users


@dataclass(frozen=True, slots=True)
class Known:
    """What is between one person and several others."""

    friends: set[str]
    blocked: set[str]
    mutual: set[str]
    """Those whose side of the tie, which the question is not about, is there too."""


class Finding:
    """Applies the privacy settings. Each question is one trip to each collection, whatever the answers are."""

    def __init__(self, *, ties: TieStore, social: Social, users: Users) -> None:
        self._ties = ties
        self._social = social
        self._users = users

    async def findable(self, finder: str, people: Collection[str]) -> set[str]:
        """Those of the people (at most 1,000) whom the finder may find by number or address."""
        if not people:
            return set()
        privacy = await self._users.privacy_of(people)
        known = await self._known(finder, people, mutual=await self._ties.knowing(people, finder))
        return {one for one, choice in privacy.items() if _open(choice, one, known)}

    async def finders(self, user_id: str, owners: Collection[str]) -> set[str]:
        """Those of the owners (at most 1,000) who may find the person, and are here to be told."""
        here = await self._users.privacy_of([user_id, *owners])
        choice = here.pop(user_id, None)
        if choice is None:
            return set()
        known = await self._known(user_id, owners, mutual=await self._ties.known_by(user_id, owners))
        return {one for one in owners if one in here and _open(choice, one, known)}

    async def views(self, finder: str, ties: Sequence[Tie]) -> list[ContactMatch]:
        """What a finder sees of people whom he may find."""
        ids = [one.user_id for one in ties]
        if not ids:
            return []
        cards, privacy = await self._users.cards(ids), await self._users.privacy_of(ids)
        friends = await self._social.friends_among(finder, ids)
        return [
            ContactMatch(
                user=_person(cards[one.user_id], privacy[one.user_id], friend=one.user_id in friends),
                via=one.via,
                is_friend=one.user_id in friends,
                matched_at=one.at,
            )
            for one in ties
            if one.user_id in cards and one.user_id in privacy
        ]

    async def _known(self, user_id: str, others: Collection[str], *, mutual: set[str]) -> Known:
        return Known(
            friends=await self._social.friends_among(user_id, others),
            blocked=await self._social.blocked_among(user_id, others),
            mutual=mutual,
        )


def _open(choice: Privacy, other: str, known: Known) -> bool:
    """Whether somebody of this choice lets himself be found; `other` is the other one of the two."""
    if other in known.blocked or not choice.searchable or choice.searchable_by_phone == "nobody":
        return False
    return choice.searchable_by_phone == "everyone" or other in known.friends or other in known.mutual


def _person(card: UserCard, choice: Privacy, *, friend: bool) -> ContactPerson:
    shown = choice.profile_visibility == "public" or (choice.profile_visibility == "friends" and friend)
    return ContactPerson(
        id=card.id, display_name=card.display_name if shown else None, avatar=card.avatar if shown else None
    )
