"""The table of a process's live connections."""

from datetime import UTC, datetime, timedelta

from server.actors import Actor
from server.hub.connections import Connection, Connections

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Nowhere:
    """The way to no client."""

    def tell(self, frame: bytes, *, passing: bool = False) -> bool:
        return False

    def hang_up(self) -> None:
        """There is nobody."""


OUT = Nowhere()


def connection(name: str, user: str, session: str = "s", expires: datetime = NOON) -> Connection:
    return Connection(name, Actor(user, "user", frozenset(), session, "device", expires), "127.0.0.1", NOON)


def test_a_connection_is_found_by_id_by_user_and_by_session() -> None:
    table = Connections()

    table.add(connection("1", "ada", "phone"), OUT)
    table.add(connection("2", "ada", "desk"), OUT)

    assert set(table.of_user("ada")) == {"1", "2"}
    assert list(table.of_session("desk")) == ["2"]
    assert table.get("1") == connection("1", "ada", "phone")
    assert table.outlet("1") is OUT
    assert (len(table), table.user_count()) == (2, 1)


def test_a_removed_connection_leaves_nothing_behind() -> None:
    table = Connections()
    table.add(connection("1", "ada"), OUT)

    first, second = table.remove("1"), table.remove("1")

    assert first == connection("1", "ada")
    assert second is None
    assert (len(table), table.user_count(), list(table.users())) == (0, 0, [])
    assert table._by_session == {}


def test_a_connection_is_expired_from_the_moment_its_token_is() -> None:
    table = Connections()
    table.add(connection("1", "ada", expires=NOON), OUT)
    table.add(connection("2", "bob", expires=NOON + timedelta(milliseconds=1)), OUT)

    assert [one.id for one in table.expired(NOON)] == ["1"]


def test_a_fresh_token_replaces_the_old_one() -> None:
    table = Connections()
    table.add(connection("1", "ada", "old"), OUT)

    table.replace(connection("1", "ada", "new", NOON + timedelta(hours=1)))

    assert list(table.of_session("old")) == []
    assert list(table.of_session("new")) == ["1"]
    assert table.expired(NOON) == []
