"""What an operator may set about the chat."""

from typing import Literal

from pydantic import BaseModel, Field


class ChatSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_CHAT_`."""

    first_contact: Literal["request", "free"] | None = Field(
        None,
        description="Whether a conversation that a stranger begins waits until it is accepted (`request`) or not "
        "(`free`); unset: it waits unless MIXEE_LIMITS is off.",
    )
    edit_hours: int = Field(48, ge=0, le=8760, description="Hours in which a sender may edit a message.")
    max_edits: int = Field(20, ge=0, le=100, description="Times that a message may be edited.")
    delete_hours: int = Field(48, ge=0, le=8760, description="Hours in which a sender may take back a message.")
    max_own_reactions: int = Field(3, ge=1, le=20, description="Reactions of one person to a message.")
    max_reactions: int = Field(20, ge=1, le=100, description="Different reactions to a message.")
    max_pins: int = Field(50, ge=1, le=200, description="Messages that are pinned in a conversation at once.")
    max_stars: int = Field(5_000, ge=1, le=100_000, description="Messages that one person has starred.")
    max_drafts: int = Field(200, ge=1, le=10_000, description="Conversations in which one person has a draft.")
    max_threads: int = Field(2_000, ge=1, le=50_000, description="Threads of others that one person may follow.")
    max_folders: int = Field(20, ge=1, le=100, description="Folders of one person.")
    min_timer: int = Field(30, ge=5, le=3600, description="Seconds of the shortest timer of disappearing messages.")
    max_timer: int = Field(
        2_419_200, ge=3600, le=7_776_000, description="Seconds of the longest such timer beside a day, a week, 90 days."
    )
    max_scheduled: int = Field(
        100, ge=1, le=1000, description="Messages of one person that wait in a conversation to be sent later."
    )
    max_schedule_days: int = Field(365, ge=1, le=3650, description="Days ahead that a message may be scheduled.")
    max_forwards: int = Field(5, ge=1, le=50, description="Conversations that a message is forwarded to at once.")
    many_forwards: int = Field(
        5, ge=1, le=100, description="Hops from which a message counts as forwarded many times: then to one at a time."
    )
    max_mentions: int = Field(10, ge=0, le=50, description="People whom a message of a member may mention.")
    max_admin_mentions: int = Field(50, ge=0, le=50, description="People whom a message of an admin may mention.")
    everyone_minutes: int = Field(10, ge=0, le=1440, description="Minutes between two calls of everybody in a group.")
    request_text: int = Field(
        500, ge=1, le=4096, description="Characters of the one message that a stranger has before he is accepted."
    )
    typing_every_seconds: float = Field(
        3.0, ge=0.5, le=60, description="Seconds between two times that somebody's typing is passed on."
    )
    typing_ends_seconds: float = Field(
        6.0, ge=1, le=60, description="Seconds after which somebody types no longer of whom nothing more is heard."
    )
    typing_named: int = Field(3, ge=1, le=50, description="People who are named at once when several type in a group.")
    max_members: int = Field(500, ge=2, le=1024, description="Members that a group may have.")
    link_previews: bool = Field(
        False,
        description="Whether the server looks at links in messages and shows what is behind them. It then makes "
        "requests to addresses that users choose, in public networks alone.",
    )
    preview_hours: int = Field(24, ge=1, le=720, description="Hours for which what was behind a link is remembered.")
    previews_at_once: int = Field(4, ge=1, le=64, description="Links that one process looks at together.")
