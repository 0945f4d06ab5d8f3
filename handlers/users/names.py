"""Names in their one form: e-mail addresses for uniqueness, words for search."""

import unicodedata

import regex
from email_validator import EmailNotValidError, validate_email

MAX_WORDS = 20
MAX_WORD = 40
_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+")


def normal_email(text: str) -> str:
    """The one form of an e-mail address: Unicode normalised, in small letters. Raises ValueError saying what is wrong.

    The domain is not looked up. Addresses below `.test` are taken, so that test accounts are possible.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    return found.normalized.lower()


def words_of(text: str) -> list[str]:
    """The words of a text as search compares them: no case, no accents, letters and digits only; each once."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in spread if not unicodedata.combining(char))
    return list(dict.fromkeys(word[:MAX_WORD] for word in _WORDS.findall(plain)))[:MAX_WORDS]


def search_words(username: str, display_name: str) -> list[str]:
    """The words by which a person is found."""
    return words_of(f"{username} {display_name}")
