"""The words of a text, as search compares them (letters and digits of any script, without case and accents), and emoji.

Why not MongoDB's text index: with the conversation as its prefix it takes one conversation at a time, and without that
prefix it reads every match of all people's conversations. An array of words under an ordinary index answers "these
words, in these conversations" in one range scan.
"""

import unicodedata

import regex

MAX_WORDS = 400
"""Different words of one message that can be found."""
MAX_WORD = 40
"""Characters of a word that count."""

_WORD = regex.compile(r"[\p{L}\p{N}]+")


def words_of(text: str) -> list[str]:
    """The different words of a text, in the order in which they come."""
    if text.isascii():
        plain = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return list(dict.fromkeys(word[:MAX_WORD] for word in _WORD.findall(plain)))[:MAX_WORDS]


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
