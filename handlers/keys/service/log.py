"""The append-only log of identity keys: nobody is told another key than everybody else without a trace."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from crypto.directory import base64
from crypto.identity_log import SALT_SIZE, SEED_SIZE, HeadSigner, entry_bytes
from crypto.merkle import Span, before, consistency, fold, inclusion, leaf_hash, nodes_for, nodes_of
from handlers.keys.models.answers import LogConsistency, LogHead, LogProof
from handlers.keys.models.stored import LogEntry
from handlers.keys.models.uploads import WantedConsistency, WantedProof
from handlers.keys.service.checks import refuse
from handlers.keys.service.errors import NoKeys
from handlers.keys.service.reach import Reach
from handlers.keys.store import LogStore
from server.actors import Actor
from server.clock import Clock


class IdentityLog:
    """Appends to the log and proves what is in it."""

    def __init__(self, store: LogStore, *, reach: Reach, clock: Clock, seed: bytes | None) -> None:
        self._store = store
        self._reach = reach
        self._clock = clock
        self._seed = seed
        self._signer: HeadSigner | None = None

    async def start(self) -> None:
        """Have the key that signs."""
        await self._store.begin()
        self._signer = HeadSigner(self._seed or await self._store.secret(secrets.token_bytes(SEED_SIZE)))

    async def append(self, user_id: str, identity: bytes, at: datetime) -> int:
        """Add an identity, in the caller's unit of work; its place."""
        salt, at_ms = secrets.token_bytes(SALT_SIZE), _ms(at)
        index = await self._store.claim()
        leaf = leaf_hash(entry_bytes(user_id, identity, at_ms, salt))
        nodes = nodes_for(index, leaf, await self._store.nodes(before(index)))
        await self._store.append(LogEntry(index, user_id, identity, at, salt), nodes)
        return index

    async def head(self) -> LogHead:
        """The log as it is now, signed."""
        if self._signer is None:
            raise RuntimeError("the log has not been started")
        size, now = await self._store.size(), self._clock.now()
        (root,) = await self._hashes([(0, size)])
        return LogHead(
            size=size,
            root_hash=base64(root),
            timestamp=now,
            key_id=self._signer.key_id,
            public_key=base64(self._signer.public),
            signature=base64(self._signer.sign(size, _ms(now), root)),
        )

    async def proof(self, actor: Actor, wanted: WantedProof) -> LogProof:
        """That somebody's identity is in the log. Raises NoKeys, NotFound, Invalid."""
        size = await self._store.size()
        if wanted.size is not None and wanted.size > size:
            refuse("size", f"there are {size} entries")
        size = wanted.size or size
        reached = await self._reach.among(actor, [wanted.user_id], wanted.conversation_id)
        entry = await self._store.of(wanted.user_id, before=size) if reached else None
        if entry is None:
            raise NoKeys
        return LogProof(
            index=entry.index,
            size=size,
            user_id=entry.user_id,
            identity_key=base64(entry.identity),
            logged_at=entry.at,
            salt=base64(entry.salt),
            path=[base64(one) for one in await self._hashes(inclusion(entry.index, size))],
        )

    async def consistency(self, wanted: WantedConsistency) -> LogConsistency:
        """That a tree is the beginning of a larger one. Raises Invalid."""
        size = await self._store.size()
        if wanted.second > size:
            refuse("second", f"there are {size} entries")
        if wanted.first > wanted.second:
            refuse("first", "must not be above second")
        path = await self._hashes(consistency(wanted.first, wanted.second))
        return LogConsistency(first=wanted.first, second=wanted.second, path=[base64(one) for one in path])

    async def _hashes(self, spans: Sequence[Span]) -> list[bytes]:
        """The hashes of subtrees, by one question."""
        parts = [nodes_of(span) for span in spans]
        known = await self._store.nodes(node for part in parts for node in part)
        return [fold([known[node] for node in part]) for part in parts]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
