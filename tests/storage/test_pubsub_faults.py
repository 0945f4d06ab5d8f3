"""A Redis that dies, stands still or refuses: nobody waits, nothing grows without bound, and every gap is told."""

import signal

import pytest

from storage.pubsub import channel_of
from storage.pubsub.backoff import Backoff
from storage.pubsub.canary import Canary
from storage.pubsub.publisher import MAX_UNANSWERED_BYTES
from tests.harness.redis_cluster import RedisProcess
from tests.harness.servers import until
from tests.storage.pubsub_kit import ear

NAME, OTHER = channel_of(b"x"), channel_of(b"y")
QUICK = {"ping_seconds": 0.1, "canary_seconds": 0.1, "canary_within": 0.05}


async def test_a_redis_that_was_killed_and_started_again_is_listened_to_again(redis_process: RedisProcess) -> None:
    async with ear("one", redis_process.url) as one, ear("two", redis_process.url) as two:
        await one.hold(NAME, OTHER)

        await redis_process.kill()
        await until(lambda: not one.pubsub.up and not two.pubsub.up)
        await redis_process.start()
        await until(lambda: bool(one.interrupted) and two.pubsub.up)
        two.pubsub.publish([NAME], b"back")

        await until(lambda: bool(one.heard))
        assert (one.heard, one.interrupted) == ([(NAME, b"back")], [{NAME, OTHER}])
        await until(lambda: one.pubsub.up)


async def test_what_is_published_while_redis_is_away_waits_within_a_bound_and_goes_out_later(
    redis_process: RedisProcess,
) -> None:
    async with ear("one", redis_process.url) as one, ear("two", redis_process.url) as two:
        await redis_process.kill()
        await until(lambda: not one.pubsub.up and not two.pubsub.up)

        one.pubsub.publish([NAME], b"early")
        for _ in range(50):
            one.pubsub.publish([OTHER], bytes(1 << 20))

        assert one.pubsub.waiting_bytes <= MAX_UNANSWERED_BYTES
        assert one.pubsub.counts.dropped >= 50 - (MAX_UNANSWERED_BYTES >> 20)
        two.pubsub.hold(NAME)
        await redis_process.start()
        await until(lambda: one.pubsub.waiting_bytes == 0, seconds=10)
        assert one.pubsub.counts.lost <= 2  # pings and the canary may have been on their way


async def test_a_redis_that_stands_still_is_given_up_and_holds_no_memory(redis_process: RedisProcess) -> None:
    async with ear("one", redis_process.url, **QUICK) as one:
        await one.hold(NAME)
        redis_process.signal(signal.SIGSTOP)

        for _ in range(100):
            one.pubsub.publish([NAME], bytes(1 << 20))
        most = one.pubsub.waiting_bytes
        await until(lambda: not any(it.subscriber.standing for it in one.pubsub._servers.values()), seconds=15)
        dropped = one.pubsub.counts.dropped
        redis_process.signal(signal.SIGCONT)
        await until(lambda: one.pubsub.up and bool(one.interrupted), seconds=15)
        one.heard.clear()
        one.pubsub.publish([NAME], b"back")

        assert (most <= MAX_UNANSWERED_BYTES, dropped >= 100 - (MAX_UNANSWERED_BYTES >> 20)) == (True, True)
        await until(lambda: b"back" in one.payloads)


async def test_publications_that_redis_refuses_are_counted(redis_process: RedisProcess) -> None:
    await redis_process.ask("ACL", "SETUSER", "narrow", "on", ">p", "+@all", "resetchannels", f"&{OTHER.decode()}")
    url = redis_process.url.replace("redis://:hush", "redis://narrow:p")
    await redis_process.ask("ACL", "SETUSER", "narrow", "&{p*}.canary.one")
    async with ear("one", url) as one:
        await one.hold(OTHER)

        one.pubsub.publish([NAME, OTHER], b"x")

        await until(lambda: one.heard == [(OTHER, b"x")])
        assert one.pubsub.counts.lost == 1


async def test_a_subscription_that_redis_refuses_is_asked_for_again(
    redis_process: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.pubsub.sharded.REFUSED_SECONDS", 0.1)
    await redis_process.ask("ACL", "SETUSER", "narrow", "on", ">p", "+@all", "resetchannels", "&{p*}.canary.one")
    async with ear("one", redis_process.url.replace("redis://:hush", "redis://narrow:p")) as one:
        one.pubsub.hold(NAME)
        refused = await one.pubsub.settled([NAME], 0.2)

        await redis_process.ask("ACL", "SETUSER", "narrow", f"&{NAME.decode()}")

        assert refused is False
        assert await one.pubsub.settled([NAME], 5)


def test_pauses_grow_to_two_seconds_and_are_never_in_step() -> None:
    one, other = Backoff(), Backoff()

    pauses = [one.pause() for _ in range(12)]

    assert pauses[0] <= 0.075
    assert all(0.5 * 0.05 * 2**n <= pause <= 1.5 * 0.05 * 2**n for n, pause in enumerate(pauses[:5]))
    assert all(1.0 <= pause <= 3.0 for pause in pauses[6:])
    assert pauses != [other.pause() for _ in range(12)]
    one.reset()
    assert one.pause() <= 0.075


class Cage:
    """A canary, and what it said."""

    def __init__(self) -> None:
        self.sung: list[bytes] = []
        self.gaps = 0
        self.silences = 0
        self.canary = Canary(publish=lambda _, number: self.sung.append(number), gap=self.gap, silent=self.silence)
        self.canary.use({NAME})

    def gap(self, _: bytes) -> None:
        self.gaps += 1

    def silence(self, _: bytes) -> None:
        self.silences += 1

    def hear(self, *numbers: bytes) -> None:
        for number in numbers:
            self.canary.hear(NAME, number)

    def round(self, *, heard: bool) -> None:
        self.canary.sing()
        if heard:
            self.hear(self.sung[-1])
        self.canary.check()


def test_a_number_that_comes_late_is_slow_and_not_a_loss() -> None:
    cage = Cage()
    cage.round(heard=True)

    cage.round(heard=False)
    while_late = cage.canary.heard
    cage.hear(b"2")

    assert (while_late, cage.canary.heard, cage.gaps) == (False, True, 0)


def test_a_number_that_never_comes_while_a_later_one_does_is_a_loss() -> None:
    cage = Cage()
    cage.round(heard=True)
    cage.round(heard=False)

    cage.round(heard=True)

    assert (cage.canary.heard, cage.gaps) == (True, 1)


def test_after_a_new_subscription_what_was_not_heard_is_no_news() -> None:
    cage = Cage()
    cage.round(heard=True)
    cage.round(heard=False)

    cage.canary.start_over(NAME)
    cage.round(heard=True)

    assert (cage.canary.heard, cage.gaps) == (True, 0)


def test_three_misses_in_a_row_are_a_silence() -> None:
    cage = Cage()

    for _ in range(7):
        cage.round(heard=False)

    assert cage.silences == 2


def test_what_nobody_sang_is_not_heard() -> None:
    cage = Cage()
    cage.round(heard=False)

    cage.hear(b"9", b"x", b"")

    assert cage.canary.heard is False
