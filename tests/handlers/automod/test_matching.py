"""What rules find in texts, however these are written: words, patterns, hosts, texts that are much the same."""

import pytest

from handlers.automod.folding import keys_of
from handlers.automod.hosts import domain_of, hosts
from handlers.automod.likeness import distance, simhash
from handlers.automod.matching import MOST_STEPS, Lexicon, Pattern, Patterns, check_pattern

ZERO_WIDTH = "\u200b\u200d\u2060\ufeff\u00ad\u034f\u115f"


def found(term: str, text: str, *allowed: str) -> bool:
    """Whether a rule with one term finds it in a text."""
    return bool(Lexicon([[term]], allowed).found_in([text]))


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("cat", "a cat sat"),
        ("cat", "CAT!"),
        ("cat", "c\u0430t"),  # Cyrillic a
        ("cat", "\u0441\u0430t"),  # Cyrillic es and a
        ("cat", "ＣＡＴ"),
        ("cat", "𝓬𝓪𝓽"),
        ("cat", "ⓒⓐⓣ"),
        ("cat", "cát"),
        ("cat", "c\u0301a\u0327t\u0336"),
        ("cat", "".join(char + ZERO_WIDTH for char in "cat")),
        ("cat", "\u202ecat\u202c"),
        ("IDIOT", "\u0406diot"),  # Cyrillic capital I
        ("idiot", "ID\u0406OT"),
        ("straße", "STRASSE"),
        ("free money", "Free... MONEY"),
        ("free-money", "free money"),
        ("dog*", "doggy"),
        ("*ing", "singing"),
        ("*mid*", "unmidable"),
        ("кот", "КОТ"),
        ("c++", "c++ is old"),
        ("傻瓜", "你是傻瓜吗"),
        ("🖕", "ok🖕🏽you"),
        ("$$$", "make $$$ now"),
        ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),
    ],
)
def test_a_word_is_found_however_it_is_written(term: str, text: str) -> None:
    assert found(term, text)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("cat", "cats concatenate"),
        ("dog*", "hotdog"),
        ("*ing", "ringer"),
        ("free money", "free of money"),
        ("hail", "hall"),
        ("сор", "cop"),  # a Russian word that looks like a Latin one
        ("cat", ""),
        ("cat", "!!! \u200b ..."),
    ],
)
def test_a_word_is_not_found_in_others(term: str, text: str) -> None:
    assert not found(term, text)


def test_what_is_allowed_hides_what_is_in_it() -> None:
    assert found("*hell*", "hello world")
    assert not found("*hell*", "hello world", "hello")
    assert found("*hell*", "hello shell", "hello")
    assert not found("*hell*", "hello hello, shell oil", "hello", "shell oil")


def test_of_several_rules_each_says_what_it_found() -> None:
    lexicon = Lexicon([["one", "two"], ["three*"], ["four"]], [])

    assert lexicon.found_in(["say two", "and threefold"]) == {0: "two", 1: "three*"}


@pytest.mark.parametrize("term", ["*", "***", "...", "\u200b", "* *"])
def test_a_term_of_which_nothing_is_left_finds_nothing(term: str) -> None:
    assert keys_of(term) == []


async def test_patterns_are_found_in_any_case_and_in_disguise() -> None:
    patterns = Patterns([r"\b(buy|sell)\s+now\b", r"^secret$"])

    assert await patterns.found_in(["please BUY  now", "x"]) == {0: "BUY  now"}
    assert await patterns.found_in(["b\u200bu\u200by now"]) == {0: "buy now"}
    assert await patterns.found_in(["\u0455ecret"]) == {1: "secret"}
    assert await patterns.found_in(["buy nowhere"]) == {}


@pytest.mark.parametrize(
    "source", ["(", r"(a)\1", "(?=a)", "(?<!a)b", "a{1001}", r"(\p{L}{200}|\p{N}{200})x", "(.{900}){1}x", "\ud800"]
)
def test_a_pattern_that_is_none_or_too_large_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"is no regular|is too large"):
        Pattern(source)


@pytest.mark.parametrize("source", ["", "x*", "^", "$", "(spam)?", "a|", r"\s*"])
def test_a_pattern_that_matches_whatever_is_said_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="matches the empty text"):
        check_pattern(source)


async def test_no_pattern_is_catastrophic() -> None:
    """What takes a backtracking engine longer than the world has existed; RE2 needs text times pattern at most."""
    hostile = ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){12}$", "([a-zA-Z]+)*$", "(x+x+)+y"]
    text = "a" * 4095 + "!"
    patterns = Patterns(hostile)
    assert all(Pattern(one).steps <= MOST_STEPS for one in hostile)

    found = await patterns.found_in([text, "\u0430" * 4095 + "!", "x" * 4096])

    assert found == {2: "", 4: ""}  # these two match the nothing at the end


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("see https://evil.com/x?y", {"evil.com": True}),
        ("https://good.com@evil.com/x", {"evil.com": True}),
        ("https://good.com\\@evil.com", {"good.com": True, "evil.com": False}),
        ("http:\\\\evil.com", {"evil.com": True}),
        ("HTTPS://EVIL.COM:8080", {"evil.com": True}),
        ("(www.evil.com)", {"www.evil.com": True}),
        ("evil。com/free", {"evil.com": True}),
        ("ev\u200bil.com/free", {"evil.com": True}),
        ("ｅｖｉｌ.com/free", {"evil.com": True}),
        ("https://xn--80ak6aa92e.com", {"\u0430\u0440\u0440\u04cf\u0435.com": True}),
        ("go to evil.com.", {"evil.com": False}),
        ("bob@evil.com", {"evil.com": False}),
        ("http://127.0.0.1/x", {"127.0.0.1": True}),
        ("e.g. at 10:30, v1.2 and 3.5", {}),
        ("https://", {}),
        ("https://@:/", {}),
    ],
)
def test_hosts_are_read_as_browsers_read_them(text: str, names: dict[str, bool]) -> None:
    assert {host.name: host.link for host in hosts(text)} == names


@pytest.mark.parametrize("value", ["https://evil.com", "evil", "evil.com/x", "e vil.com", "", "*.com.", "-.com"])
def test_what_is_no_domain_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="must be a domain"):
        domain_of(value)


def test_domains_have_one_form() -> None:
    assert [domain_of(one) for one in ("*.Example.COM.", "bücher.example", "XN--BCHER-KVA.example")] == [
        "example.com",
        "bücher.example",
        "bücher.example",
    ]


def test_texts_that_are_much_the_same_have_nearly_the_same_simhash() -> None:
    text = "Earn two thousand dollars a week from home, write to me now and I will tell you how it is done, friend"
    one, shouted = simhash(text), simhash(text.upper() + " !!! \u200b")
    other = simhash("The meeting was moved to Thursday at ten, please bring the numbers of the last quarter with you")

    assert one is not None
    assert other is not None
    assert one == shouted
    assert distance(one, other) > 10
    assert simhash("ok, see you there") is None


def test_the_longest_text_is_held_against_the_most_words() -> None:
    terms = [[f"term{rule}x{number}word{'*' * (number % 2)}" for number in range(1_000)] for rule in range(6)]
    lexicon = Lexicon(terms, [f"allowed{number}" for number in range(100)])
    texts = ["term words " * 372, "слова " * 682, "a" * 4096, "a\u200b" * 2048, "\u0301" * 4096]

    assert [lexicon.found_in([text]) for text in texts] == [{}] * len(texts)
    assert lexicon.found_in(["term words " * 370 + "term5x999words"]).keys() == {5}
