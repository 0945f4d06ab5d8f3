"""What of other slices' events is told to whom."""

from handlers.auth.models import SessionOpening
from handlers.chat.models.conversations import ChangedForAll
from handlers.contacts.models import ContactJoined
from handlers.notices.models import Happening, Subject
from handlers.social.models import Friendship


class Hearing:
    """Reads events. Each happening is counted by the id of its event."""

    @staticmethod
    def asked(event_id: str, friendship: Friendship) -> list[Happening]:
        """Somebody asks to be friends."""
        return [
            Happening(
                event_id=event_id,
                user_id=friendship.recipient_id,
                kind="friend_request",
                key="friend_request",
                actor=friendship.requester_id,
                subject=Subject(friendship_id=friendship.id),
            )
        ]

    @staticmethod
    def accepted(event_id: str, friendship: Friendship) -> list[Happening]:
        """A request was accepted: the one who asked is told. Each of the two gets an event; his is about the other."""
        if friendship.user is None or friendship.user.id != friendship.recipient_id:
            return []
        return [
            Happening(
                event_id=event_id,
                user_id=friendship.requester_id,
                kind="friend_accepted",
                key="friend_accepted",
                actor=friendship.recipient_id,
                subject=Subject(friendship_id=friendship.id),
            )
        ]

    @staticmethod
    def grouped(event_id: str, conversation: ChangedForAll) -> list[Happening]:
        """People were added to a group, or it was made with them."""
        change = conversation.change
        if conversation.type != "group" or change.action not in {"created", "added"}:
            return []
        added = change.user_ids if change.action == "added" else conversation.participant_ids
        return [
            Happening(
                event_id=event_id,
                user_id=one,
                kind="group_added",
                key=f"group_added:{conversation.id}",
                actor=change.by,
                subject=Subject(conversation_id=conversation.id, name=conversation.name),
            )
            for one in added
            if one != change.by
        ]

    @staticmethod
    def joined(event_id: str, found: ContactJoined) -> list[Happening]:
        """Somebody of an address book can be found now."""
        return [
            Happening(
                event_id=event_id,
                user_id=found.owner_id,
                kind="contact_found",
                key="contact_found",
                actor=found.user.id,
                subject=Subject(),
            )
        ]

    @staticmethod
    def signed_in(event_id: str, user_id: str, opening: SessionOpening) -> list[Happening]:
        """The account was signed in on a device that is new to it."""
        if not opening.is_new:
            return []
        return [
            Happening(
                event_id=event_id,
                user_id=user_id,
                kind="sign_in",
                key=f"sign_in:{opening.device_id}",
                actor=None,
                subject=Subject(
                    session_id=opening.session_id, name=opening.name, platform=opening.platform, place=opening.place
                ),
            )
        ]
