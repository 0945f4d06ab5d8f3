"""The floor in C sends what it says it sends: it is what everything else is compared with."""

import os
import shutil
from pathlib import Path

import pytest

from bench.crowd import Crowd
from bench.load import Broadcast
from bench.peers import floor

FRAME = 676


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
async def test_the_floor_sends_one_whole_frame_to_each_member(tmp_path: Path) -> None:
    peer = await floor.start(tmp_path, on=[min(os.sched_getaffinity(0))], members=5, small=3, frame=FRAME)
    with Crowd(peer.name, peer.port) as crowd:
        crowd.plug(5)
        crowd.tape = []

        few = Broadcast(peer, crowd, "s", 3, senders=crowd.people[:1]).run(0.0, 1)
        many = Broadcast(peer, crowd, "a", 5, senders=crowd.people[:1]).run(0.0, 4)

        assert (few.sends, few.heard) == (1, 3)
        assert (many.sends, many.heard) == (4, 20)
        assert [member.heard for member in crowd.people] == [5, 5, 5, 4, 4]
        assert sum(map(len, crowd.tape)) == 23 * FRAME + 5 * len(b'\x81\x10430[{"ok":true}]')
    peer.stop()
