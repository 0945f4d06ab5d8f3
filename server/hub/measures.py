"""What the backplane does, as numbers for Prometheus: added up in plain integers, and handed over once a second."""

from dataclasses import dataclass, fields

from prometheus_client import Counter, Gauge

from storage.pubsub import ShardedPubSub

RECEIVED = Counter("mixee_backplane_received_total", "Publications that came from Redis", ["kind"])
PUBLISHED = Counter("mixee_backplane_published_total", "Publications, and what became of them", ["result"])
SUBSCRIPTIONS = Gauge("mixee_subscriptions", "Channels that this process listens to")
LISTENING = Gauge("mixee_pubsub_canary_up", "Whether what this process publishes is heard")

EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Received:
    """How many publications came, by kind."""

    foreign: int = 0
    own: int = 0
    """What this process sent itself."""
    repeated: int = 0
    """Copies of the one before: an entry comes once for each of its people here."""
    unreadable: int = 0


class Measures:
    """Hands over what has happened since the last time."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def hand_over(self, received: Received, pubsub: ShardedPubSub) -> None:
        """Tell Prometheus."""
        for counter, counts in ((RECEIVED, received), (PUBLISHED, pubsub.counts)):
            for field in fields(counts):
                total = getattr(counts, field.name)
                counter.labels(field.name).inc(total - self._before.get(field.name, 0))
                self._before[field.name] = total
        SUBSCRIPTIONS.set(pubsub.subscribed)
        LISTENING.set(pubsub.up)
