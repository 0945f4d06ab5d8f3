"""The rules of a group: what each looks for, and what follows."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from handlers.automod.folding import key_of
from handlers.automod.hosts import domain_of
from handlers.automod.matching import check_pattern
from server.models import Id, Input, Instant, Output, Text, Wire

MOST_KEYWORD_RULES, MOST_TERMS, MAX_TERM = 6, 1_000, 60
MOST_PATTERNS, MAX_PATTERN = 10, 260
MOST_ALLOWED, MOST_DOMAINS = 100, 200
DAY = 86_400
LONGEST_TIMEOUT = 28 * DAY


def _term(value: str) -> str:
    if "*" in value.strip("*"):
        raise ValueError("may have * only at its beginning and its end")
    if key_of(value) is None:
        raise ValueError("must have a letter, a digit or a symbol")
    return value


def _plain(value: str) -> str:
    if "*" in value:
        raise ValueError("takes whole words, without *")
    return _term(value)


RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$"), Field(examples=["insults"])]
Term = Annotated[
    Text,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TERM),
    AfterValidator(_term),
    Field(examples=["casino*"]),
]
"""Words that are found in any case, script of the same look, and with anything between them; `*` at either end stands
for the rest of a word."""
Allowed = Annotated[
    Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TERM), AfterValidator(_plain)
]
Pattern = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=MAX_PATTERN),
    AfterValidator(check_pattern),
    Field(examples=[r"\b(buy|sell)\s+now\b"]),
]
"""A regular expression in RE2's syntax; it is found in any case and anywhere."""
Domain = Annotated[
    Text, StringConstraints(min_length=1, max_length=253), AfterValidator(domain_of), Field(examples=["example.com"])
]
"""A domain and all below it."""
Exempt = Literal["owner", "admin"]
EXEMPT: tuple[Exempt, ...] = ("owner", "admin")


Then = Literal["block", "hold", "limit", "pass"]


class Consequence(Wire):
    """What follows when a rule finds something."""

    then: Then = "block"
    """`block`: it is refused. `hold`: an admin decides. `limit`: only its sender sees it, and does not learn that.
    `pass`: it is said. An edit that would be held or limited is refused."""
    alert: bool = False
    """Whether the group's admins are told at once."""
    timeout: Annotated[int, Field(ge=60, le=LONGEST_TIMEOUT)] | None = None
    """Seconds for which its sender may do nothing in the group, up to 28 days."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.then == "pass" and not self.alert and self.timeout is None:
            raise ValueError("nothing follows: choose what to do, an alert or a timeout")
        return self


class Terms(Wire):
    """Words that are looked for."""

    name: RuleName
    terms: Annotated[list[Term], Field(min_length=1, max_length=MOST_TERMS)]
    consequence: Consequence


class PatternRule(Wire):
    """A pattern that is looked for."""

    name: RuleName
    pattern: Pattern
    consequence: Consequence


class LinkRule(Wire):
    """Where addresses in messages may lead. Without a scheme, `www.` or a path a name is no address for `allow`."""

    mode: Literal["allow", "deny"]
    """`allow`: only to these domains. `deny`: anywhere but there; then their mere names are found too."""
    domains: Annotated[list[Domain], Field(max_length=MOST_DOMAINS)]
    consequence: Consequence


class MentionCap(Wire):
    """Too many people mentioned in one message."""

    most: Annotated[int, Field(ge=0, le=50)]
    consequence: Consequence


class MentionRaid(Wire):
    """Too many people mentioned by all members together."""

    most: Annotated[int, Field(ge=1, le=1000)]
    seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    consequence: Consequence


class Duplicates(Wire):
    """Much the same text by one person in several groups that have this rule, of 20 characters or more."""

    conversations: Annotated[int, Field(ge=2, le=50)] | None = None
    """In so many: 5 unless it is said."""
    seconds: Annotated[int, Field(ge=10, le=3600)] | None = None
    """Within so long: 10 minutes unless it is said."""
    consequence: Consequence


class JoinRaid(Wire):
    """Too many people who come by links: from then on an admin lets each one in, until the lock is lifted."""

    per_minute: Annotated[int, Field(ge=1, le=1000)] | None = None
    """More than so many: 20 unless it is said."""


class RuleParts(Wire):
    """All rules but those of words."""

    patterns: Annotated[list[PatternRule], Field(max_length=MOST_PATTERNS)] = Field(default_factory=list)
    allow: Annotated[list[Allowed], Field(max_length=MOST_ALLOWED)] = Field(default_factory=list)
    """Words in which nothing is found."""
    links: LinkRule | None = None
    mentions: MentionCap | None = None
    mention_raid: MentionRaid | None = None
    duplicates: Duplicates | None = None
    join_raid: JoinRaid | None = None
    exempt: Annotated[list[Exempt], Field(max_length=2)] = Field(default_factory=lambda: list(EXEMPT))
    """Whose messages are not looked at."""


class ChangedRules(Input):
    """The rules that change; left out is left as it is, null takes a rule away."""

    conversation_id: Id
    patterns: Annotated[list[PatternRule], Field(max_length=MOST_PATTERNS)] | None = None
    allow: Annotated[list[Allowed], Field(max_length=MOST_ALLOWED)] | None = None
    links: LinkRule | None = None
    mentions: MentionCap | None = None
    mention_raid: MentionRaid | None = None
    duplicates: Duplicates | None = None
    join_raid: JoinRaid | None = None
    exempt: Annotated[list[Exempt], Field(max_length=2)] | None = None


class OneTermRule(Input):
    """A rule of words by its name."""

    conversation_id: Id
    name: RuleName


class ChangedTerms(OneTermRule):
    """Words for a rule."""

    terms: Annotated[list[Term], Field(min_length=1, max_length=MOST_TERMS)]
    consequence: Consequence | None = None
    """Left out: as before, or `block` for a new rule."""
    more: bool = False
    """Whether the words are added to those that are there."""


class RuleSet(Wire):
    """Everything that a group looks for, as it is stored."""

    scope_id: Id
    revision: int
    """Grows with every change."""
    set_by: Id
    set_at: Instant
    keywords: list[Terms] = Field(default_factory=list)
    parts: RuleParts = Field(default_factory=RuleParts)

    @property
    def screens(self) -> bool:
        """Whether there is anything to look for in messages."""
        parts = self.parts
        some = (parts.links, parts.mentions, parts.mention_raid, parts.duplicates)
        return bool(self.keywords or parts.patterns) or any(one is not None for one in some)


class TermRule(Output):
    """A rule of words, without its words."""

    name: RuleName
    count: int
    consequence: Consequence


class Rules(Output):
    """The rules of a group."""

    conversation_id: Id
    set_by: Id | None
    set_at: Instant | None
    keywords: list[TermRule]
    patterns: list[PatternRule]
    allow: list[str]
    links: LinkRule | None
    mentions: MentionCap | None
    mention_raid: MentionRaid | None
    duplicates: Duplicates | None
    join_raid: JoinRaid | None
    exempt: list[Exempt]


class TermList(Output):
    """A rule of words."""

    conversation_id: Id
    name: RuleName
    terms: list[str]
    consequence: Consequence
