"""What search takes for a word, and what is one emoji."""

import pytest

from handlers.chat.words import MAX_WORDS, is_emoji, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, hello WORLD!", ["hello", "world"]),
        ("Ça va très bien", ["ca", "va", "tres", "bien"]),
        ("Straße STRASSE", ["strasse"]),
        ("3.14 and v2", ["3", "14", "and", "v2"]),
        ("ΑΒΓ αβγ", ["αβγ"]),
        ("日本語 текст", ["日本語", "текст"]),
        ("-- … 👍", []),
        ("a" * 100, ["a" * 40]),
    ],
)
def test_words_are_compared_without_case_and_accents(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_message_has_a_bounded_number_of_words() -> None:
    assert len(words_of(" ".join(str(number) for number in range(2_000)))) == MAX_WORDS


@pytest.mark.parametrize("text", ["👍", "👍🏽", "❤️", "❤", "👨‍👩‍👧", "🇩🇪", "1️⃣", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🧑🏽‍🤝‍🧑🏻", "♂"])
def test_one_emoji_is_one_however_many_characters_it_has(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize("text", ["", "a", "1", "#", "👍👍", "👍 ", "😀a", "🇩", "‍", "🏽a", "<script>"])
def test_everything_else_is_none(text: str) -> None:
    assert not is_emoji(text)
