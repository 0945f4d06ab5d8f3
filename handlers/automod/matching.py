"""Finding words and patterns in texts: the door to pyahocorasick and to RE2.

Words of a rule are one automaton, which reads a text once however many they are and stops at the first that it finds.
RE2 takes time in proportion to text times pattern, so patterns have a largest size; those that are not small are tried
in a thread, where RE2 holds up nobody else.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import ahocorasick
import re2

from handlers.automod.folding import disguised, folds, keys_of, visible

MOST_STEPS = 1_500
"""Instructions of one compiled pattern. A letter is one, `.` some eight, `\\p{L}` some 1,300."""
MOST_STEPS_TOGETHER = 3_000
SMALL = 300
"""Instructions of a group's patterns together that are tried without a thread."""
MAX_MEMORY = 1 << 20
"""Bytes that RE2 may use for a pattern."""
HIDDEN = "\x01"
"""Stands for allowed words: nothing is found in it."""

_together = 2
"""Texts that are tried in threads at once."""


def _options() -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.case_sensitive = False
    options.never_capture = True
    return options


def check_pattern(value: str) -> str:
    """The pattern, if RE2 understands it, it is not too large, and finds something. Raises ValueError."""
    if Pattern(value).found_in("") is not None:
        raise ValueError("matches the empty text, and so every message: let it ask for one character at least")
    return value


class Pattern:
    """A compiled regular expression."""

    def __init__(self, source: str) -> None:
        try:
            self._regexp = re2.compile(source, _options())
        except (re2.error, UnicodeEncodeError) as error:
            said = error.args[0]
            why = said.decode(errors="replace") if isinstance(said, bytes) else "it cannot be written as UTF-8"
            raise ValueError(f"is no regular expression of RE2: {why}") from error
        self.steps: int = max(self._regexp.programsize, self._regexp.reverseprogramsize)
        if not 0 < self.steps <= MOST_STEPS:
            raise ValueError(f"is too large: its parts repeat too often ({self.steps} steps, {MOST_STEPS} may be)")

    def found_in(self, text: str) -> str | None:
        """What it matches first in a text."""
        match = self._regexp.search(text)
        return None if match is None else str(match.group(0))


class Patterns:
    """The patterns of a group."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._patterns = [Pattern(source) for source in sources]
        self.steps = sum(one.steps for one in self._patterns)
        self._turns = asyncio.Semaphore(_together)

    async def found_in(self, texts: Iterable[str]) -> dict[int, str]:
        """By place: what the patterns match in any of the texts, as written or as they look."""
        if not self._patterns:
            return {}
        seen = [visible(text) for text in texts]
        variants = list(dict.fromkeys([*seen, *(disguised(text) for text in seen)]))
        if self.steps <= SMALL:
            return self._search(variants)
        async with self._turns:
            return await asyncio.to_thread(self._search, variants)

    def _search(self, texts: Sequence[str]) -> dict[int, str]:
        found: dict[int, str] = {}
        for place, pattern in enumerate(self._patterns):
            for text in texts:
                match = pattern.found_in(text)
                if match is not None:
                    found[place] = match
                    break
        return found


class Words:
    """Terms as one automaton."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        self.weight = 0
        for term in terms:
            for key in keys_of(term):
                self._automaton.add_word(key, (len(key), term))
                self.weight += len(key)
        if self.weight:
            self._automaton.make_automaton()

    def found_in(self, fold: str) -> str | None:
        """The first of the terms that is in a folded text."""
        if not self.weight:
            return None
        match: tuple[int, tuple[int, str]] | None = next(self._automaton.iter(fold), None)
        return None if match is None else match[1][1]

    def hidden_in(self, fold: str) -> str:
        """The folded text without the terms."""
        if not self.weight:
            return fold
        spans = {(end - length + 1, end + 1) for end, (length, _) in self._automaton.iter(fold)}
        if not spans:
            return fold
        kept, after = [], 0
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= after:
                kept += [fold[after:start], f" {HIDDEN} "]
            after = max(after, end)
        return "".join([*kept, fold[after:]])


class Lexicon:
    """The words of several rules. A text in which there is none of them is read once."""

    def __init__(self, rules: Sequence[Sequence[str]], allowed: Sequence[str]) -> None:
        self._rules = [Words(terms) for terms in rules]
        self._any = Words(term for terms in rules for term in terms) if len(rules) > 1 else None
        self._allowed = Words(allowed)
        parts = [*self._rules, self._allowed, *([self._any] if self._any else [])]
        self.weight = sum(one.weight for one in parts)
        """Characters of everything that is looked for."""

    def found_in(self, texts: Iterable[str]) -> dict[int, str]:
        """By place: the first term of each rule that is in any of the texts."""
        found: dict[int, str] = {}
        if not self._rules:
            return found
        for text in texts:
            for fold in folds(text):
                shown = self._allowed.hidden_in(fold)
                if self._any is None or self._any.found_in(shown) is not None:
                    self._search(shown, found)
        return found

    def _search(self, fold: str, found: dict[int, str]) -> None:
        for place, words in enumerate(self._rules):
            if place not in found and (term := words.found_in(fold)) is not None:
                found[place] = term
