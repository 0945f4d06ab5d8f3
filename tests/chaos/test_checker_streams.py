"""The checker on what clients see live and by `sync`: each fault is found, and what is allowed is not."""

from tests.chaos.checker import check
from tests.chaos.story import ROOM, Story, names, words


def test_a_message_that_an_online_member_gets_only_by_a_forced_sync_is_a_lost_write() -> None:
    story = Story()
    story.send(1)
    story.acked(1)
    story.heard(1, "ann")
    story.history.settled()

    story.page("ben", 0, [1])
    story.history.final(ROOM, 1, "message", words(1))

    report = check(story.records)
    assert names(report) == {"lost-write": 1}
    assert "forced" in report.violations[0].sentence


def test_whoever_was_away_may_get_everything_after_the_load() -> None:
    story = Story()
    story.history.down("ben", "cut")
    story.send(1)
    story.acked(1)
    story.heard(1, "ann")
    story.history.settled()

    story.resume("ben", 0, [1])
    story.history.final(ROOM, 1, "message", words(1))

    assert check(story.records).clean


def test_a_client_that_never_comes_back_is_counted_and_not_judged() -> None:
    story = Story()

    story.history.down("ben", "cut")
    story.send(1)
    story.acked(1)
    story.heard(1, "ann")

    report = story.end(1)
    assert report.clean
    assert report.counts["clients absent at the end"] == 2


def test_one_message_heard_twice_in_a_session_is_a_duplicate() -> None:
    story = Story()
    story.said(1)

    story.heard(1, "ben")

    assert names(story.end(1)) == {"duplicate": 1}


def test_what_an_earlier_session_or_a_sync_brought_may_come_live_again() -> None:
    story = Story()
    story.said(1, 2)

    story.history.down("ben", "cut")
    story.resume("ben", 1, [2])
    story.heard(2, "ben")

    report = story.end(1, 2)
    assert report.clean
    assert report.counts["overlaps"] == 1


def test_a_sync_that_returns_what_the_client_has_is_a_duplicate() -> None:
    story = Story()
    story.said(1, 2)

    story.page("ben", 1, [1, 2])

    assert names(story.end(1, 2)) == {"duplicate": 1}


def test_a_stream_that_goes_backwards_is_a_nonmonotonic_poll() -> None:
    story = Story()
    story.send(1)
    story.send(2)

    story.heard(1, "ann")
    story.heard(2)
    story.heard(1, "ben")

    assert names(story.end(1, 2)) == {"nonmonotonic-poll": 1}


def test_an_answer_to_sync_that_goes_backwards_is_a_nonmonotonic_poll() -> None:
    story = Story()
    story.send(1)
    story.send(2)
    story.heard(1, "ann")
    story.heard(2, "ann")

    story.page("ben", 0, [2, 1])

    assert names(story.end(1, 2)) == {"nonmonotonic-poll": 1}


def test_a_live_hole_that_nobody_announced_is_a_poll_skip_even_when_it_is_repaired() -> None:
    story = Story()
    story.said(1)
    story.send(2)
    story.heard(2, "ann")

    story.said(3)
    story.page("ben", 1, [2, 3])

    report = story.end(1, 2, 3)
    assert names(report) == {"poll-skip": 1}
    assert report.violations[0].clients == ("ben",)
    assert report.violations[0].seq == 2


def test_an_announced_hole_that_is_repaired_is_counted_and_allowed() -> None:
    story = Story()
    story.said(1)
    story.send(2)
    story.heard(2, "ann")

    story.history.behind("ben")
    story.said(3)
    story.page("ben", 1, [2, 3])

    report = story.end(1, 2, 3)
    assert report.clean
    assert report.counts["announced live holes"] == 1


def test_a_hole_across_a_reconnect_that_sync_fills_is_allowed() -> None:
    story = Story()
    story.said(1)
    story.history.down("ben", "node killed")
    story.send(2)
    story.heard(2, "ann")

    story.history.up("ben", "other node")
    story.said(3)
    story.page("ben", 1, [2], last=2)

    assert story.end(1, 2, 3).clean


def test_a_hole_after_the_answer_to_sync_is_a_poll_skip() -> None:
    story = Story()
    story.said(1)
    story.history.down("ben", "node killed")
    story.send(2)
    story.heard(2, "ann")

    story.history.up("ben", "other node")
    story.said(3)
    story.page("ben", 1, [])
    story.page("ben", 1, [2, 3])

    assert names(story.end(1, 2, 3)) == {"poll-skip": 1}


def test_an_entry_that_is_no_message_makes_no_hole() -> None:
    story = Story()
    story.said(1)

    story.said(3)

    story.history.final(ROOM, 2, "member", None)
    assert story.end(1, 3).clean


def test_an_answer_to_sync_with_a_hole_is_a_poll_skip_and_what_it_hid_is_lost() -> None:
    story = Story()
    story.history.down("ben", "cut")
    for number in (1, 2, 3):
        story.send(number)
        story.heard(number, "ann")

    story.resume("ben", 0, [1, 3])

    assert names(story.end(1, 2, 3)) == {"poll-skip": 1, "lost-write": 1}


def test_an_answer_to_sync_that_claims_more_than_it_holds_is_a_poll_skip() -> None:
    story = Story()
    story.said(1)
    story.history.final(ROOM, 2, "member", None)

    story.page("ben", 1, [], last=2)

    assert names(story.end(1)) == {"poll-skip": 1}


def test_a_delivered_message_that_the_final_log_lacks_is_a_phantom() -> None:
    story = Story()
    story.said(1)

    story.send(2)
    story.heard(2, "ben")

    report = story.end(1)
    assert names(report) == {"phantom": 1}
    assert report.violations[0].seq == 2
