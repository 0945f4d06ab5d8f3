"""Every rule of messaging has a test that is named after it, and the page says which."""

from tests.contracts.messaging_rules import LATER, PAGE, RULES, found, page


def test_every_rule_has_a_test_that_is_named_after_it() -> None:
    tests = found()

    assert [rule for rule in RULES if rule not in tests and rule not in LATER] == []
    assert [rule for rule in LATER if rule in tests] == []
    assert sorted(tests.keys() - RULES.keys()) == []


def test_the_page_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(found()), "run: python -m tests.contracts.messaging_rules"
