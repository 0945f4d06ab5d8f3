"""What of an account is shown to whom: the person, a friend, a stranger."""

from handlers.users.models import Account, Area, Candidate, FoundUser, Me, Profile, Suggestion, UserCard


def me_of(account: Account) -> Me:
    """The account as its owner sees it."""
    return Me.model_validate(account.model_dump())


def card_of(person: Account | Candidate) -> UserCard:
    """The card of a person."""
    return UserCard(
        id=person.id,
        username=person.username,
        display_name=person.display_name,
        avatar=person.avatar,
        is_verified=person.verification_status == "verified",
    )


def profile_of(account: Account, *, whole: bool, friend: bool, shows_activity: bool) -> Profile:
    """The profile for another person; `whole` says whether its visibility lets that person see it."""
    card = card_of(account).model_dump()
    if not whole:
        return Profile(**card, account_type=account.account_type, is_restricted=True, is_friend=friend)
    place = account.location if account.privacy.show_location else None
    return Profile(
        **card,
        account_type=account.account_type,
        is_restricted=False,
        is_friend=friend,
        bio=account.bio,
        cover_image=account.cover_image,
        location=Area(city=place.city, region=place.region, country=place.country) if place else None,
        interests=account.interests,
        languages=account.languages,
        friends_count=account.friends_count,
        followers_count=account.followers_count,
        following_count=account.following_count,
        last_active_at=account.last_active_at if shows_activity else None,
        created_at=account.created_at,
    )


def found_of(person: Candidate, within_km: int | None) -> FoundUser:
    """Somebody who was found."""
    return FoundUser(**card_of(person).model_dump(), within_km=within_km)


def suggestion_of(person: Candidate, *, mutual: int, shared: list[str], within_km: int | None) -> Suggestion:
    """Somebody who is suggested."""
    return Suggestion(
        **card_of(person).model_dump(),
        account_type=person.account_type,
        mutual_friends=mutual,
        shared_interests=shared,
        within_km=within_km,
    )
