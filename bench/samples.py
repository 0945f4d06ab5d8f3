"""What the rounds of a benchmark gave: medians, how far they lie apart, and ratios of what was measured together."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import median

FULL = 95
"""Percent of a core from which on the generator may be what a rate is limited by."""


class Samples:
    """Values by server and measure, one of each round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, server: str, measure: str, value: float) -> None:
        """Note what a round gave."""
        self._values[server, measure].append(value)

    def has(self, server: str, measure: str) -> bool:
        """Whether there is anything."""
        return (server, measure) in self._values

    def of(self, server: str, measure: str) -> float:
        """The median of all rounds."""
        return median(self._values[server, measure])

    def spread(self, server: str, measure: str) -> float:
        """From the least to the most, in parts of the median."""
        values = self._values[server, measure]
        return (max(values) - min(values)) / middle if (middle := median(values)) else 0.0

    def ratio(self, server: str, other: str, measure: str) -> float | None:
        """The median of the ratios within each round; None when one of them was not measured."""
        mine, theirs = self._values.get((server, measure)), self._values.get((other, measure))
        if not mine or not theirs:
            return None
        ratios = [one / another for one, another in zip(mine, theirs, strict=True) if another]
        return median(ratios) if ratios else None

    def limits(self, servers: Iterable[str], measure: str = "generator") -> list[str]:
        """Remarks on servers that could have done more, had the generator been faster. The measure is in percent."""
        return [
            f"{server}: the generator was the limit ({self.of(server, measure):.0f} % of its core)"
            for server in servers
            if self.of(server, measure) > FULL
        ]

    def shown(self, server: str, measure: str, form: str) -> str:
        """Median and spread as text, `4.21 ±3%`; a dash when there is nothing."""
        if not self.has(server, measure):
            return "–"
        spread = self.spread(server, measure)
        half = f" ±{spread * 50:.0f}%" if len(self._values[server, measure]) > 1 else ""
        return format(self.of(server, measure), form) + half
