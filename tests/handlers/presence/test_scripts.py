"""What a Redis Cluster asks of scripts: they name every key that they touch, and all keys lie in one slot."""

import re

import pytest

from handlers.presence.store import Keys, scripts, watch_scripts

SCRIPTS = {
    name: source
    for module in (scripts, watch_scripts)
    for name, source in vars(module).items()
    if name.isupper() and isinstance(source, str)
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_touches_only_keys_that_it_is_given(name: str) -> None:
    source = SCRIPTS[name]
    touched = re.findall(r"redis\.call\('\w+', ([^,)]+)", source)

    assert touched
    assert all(re.fullmatch(r"KEYS\[\w+\]|key", one) for one in touched), touched
    if "key" in touched:
        assert re.search(r"ipairs\(KEYS\)|local key, .* = KEYS\[i\]", source)


def test_every_key_begins_with_the_namespace_and_has_the_one_hash_tag() -> None:
    keys = Keys("mixee:test")
    by_id = [keys.person, keys.people, keys.lease, keys.turn, keys.interest, keys.watched, keys.news, keys.count]

    for key in (keys.due, keys.nodes, keys.since, *(name("x") for name in by_id)):
        assert key.startswith("mixee:test:{presence}:")
