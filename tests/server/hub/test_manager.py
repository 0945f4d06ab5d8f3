"""Rooms and connections: every step touches what belongs to it and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.hub.engine import HubEngine
from server.hub.manager import HubManager
from server.hub.session import HubSocket


class Counting(dict[Any, Any]):
    """A dictionary that counts how often it is looked into."""

    touched = 0

    def get(self, key: Any, default: Any = None) -> Any:
        Counting.touched += 1
        return super().get(key, default)

    def pop(self, *arguments: Any) -> Any:
        Counting.touched += 1
        return super().pop(*arguments)

    def __iter__(self) -> Iterator[Any]:
        Counting.touched += len(self)
        return super().__iter__()

    def items(self) -> Any:
        Counting.touched += len(self)
        return super().items()

    def values(self) -> Any:
        Counting.touched += len(self)
        return super().values()


def session(number: int) -> HubSocket:
    """A session that nobody uses."""
    return HubSocket(HubEngine(async_mode="aiohttp"), f"session{number}")


@pytest.mark.parametrize("crowd", [10, 1000])
def test_the_end_of_a_connection_touches_its_own_rooms_alone(crowd: int) -> None:
    manager = HubManager()
    one = session(0)
    for number in range(crowd):
        manager.enter(f"sid{number}", "/", one)
        manager.basic_enter_room(f"sid{number}", "/", f"own{number}")
    for room in ("red", "green", "blue"):
        for number in range(crowd):
            manager.basic_enter_room(f"sid{number}", "/", room)
    manager._members = Counting(manager._members)
    Counting.touched = 0

    manager.leave("sid7", "/")

    assert Counting.touched == 5  # its four rooms, and the removal of the one that is empty now
    assert "sid7" not in manager._members["/", "red"]
    assert ("/", "own7") not in manager._members


def test_a_room_of_one_connection_is_not_kept_and_cannot_be_taken() -> None:
    manager = HubManager()
    manager.enter("ada", "/", session(1))
    manager.enter("bob", "/", session(2))

    manager.basic_enter_room("ada", "/", "ada")
    with pytest.raises(ValueError, match="cannot enter a sid room"):
        manager.basic_enter_room("ada", "/", "bob")
    with pytest.raises(ValueError, match="cannot close a sid room"):
        manager.basic_close_room("bob", "/")

    assert manager._members == {}
    assert [sid for sid, _ in manager.get_participants("/", "ada")] == ["ada"]
    assert manager.get_rooms("ada", "/") == ["ada"]
    assert manager.get_rooms("eve", "/") == []


class Rooms(RuleBasedStateMachine):
    """The manager against a model that is two plain sets."""

    sids = st.sampled_from([f"sid{number}" for number in range(5)])
    rooms = st.sampled_from(["red", "green", "blue"])
    namespaces = st.sampled_from(["/", "/custom"])

    def __init__(self) -> None:
        super().__init__()
        self.manager = HubManager()
        self.sessions = {f"sid{number}": session(number) for number in range(5)}
        self.inside: set[tuple[str, str]] = set()
        self.members: set[tuple[str, str, str]] = set()

    def _of(self, sid: str, namespace: str) -> str:
        return f"{sid}{namespace}"  # an id is never in two namespaces

    @rule(sid=sids, namespace=namespaces)
    def enter(self, sid: str, namespace: str) -> None:
        self.manager.enter(self._of(sid, namespace), namespace, self.sessions[sid])
        self.inside.add((namespace, self._of(sid, namespace)))

    @rule(sid=sids, namespace=namespaces)
    def leave(self, sid: str, namespace: str) -> None:
        one = self._of(sid, namespace)
        self.manager.leave(one, namespace)
        self.inside.discard((namespace, one))
        self.members = {entry for entry in self.members if entry[2] != one}

    @rule(sid=sids, namespace=namespaces, room=rooms)
    def enter_room(self, sid: str, namespace: str, room: str) -> None:
        one = self._of(sid, namespace)
        if (namespace, one) in self.inside:
            self.manager.basic_enter_room(one, namespace, room)
            self.members.add((namespace, room, one))
        else:
            with pytest.raises(ValueError, match="not connected"):
                self.manager.basic_enter_room(one, namespace, room)

    @rule(sid=sids, namespace=namespaces, room=rooms)
    def leave_room(self, sid: str, namespace: str, room: str) -> None:
        self.manager.basic_leave_room(self._of(sid, namespace), namespace, room)
        self.members.discard((namespace, room, self._of(sid, namespace)))

    @rule(namespace=namespaces, room=rooms)
    def close_room(self, namespace: str, room: str) -> None:
        self.manager.basic_close_room(room, namespace)
        self.members = {entry for entry in self.members if entry[:2] != (namespace, room)}

    @invariant()
    def they_agree(self) -> None:
        assert {
            (namespace, sid) for namespace, inside in self.manager._sockets.items() for sid in inside
        } == self.inside
        for namespace in ("/", "/custom"):
            for room in ("red", "green", "blue"):
                expected = {one for space, name, one in self.members if (space, name) == (namespace, room)}
                assert {sid for sid, _ in self.manager.get_participants(namespace, room)} == expected
        for namespace, sid in self.inside:
            rooms = {name for space, name, one in self.members if (space, one) == (namespace, sid)}
            assert set(self.manager.get_rooms(sid, namespace)) == {sid, *rooms}

    @invariant()
    def nothing_empty_is_kept(self) -> None:
        assert all(self.manager._members.values())
        assert all(self.manager._rooms.values())
        assert all(self.manager._sockets.values())


Rooms.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestRooms = Rooms.TestCase
