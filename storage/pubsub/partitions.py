"""Names of channels: `{pNNN}.<name>`, spread over 128 partitions that a Redis Cluster can share out evenly.

Redis Cluster places a channel by the text in braces. The tags are chosen so that each lies near the middle of its own
1/128 of the slots: any number of primaries that share the slots evenly share the partitions evenly, too. On a single
Redis the braces mean nothing.
"""

from zlib import crc32

from redis.crc import key_slot

PARTITIONS = 128
SLOTS = 16_384
_WIDTH = SLOTS // PARTITIONS


def _tags() -> list[bytes]:
    """For each part of the slots, that of the tags p000 to p999 which is nearest to its middle."""
    nearest: dict[int, tuple[int, bytes]] = {}
    for number in range(1000):
        tag = b"p%03d" % number
        part, offset = divmod(key_slot(tag), _WIDTH)
        nearest[part] = min(nearest.get(part, (_WIDTH, b"")), (abs(offset - _WIDTH // 2), tag))
    return [nearest[part][1] for part in range(PARTITIONS)]


_TAGS = _tags()
_PREFIXES = [b"{%b}." % tag for tag in _TAGS]
_NUMBERS = {tag: number for number, tag in enumerate(_TAGS)}
_NAME_AT = len(_PREFIXES[0])

SLOT_OF_PARTITION = [key_slot(tag) for tag in _TAGS]
"""The slot of every channel of a partition."""


def channel_of(name: bytes) -> bytes:
    """The channel of a name; the same in every process and release."""
    return _PREFIXES[crc32(name) % PARTITIONS] + name


def channel_in(partition: int, name: bytes) -> bytes:
    """A channel in a partition of one's choice."""
    return _PREFIXES[partition] + name


def partition_of(channel: bytes) -> int:
    """The partition of a channel. Raises KeyError for one that this module did not name."""
    return _NUMBERS[channel[1:5]]


def name_of(channel: bytes) -> bytes:
    """What the channel was made of."""
    return channel[_NAME_AT:]
