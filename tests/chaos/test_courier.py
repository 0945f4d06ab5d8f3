"""How much a client has on its way: as much as it may, and less after a server had too much to do."""

from typing import Any

from tests.chaos.courier import Answered, Courier
from tests.chaos.history import History, Record

ROOM = "room"


class Wire:
    """A line whose answers the test gives."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], Answered]] = []

    def emit(self, event: str, payload: dict[str, Any], answered: Answered) -> None:
        self.sent.append((event, payload, answered))


def _courier(window: int) -> tuple[Courier, Wire, list[Record]]:
    records: list[Record] = []
    courier = Courier("ann", "ann", History(records.append, lambda: 0.0), lambda _, __: None, window=window)
    wire = Wire()
    courier.up(wire, "node")
    return courier, wire, records


def test_a_client_says_no_more_than_its_window_at_once() -> None:
    courier, _, _ = _courier(2)

    courier.say(ROOM)
    one = courier.free
    courier.say(ROOM)

    assert (one, courier.free) == (True, False)


def test_after_an_overload_a_client_keeps_less_on_its_way_until_it_is_answered_again() -> None:
    courier, wire, records = _courier(2)
    courier.say(ROOM)
    _, payload, answered = wire.sent[-1]

    answered({"ok": False, "error": {"code": "overloaded"}})
    after = courier.free
    message = {**payload, "id": f"{ROOM}:1", "seq": 1, "senderId": "ann"}
    answered({"ok": True, "data": message})
    courier.say(ROOM)

    assert (after, courier.free, courier.acked) == (False, True, 1)
    assert [record["kind"] for record in records if record.get("op") == "send"] == ["invoke", "fail", "ok", "invoke"]
