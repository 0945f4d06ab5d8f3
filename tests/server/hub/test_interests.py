"""Which channels a process holds: those of the people who are here, and of the large conversations they are in."""

from collections import Counter
from collections.abc import Collection

from hypothesis import given, settings
from hypothesis import strategies as st

from server.hub.channels import FEW, Channels
from server.hub.interests import Interests

CHANNELS = Channels("x")
CROWD = [f"m{number}" for number in range(FEW + 1)]


class Watched:
    """Interests, and the channels that they hold."""

    def __init__(self) -> None:
        self.held: Counter[bytes] = Counter()
        self.interests = Interests(CHANNELS, hold=self.hold, release=self.release)

    def hold(self, channel: bytes) -> None:
        self.held[channel] += 1

    def release(self, channel: bytes) -> None:
        assert self.held[channel] > 0
        self.held[channel] -= 1

    @property
    def users(self) -> set[str]:
        return {one for channel, count in self.held.items() if count and (one := CHANNELS.user_of(channel))}

    @property
    def conversations(self) -> set[str]:
        return {one for channel, count in self.held.items() if count and (one := CHANNELS.conversation_of(channel))}

    def learn(self, **found: Collection[str]) -> list[str]:
        return self.interests.learn(self.interests.read(), found)


def test_a_person_is_listened_to_from_the_first_connection_to_the_last() -> None:
    watched = Watched()

    watched.interests.arrive("ada", "1")
    watched.interests.arrive("ada", "2")
    watched.interests.depart("1")
    before = set(watched.users)
    watched.interests.depart("2")
    watched.interests.depart("2")

    assert (before, watched.users, len(watched.interests)) == ({"ada"}, set(), 0)


def test_a_large_conversation_is_listened_to_while_one_of_its_people_is_here() -> None:
    watched = Watched()
    for one in ("ada", "bob"):
        watched.interests.arrive(one, one)

    fresh = [watched.learn(ada=["c", "d"]), watched.learn(bob=["c"])]
    watched.interests.depart("ada")
    after_ada = set(watched.conversations)
    watched.interests.depart("bob")

    assert [sorted(one) for one in fresh] == [["c", "d"], []]
    assert (after_ada, watched.conversations) == ({"c"}, set())


def test_who_comes_into_a_large_conversation_makes_it_listened_to_and_who_leaves_ends_it() -> None:
    watched = Watched()
    watched.interests.arrive("ada", "1")
    watched.learn(ada=[])

    fresh = watched.interests.spread("c", ["ada", *CROWD])
    again = watched.interests.spread("c", ["ada", *CROWD])
    between = set(watched.conversations)
    watched.interests.spread("c", CROWD)

    assert (fresh, again, between, watched.conversations) == (["c"], [], {"c"}, set())


def test_a_conversation_that_becomes_small_has_no_channel_any_more() -> None:
    watched = Watched()
    watched.interests.arrive("ada", "1")
    watched.interests.spread("c", ["ada", *CROWD])

    watched.interests.spread("c", ["ada", *CROWD[: FEW - 1]])

    assert watched.conversations == set()


def test_what_changes_while_memberships_are_read_is_newer_than_the_answer() -> None:
    watched = Watched()
    watched.interests.arrive("ada", "1")
    watched.interests.spread("left", ["ada", *CROWD])
    reading = watched.interests.read()

    watched.interests.spread("left", CROWD)
    watched.interests.spread("came", ["ada", *CROWD])
    fresh = watched.interests.learn(reading, {"ada": ["left", "other"]})

    assert (fresh, watched.conversations) == (["other"], {"came", "other"})


def test_what_is_read_again_replaces_what_was_known() -> None:
    watched = Watched()
    watched.interests.arrive("ada", "1")
    watched.learn(ada=["old", "both"])

    watched.learn(ada=["both", "new"], gone=["x"])

    assert watched.conversations == {"both", "new"}


def test_a_reading_that_failed_leaves_what_was_known() -> None:
    watched = Watched()
    watched.interests.arrive("ada", "1")
    watched.learn(ada=["c"])

    watched.interests.learn(watched.interests.read(), None)

    assert watched.conversations == {"c"}
    assert watched.interests.known("ada")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "depart", "spread", "learn"]),
        st.sampled_from(["ada", "bob"]),
        st.sampled_from(["c", "d"]),
        st.booleans(),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_whatever_happens_what_is_held_is_what_the_people_here_need(steps: list[tuple[str, str, str, bool]]) -> None:
    watched, here, rooms = Watched(), set[str](), dict[str, set[str]]()
    for what, user, room, yes in steps:
        if what == "arrive":
            watched.interests.arrive(user, user)
            here.add(user)
        elif what == "depart":
            watched.interests.depart(user)
            here.discard(user)
            for members in rooms.values():
                members.discard(user)
        elif what == "spread":
            members = {"ada", "bob"} if yes else {user}
            watched.interests.spread(room, [*members, *CROWD])
            rooms[room] = members & here
        else:
            watched.learn(**{user: [room] if yes else []})
            if user in here:
                for name in ("c", "d"):
                    wanted = rooms.setdefault(name, set())
                    (wanted.add if yes and name == room else wanted.discard)(user)

        assert watched.users == here
        assert watched.conversations == {name for name, members in rooms.items() if members}
        assert set(watched.held.values()) <= {0, 1}
