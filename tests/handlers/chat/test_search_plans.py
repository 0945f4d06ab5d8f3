"""Every combination of what a search may name is answered by one index, in the order of the answer."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from crypto.ids import new_id
from handlers.chat.store.search import ORDER, SENDERS, WORDS, Sought, Spot, having
from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import direct, group, say
from tests.handlers.chat.test_plans import stages
from tests.harness.servers import Server

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLACES = [new_id(), new_id(), new_id()]
PARTS: dict[str, dict[str, Any]] = {
    "words": {"terms": ["hello", "there"]},
    "mark": {"terms": [":link"]},
    "senders": {"senders": [new_id(), new_id()]},
    "types": {"types": ["audio", "image"]},
    "text": {"types": ["text"]},
    "before": {"before": NOW},
    "since": {"since": NOW - timedelta(days=1)},
}


def every() -> list[tuple[str, Sought]]:
    """Every combination that has an index."""
    found = []
    for size in range(1, len(PARTS) + 1):
        for names in combinations(PARTS, size):
            sought = Sought(**{key: value for name in names for key, value in PARTS[name].items()})
            if sought.index is not None:
                found.append((" ".join(names), sought))
    return found


async def test_r47_every_combination_is_answered_by_one_index_without_sorting(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await say(ada, await direct(ada, bob), "hello there")  # without any words their index would be another one
    log = server.app.mongo.collection("log").raw
    seen: dict[str, set[str]] = {WORDS: set(), SENDERS: set()}

    for names, sought in every():
        for after in (None, Spot(NOW, b"x" * 24)):
            where = having(sought, PLACES, viewer=new_id(), now=NOW, after=after)
            assert sought.index is not None
            plan = await log.find(where, sort=ORDER, limit=26, hint=sought.index).explain()
            found = list(stages(plan["queryPlanner"]["winningPlan"]))
            assert {stage["indexName"] for stage in found if "indexName" in stage} == {sought.index}, names
            assert not {"SORT", "COLLSCAN"} & {stage["stage"] for stage in found}, names
            assert "SORT_MERGE" in {stage["stage"] for stage in found}, names
            seen[sought.index].add(names)

    assert {index: len(names) for index, names in seen.items()} == {WORDS: 104, SENDERS: 12}


async def test_r47_a_search_reads_little_more_than_it_shows(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    places = [await group(ada, bob), await group(ada, bob)]
    picture = {"type": "image", "media": {"type": "image", "url": "https://example.com/a.jpg"}}
    for number in range(40):
        await say((ada, bob)[number % 4 // 2], places[number % 2], f"needle {number}", **picture)
    log = server.app.mongo.collection("log").raw

    examined = []
    for sought in (Sought(terms=["needle"]), Sought(senders=[ada.id, bob.id]), Sought(types=["audio", "image"])):
        where = having(sought, places, viewer=bob.id, now=NOW, after=None)
        plan = await log.find(where, sort=ORDER, limit=5, hint=sought.index).explain()
        assert plan["executionStats"]["nReturned"] == 5
        examined.append(plan["executionStats"]["totalDocsExamined"])

    assert max(examined) <= 5 + 2 * 2
