"""Whether a message is one: what each type needs, and what it cannot have."""

from typing import NoReturn

from pydantic import BaseModel

from handlers.chat.models.messages import NewMessage
from handlers.chat.models.records import ConversationRecord
from handlers.chat.models.values import MAX_CAPTION, MAX_TEXT, MessageType, split_message_id
from handlers.chat.service.errors import Encrypted
from server.errors import Invalid

WITH_MEDIA = ("image", "video", "audio", "file")
_ELSEWHERE = {
    "system": "system messages come from the server",
    "encrypted": "encrypted messages are sent by e2ee:send",
}
ONCE = ("image", "video", "audio")
"""What can be looked at once."""
CONTENT = {"text": MAX_TEXT}
"""Characters of text by type; the others take a caption."""


def refuse(field: str, message: str) -> NoReturn:
    """Raises Invalid that names the field."""
    raise Invalid(f"The request does not fit: {field}: {message}.", details=[{"field": field, "message": message}])


def wire_name(model: type[BaseModel], field: str) -> str:
    """What clients call the field."""
    return model.model_fields[field].alias or field


def must_be_open(record: ConversationRecord) -> None:
    """Raises Encrypted where what is said must not reach the server in the clear."""
    if record.is_encrypted:
        raise Encrypted("This conversation is encrypted: its devices encrypt what is said, see e2ee:send.")


def check_new(message: NewMessage) -> None:
    """Raises Invalid unless the message has what its type needs, and nothing else."""
    if message.type in _ELSEWHERE:
        refuse("type", _ELSEWHERE[message.type])
    needs: str = "media" if message.type in WITH_MEDIA else message.type
    if message.album is not None:
        check_album(message)
        needs = "album"
    for field in ("media", "location", "poll"):
        given = getattr(message, field) is not None
        if given and field != needs:
            refuse(field, f"does not go with the type {message.type}")
        if not given and field == needs:
            refuse(field, f"is needed for the type {message.type}")
    if message.media is not None and message.media.type != message.type:
        refuse("media.type", f"must be {message.type}, as the message's type")
    check_content(message.type, message.content)
    allowed = message.allowed_mentions
    if allowed is not None and not set(allowed.user_ids) <= set(message.mentioned_user_ids):
        refuse("allowedMentions.userIds", "must be among mentionedUserIds")
    if message.view_once and not (message.type in ONCE and message.media and message.media.media_id):
        refuse("viewOnce", "is for one uploaded picture, video or recording")
    check_references(message)


def check_references(message: NewMessage) -> None:
    """Raises Invalid unless what it answers may be there, and where it is to be shown goes together."""
    for field in ("reply_to_message_id", "thread_root_id"):
        named = getattr(message, field)
        if named is not None and split_message_id(named)[0] != message.conversation_id:
            refuse(wire_name(NewMessage, field), "must be a message of this conversation")
    if message.show_in_conversation and message.thread_root_id is None:
        refuse("showInConversation", "is for what is said in a thread")


def check_album(message: NewMessage) -> None:
    """Raises Invalid unless the attachments go together, and with the type."""
    types = [one.type for one in message.given]
    if message.type not in WITH_MEDIA:
        refuse("album", f"does not go with the type {message.type}")
    if types[0] != message.type:
        refuse("album.0.type", f"must be {message.type}, as the message's type")
    if not (set(types) <= {"image", "video"} or len(set(types)) == 1):
        refuse("album", "must be pictures and videos, or only recordings, or only files")
    uploads = [one.media_id for one in message.given if one.media_id is not None]
    if len(set(uploads)) < len(uploads):
        refuse("album", "must not have an upload twice")


def check_content(type_: MessageType, content: str) -> None:
    """Raises Invalid unless the text fits the type."""
    if type_ == "text" and not content.strip():
        refuse("content", "must not be empty")
    most = CONTENT.get(type_, MAX_CAPTION)
    if len(content) > most:
        refuse("content", f"must have at most {most} characters")
