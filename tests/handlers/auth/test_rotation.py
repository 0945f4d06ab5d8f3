"""What a refresh token means for its session."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.tokens import RefreshToken, digest
from handlers.auth.models import Session
from handlers.auth.rotation import Verdict, judge

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GRACE = timedelta(seconds=10)
OLD, BEFORE, CURRENT, TWIN = (RefreshToken.make("0" * 36, number) for number in (3, 4, 5, 5))


def session(**other: object) -> Session:
    values = {
        "id": "0" * 36,
        "user_id": "u",
        "device_id": "d",
        "name": "Test",
        "user_agent": "Test/1",
        "created_at": NOW,
        "last_used_at": NOW,
        "expires_at": NOW + timedelta(days=30),
        "generation": 5,
        "digests": [digest(CURRENT.secret), digest(TWIN.secret)],
        "previous": [digest(BEFORE.secret)],
        "rotated_at": NOW,
    }
    return Session.model_validate(values | other)


@pytest.mark.parametrize(
    ("token", "after", "same_device", "verdict"),
    [
        (CURRENT, 0, True, "next"),
        (CURRENT, 86_400, False, "next"),
        (TWIN, 0, True, "next"),
        (BEFORE, 0, True, "again"),
        (BEFORE, 10, True, "again"),
        (BEFORE, 10.001, True, "replayed"),
        (BEFORE, 0, False, "replayed"),
        (OLD, 0, True, "replayed"),
        (RefreshToken.make("0" * 36, 5), 0, True, "unknown"),
        (RefreshToken.make("0" * 36, 6), 0, True, "unknown"),
        (RefreshToken.make("0" * 36, 4), 0, True, "replayed"),
    ],
)
def test_a_token_is_judged(token: RefreshToken, after: float, same_device: bool, verdict: Verdict) -> None:
    now = NOW + timedelta(seconds=after)

    assert judge(session(), token, now, grace=GRACE, same_device=same_device) == verdict


def test_without_a_grace_the_token_before_is_replayed_at_once() -> None:
    now = NOW + timedelta(milliseconds=1)

    assert judge(session(), BEFORE, now, grace=timedelta(), same_device=True) == "replayed"


class Client:
    """A client that keeps the newest token it has seen, and sometimes does not see the answer."""

    def __init__(self) -> None:
        first = RefreshToken.make("0" * 36, 0)
        self.token = first
        self.seen = [first]
        self.session = session(generation=0, digests=[digest(first.secret)], previous=[])

    def refresh(self, token: RefreshToken, now: datetime, *, lost: bool) -> Verdict:
        """What a server does with the token, in the few lines that matter."""
        verdict = judge(self.session, token, now, grace=GRACE, same_device=True)
        fresh = RefreshToken.make("0" * 36, self.session.generation + (verdict == "next"))
        if verdict == "next":
            change = {"generation": fresh.generation, "digests": [digest(fresh.secret)], "rotated_at": now}
            self.session = self.session.model_copy(update={**change, "previous": self.session.digests})
        elif verdict == "again":
            self.session = self.session.model_copy(update={"digests": [*self.session.digests, digest(fresh.secret)]})
        if verdict in {"next", "again"} and not lost:
            self.token = fresh
            self.seen.append(fresh)
        return verdict


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30))
def test_an_honest_client_whose_answers_get_lost_is_never_locked_out(steps: list[tuple[bool, int]]) -> None:
    """It tries again within the grace, as often as it takes; after an answer it may wait as long as it likes."""
    client, now = Client(), NOW
    for lost, pause in steps:
        now += timedelta(seconds=3600 * pause)
        assert client.refresh(client.token, now, lost=lost) == "next"
        if lost:
            assert client.refresh(client.token, now + timedelta(seconds=pause), lost=False) == "again"


@settings(max_examples=200)
@given(st.integers(2, 8), st.data())
def test_a_token_that_was_followed_by_two_is_always_found_out(turns: int, data: st.DataObject) -> None:
    client, now = Client(), NOW
    for _ in range(turns):
        assert client.refresh(client.token, now, lost=False) == "next"
    stolen = data.draw(st.sampled_from(client.seen[:-2]))

    assert judge(client.session, stolen, now, grace=GRACE, same_device=True) == "replayed"
