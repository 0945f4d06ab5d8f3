"""Texts as rules compare them: without case, accents, invisible characters and punctuation, and lookalikes made plain.

A folded text is its words, each with one space on either side: ` buy   now `. So a rule finds whole words, beginnings
and ends of words by plain search: ` buy `, ` bu`, `uy `. A text has two folds: as it was written, and as it looks,
where a character of another script that looks like a Latin letter is that letter. The door to the table of those.
"""

import unicodedata

import regex
from confusable_homoglyphs.confusables import confusables_data

BETWEEN = "  "
MOST_KNOWN = 50_000
"""Characters of which a table remembers what becomes of them."""

_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}]+")
_ALONE = regex.compile(r"[\p{S}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")
"""Each is a word: symbols, emoji, and scripts that put no spaces between words."""


def _lookalikes() -> dict[str, str]:
    """By character: the Latin letters that it looks like, in lower case."""
    table: dict[str, str] = {}
    for char, likes in confusables_data.items():
        latin = next((one["c"] for one in likes if one["c"].isascii() and one["c"].isalnum()), None)
        if latin is None or len(char) != 1 or char.isascii():
            continue
        # The table knows one shape for I, l and 1. What is upper case is an I.
        table[char] = "i" if latin == "l" and char.isupper() else latin.lower()
    return table


_LOOKALIKES = _lookalikes()


class _Table(dict[int, str]):
    """What becomes of each character of a text, for `str.translate`; made when one is met for the first time."""

    def __init__(self, *, looks: bool) -> None:
        super().__init__()
        self._looks = looks

    def __missing__(self, code: int) -> str:
        if len(self) >= MOST_KNOWN:
            self.clear()
        char = chr(code)
        found = self[code] = "" if _INVISIBLE.fullmatch(char) else self._folded(char)
        return found

    def _folded(self, char: str) -> str:
        bare = unicodedata.normalize("NFKC", char)
        if self._looks:
            bare = "".join(_LOOKALIKES.get(one, one) for one in bare)
        return "".join(map(_piece, unicodedata.normalize("NFKD", bare.casefold())))


def _piece(char: str) -> str:
    kind = unicodedata.category(char)
    if kind in {"Mn", "Me"}:
        return ""
    if kind[0] in "PZC":
        return " "
    return f" {char} " if _ALONE.match(char) else char


_PLAIN = _Table(looks=False)
_LOOKS = _Table(looks=True)


def visible(text: str) -> str:
    """The text without characters that cannot be seen, in Unicode's compatible composed form."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def disguised(text: str) -> str:
    """A visible text as it looks: lookalikes are Latin letters."""
    return text if text.isascii() else "".join(_LOOKALIKES.get(char, char) for char in text)


def folded(text: str) -> str:
    """A text as its words, as it was written."""
    return _spaced(text.translate(_PLAIN))


def _spaced(text: str) -> str:
    words = text.split()
    return f" {BETWEEN.join(words)} " if words else ""


def folds(text: str) -> list[str]:
    """A text as it was written and, where that differs, as it looks."""
    plain = folded(text)
    if text.isascii():
        return [plain]
    looks = _spaced(text.translate(_LOOKS))
    return [plain] if looks == plain else [plain, looks]


def key_of(term: str) -> str | None:
    """What to search for in a folded text to find a term, as it was written. None when nothing is left of it."""
    keys = keys_of(term)
    return keys[0] if keys else None


def keys_of(term: str) -> list[str]:
    """What to search for: the term as it was written and, if that is another one, as it looks.

    A term in another script that looks like a Latin word is not that word: it is found as it was written alone.
    """
    core = term.strip("*")
    found = folds(core)
    if not found[0].strip():
        return []
    if len(found) > 1 and found[1].isascii():
        found = found[:1]
    return [_open(one, begins=term.startswith("*"), ends=term.endswith("*")) for one in found]


def _open(word: str, *, begins: bool, ends: bool) -> str:
    return word[1 if begins else 0 : -1 if ends else None]
