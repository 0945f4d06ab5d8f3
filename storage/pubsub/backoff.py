"""How long to wait before a server is tried again: longer each time, and never in step with other processes."""

import random

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 2.0


class Backoff:
    """Pauses that double from 50 ms to 2 s, each multiplied by 0.5 to 1.5."""

    def __init__(self) -> None:
        self._pause = FIRST_SECONDS

    def reset(self) -> None:
        """It worked."""
        self._pause = FIRST_SECONDS

    def pause(self) -> float:
        """Seconds to wait now."""
        pause = self._pause
        self._pause = min(pause * 2, LONGEST_SECONDS)
        return pause * random.uniform(0.5, 1.5)
