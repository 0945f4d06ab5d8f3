"""Whose keys somebody may have: of those to whom he may write, and of those with whom he is in a conversation."""

from collections.abc import Collection

from handlers.chat.service import Chat
from handlers.social.service import Social
from handlers.users.service import Users
from server.actors import Actor

AT_ONCE = 1_000


class Reach:
    """Asks who may have to do with whom. Who may not is as if he had no keys."""

    def __init__(self, users: Users, social: Social, chat: Chat) -> None:
        self._users = users
        self._social = social
        self._chat = chat

    async def among(self, actor: Actor, user_ids: Collection[str], conversation_id: str | None) -> set[str]:
        """Those of at most 1,000 people whose keys the one who asks may have. Raises NotFound (no such conversation).

        In a direct conversation a block holds; a group's members encrypt for each other whoever blocks whom.
        """
        me, others = actor.user_id, sorted(set(user_ids) - {actor.user_id})[:AT_ONCE]
        own = {me} & set(user_ids)
        if not others:
            return own
        if conversation_id is not None:
            state = (await self._chat.access(conversation_id, actor)).state
            members = {one for one in others if one in state.members}
            if state.record.type == "direct":
                members -= await self._social.blocked_among(me, members)
            return own | set(await self._users.existing(members) if members else ())
        privacy = await self._users.privacy_of(others)
        friends = await self._social.friends_among(me, others)
        blocked = await self._social.blocked_among(me, others)
        return own | {
            one
            for one, settings in privacy.items()
            if one not in blocked
            and (
                settings.contact_preference == "everyone"
                or (settings.contact_preference == "friends" and one in friends)
            )
        }
