"""The words of a text, as search compares them (letters and digits of any script, without case and accents), and emoji.

Beside its words a message has *marks*: names with a colon, which no word can have, for what else it can be found by.

Why not MongoDB's text index: with the conversation as its prefix it takes one conversation at a time, and without that
prefix it reads every match of all people's conversations. An array of words under an ordinary index answers "these
words, in these conversations" in one range scan.
"""

import unicodedata
from collections.abc import Set

import regex

MAX_WORDS = 400
"""Different words of one message that can be found."""
MAX_WORD = 40
"""Characters of a word that count."""

LINK, MENTION = ":link", ":mention"
"""The marks of a message with a link in its text, and of one that mentions somebody."""
MARKED = frozenset({"image", "video", "audio", "file", "location", "poll"})
"""Types of messages that are marks too, `:image` and so on."""

_WORD = regex.compile(r"[\p{L}\p{N}]+")
_PIECE = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_LINK = regex.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|\bwww\.)\S|\b[a-z0-9-]{1,63}\.[a-z]{2,24}/", flags=regex.IGNORECASE
)
_WEB = regex.compile(r"\bhttps?://[^\s<>\"`{}|\\^\[\]]{1,2000}", flags=regex.IGNORECASE)


def words_of(text: str) -> list[str]:
    """The different words of a text, in the order in which they come."""
    if text.isascii():
        plain = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return list(dict.fromkeys(word[:MAX_WORD] for word in _WORD.findall(plain)))[:MAX_WORDS]


def has_link(text: str) -> bool:
    """Whether there is something in the text that leads elsewhere."""
    # Most texts have neither, and each is asked several times: looking for that costs a hundredth of the pattern.
    return ("/" in text or "www." in text.lower()) and _LINK.search(text) is not None


def first_link(text: str) -> str | None:
    """The first address of the web in the text, without what punctuation stands behind it."""
    found = _WEB.search(text) if "://" in text else None
    if found is None:
        return None
    link = found.group()
    while link and (link[-1] in ".,;:!?'*_~" or (link[-1] == ")" and link.count("(") < link.count(")"))):
        link = link[:-1]
    return link


def places_of(words: Set[str], text: str) -> list[tuple[int, int]]:
    """Where the text has any of these words: beginning and length in UTF-16 units, as JavaScript counts."""
    found, units, at = [], 0, 0
    for match in _PIECE.finditer(text):
        units += utf16(text[at : match.start()])
        at, length = match.end(), utf16(match.group())
        if not words.isdisjoint(words_of(match.group())):
            found.append((units, length))
        units += length
    return found


def utf16(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)


# A flag, a keycap, or a picture with the modifiers that Unicode allows for it (skin tone, variation, joined sequences).
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]*[\U000E0020-\U000E007F]*"
    r"(?:\u200D\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]*)*"
)


def is_emoji(text: str) -> bool:
    """Whether the text is exactly one emoji."""
    return _EMOJI.fullmatch(text) is not None
