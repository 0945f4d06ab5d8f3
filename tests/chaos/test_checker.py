"""The checker on sends, answers, members and final logs: each fault is found, and what is allowed is not."""

from pathlib import Path

import pytest

from tests.chaos.checker import Checker, check, check_file
from tests.chaos.history import HistoryFile, Said
from tests.chaos.story import ROOM, Story, names, words


def test_a_run_in_which_all_goes_well_is_clean_and_counted() -> None:
    story = Story()

    story.said(1, 2, 3)

    report = story.end(1, 2, 3)
    assert report.clean
    assert report.counts["acked"] == 3
    assert report.counts["delivered live"] == 6
    assert report.counts["final entries"] == 3
    assert report.ack.count == 3
    assert report.delivery.count == 3


def test_an_acknowledged_message_that_the_final_log_lacks_is_a_lost_write() -> None:
    story = Story()
    story.said(1)

    story.send(2)
    story.acked(2)

    report = story.end(1)
    assert names(report) == {"lost-write": 1}
    assert report.violations[0].seq == 2
    assert report.violations[0].clients == ("ann",)
    assert "message-2" in report.violations[0].sentence


def test_a_message_that_a_member_never_saw_is_a_lost_write() -> None:
    story = Story()
    story.said(1)

    story.send(2)
    story.acked(2)
    story.heard(2, "ann")

    report = story.end(1, 2)
    assert names(report) == {"lost-write": 1}
    assert report.violations[0].clients == ("ben",)


def test_one_message_at_two_places_of_the_log_is_a_duplicate() -> None:
    story = Story()
    story.said(1)

    story.history.settled()
    for seq in (1, 2):
        story.history.final(ROOM, seq, "message", words(1))

    report = check(story.records)
    assert report.found["duplicate"] == 1


def test_one_message_acknowledged_at_two_places_is_a_duplicate() -> None:
    story = Story()
    story.said(1)

    story.send(1)
    story.acked(1, seq=2, duplicate=True)

    assert names(story.end(1)) == {"duplicate": 1}


def test_two_messages_at_one_place_are_inconsistent_offsets() -> None:
    story = Story()
    story.said(1)

    story.send(2)
    story.heard(2, "ann")
    story.history.live("ben", ROOM, 2, Said("ann", "message-2", "other words"))

    report = story.end(1, 2)
    assert names(report) == {"inconsistent-offsets": 1}
    assert set(report.violations[0].clients) == {"ann", "ben"}


def test_an_acknowledged_place_that_the_final_log_gives_to_another_is_inconsistent_offsets() -> None:
    story = Story()
    for number in (1, 2):
        story.send(number)
        story.acked(number)

    story.history.settled()
    for seq, number in ((1, 2), (2, 1)):
        story.heard(seq, number=number)
        story.history.final(ROOM, seq, "message", words(number))

    assert "inconsistent-offsets" in check(story.records).found


def test_two_readings_of_the_final_log_must_agree() -> None:
    story = Story()
    story.said(1)

    story.history.final(ROOM, 1, "message", Said("ann", "message-1", "other words"))

    assert names(story.end(1)) == {"inconsistent-offsets": 2}


def test_one_senders_messages_in_another_order_are_a_nonmonotonic_send() -> None:
    story = Story()
    story.send(1)
    story.send(2)

    story.history.settled()
    for seq, number in ((1, 2), (2, 1)):
        story.heard(seq, number=number)
        story.history.final(ROOM, seq, "message", words(number))

    assert names(check(story.records)) == {"nonmonotonic-send": 1}


def test_a_message_that_was_refused_first_may_come_later_in_the_order() -> None:
    story = Story()
    story.send(1)
    story.send(2)
    story.history.refused("ann", ROOM, words(1), "overloaded")
    story.send(1)

    story.history.settled()
    for seq, number in ((1, 2), (2, 1)):
        story.heard(seq, number=number)
        story.history.final(ROOM, seq, "message", words(number))

    assert check(story.records).clean


def test_a_message_that_was_refused_for_certain_and_is_seen_is_an_aborted_read() -> None:
    story = Story()

    story.send(1)
    story.history.refused("ann", ROOM, words(1), "too_large")
    story.heard(1)

    assert names(story.end(1)) == {"aborted-read": 1}


def test_a_message_that_was_refused_after_an_attempt_without_an_answer_may_be_seen() -> None:
    story = Story()

    story.send(1)
    story.history.unknown("ann", ROOM, words(1), "cut", answered=False)
    story.send(1)
    story.history.refused("ann", ROOM, words(1), "too_large")
    story.heard(1)

    assert story.end(1).clean


def test_a_message_sent_after_a_removal_was_acknowledged_must_not_reach_the_removed() -> None:
    story = Story()
    story.history.change("remove", ROOM, "ben")
    story.history.changed("remove", ROOM, "ben")

    story.said(1)

    report = story.end(1)
    assert names(report) == {"leaked": 1}
    assert report.violations[0].clients == ("ben",)


def test_a_message_sent_before_a_removal_was_acknowledged_may_reach_the_removed() -> None:
    story = Story()
    story.history.change("remove", ROOM, "ben")
    story.send(1)
    story.history.changed("remove", ROOM, "ben")

    story.heard(1)

    assert story.end(1).clean


def test_a_removed_member_who_is_added_again_hears_from_then_on() -> None:
    story = Story()
    for op in ("remove", "add"):
        story.history.change("remove" if op == "remove" else "add", ROOM, "ben")
        story.history.changed("remove" if op == "remove" else "add", ROOM, "ben")

    story.said(1)

    assert story.end(1).clean


def test_a_message_accepted_from_a_removed_member_is_a_trespass() -> None:
    story = Story()
    story.history.change("remove", ROOM, "ann")
    story.history.changed("remove", ROOM, "ann")

    story.send(1)
    story.acked(1)
    story.heard(1, "ben")

    assert names(story.end(1)) == {"trespass": 1}


def test_a_member_who_is_refused_as_a_stranger_is_turned_away() -> None:
    story = Story()
    for op in ("remove", "add"):
        story.history.change("remove" if op == "remove" else "add", ROOM, "ann")
        story.history.changed("remove" if op == "remove" else "add", ROOM, "ann")

    story.send(1)
    story.history.refused("ann", ROOM, words(1), "not_found")

    assert names(story.end()) == {"turned-away": 1}


def test_a_removed_member_is_rightly_refused() -> None:
    story = Story()
    story.send(1)
    story.history.change("remove", ROOM, "ann")

    story.history.refused("ann", ROOM, words(1), "not_found")

    assert story.end().clean


def test_a_place_of_the_final_log_that_holds_nothing_is_a_log_gap() -> None:
    story = Story()
    story.said(1, 3)

    report = story.end(1, 3)

    assert names(report) == {"log-gap": 1}
    assert report.violations[0].seq == 2


def test_what_no_server_may_send_is_reported() -> None:
    story = Story()

    story.history.odd("ben", "an answer that is none")
    story.acked(9)

    assert names(story.end()) == {"malformed": 2}


def test_many_violations_are_all_counted_and_the_first_hundred_kept() -> None:
    story = Story()

    for number in range(1, 151):
        story.send(number)
        story.acked(number)

    report = story.end()
    assert report.found["lost-write"] == 150
    assert len(report.violations) == 100


def test_an_unknown_kind_of_record_is_refused() -> None:
    with pytest.raises(KeyError, match="gossip"):
        Checker().feed({"t": 0.0, "kind": "gossip"})


def test_a_history_file_gives_the_same_report_as_its_records(tmp_path: Path) -> None:
    story = Story()
    story.said(1)
    story.send(2)
    story.heard(2, "ben")
    expected = story.end(1).document()

    with HistoryFile(tmp_path / "history.jsonl") as file:
        for record in story.records:
            file.write(record)

    assert check_file(tmp_path / "history.jsonl").document() == expected


def test_the_order_is_open_for_a_message_whose_lost_answer_may_have_been_a_refusal() -> None:
    story = Story()
    for number in (1, 2, 3):
        story.send(number)
    story.history.unknown("ann", ROOM, words(1), "unavailable", answered=True)
    story.history.unknown("ann", ROOM, words(2), "the connection ended", answered=False)

    story.history.settled()
    for seq, number in ((1, 3), (2, 2), (3, 1)):
        story.heard(seq, number=number)
        story.history.final(ROOM, seq, "message", words(number))

    assert names(check(story.records)) == {}


def test_the_order_is_open_for_a_lost_answer_while_the_process_refused_others() -> None:
    story = Story()
    story.send(1)
    story.send(2)
    story.history.send("ben", ROOM, Said("ben", "other", "words"), 1)
    story.history.refused("ben", ROOM, Said("ben", "other", "words"), "overloaded")
    story.history.unknown("ann", ROOM, words(1), "the connection ended", answered=False)

    story.history.settled()
    for seq, number in ((1, 2), (2, 1)):
        story.heard(seq, number=number)
        story.history.final(ROOM, seq, "message", words(number))

    assert names(check(story.records)) == {}


def test_the_order_holds_for_a_message_that_was_not_answered_in_a_session_without_refusals() -> None:
    story = Story()
    story.send(1)
    story.send(2)
    story.history.unknown("ann", ROOM, words(1), "the connection ended", answered=False)

    story.history.settled()
    for seq, number in ((1, 2), (2, 1)):
        story.heard(seq, number=number)
        story.history.final(ROOM, seq, "message", words(number))

    assert names(check(story.records)) == {"nonmonotonic-send": 1}


def test_faults_are_counted_by_kind_and_the_time_between_sessions_is_measured() -> None:
    story = Story()
    story.history.fault("redis kill", "redis")
    story.history.fault("redis kill", "redis")
    story.history.down("ann", "the connection ended")
    story.resume("ann", 0, [])

    report = story.end()

    assert report.faults == {"redis kill": 2}
    assert report.away.count == 1
    assert 0.01 < report.away.quantile(0.99) < 0.03
