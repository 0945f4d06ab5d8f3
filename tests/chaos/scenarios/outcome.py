"""What a scenario says when it is over: faults, messages, violations, measured bounds."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.chaos.findings import Report
from tests.chaos.stage import Stage


@dataclass(slots=True, kw_only=True)
class Outcome:
    """One scenario's result."""

    scenario: str
    seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    """Faults that were put in, by kind."""
    acked: int = 0
    deliveries: int = 0
    found: Counter[str] = field(default_factory=Counter)
    """Violations that the checker found, by name."""
    figures: dict[str, str] = field(default_factory=dict)
    """What was measured, with its bound."""
    broken: list[str] = field(default_factory=list)
    """Bounds that were not held, each as a sentence."""
    report: Report | None = None
    """The checker's report, when there was a history."""
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    @property
    def clean(self) -> bool:
        """Whether every promise and every bound was kept."""
        return not self.found and not self.broken

    def text(self) -> str:
        """The result for a reader at a terminal."""
        lines = [f"scenario {self.scenario}: {'clean' if self.clean else 'NOT CLEAN'} after {self.seconds:,.0f} s"]
        lines += [f"  fault {kind}: {count:,}" for kind, count in sorted(self.faults.items())]
        lines += [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  ! {sentence}" for sentence in self.broken]
        if self.report is not None:
            lines.append(self.report.table())
        return "\n".join(lines)


def outcome_of(scenario: str, report: Report, stage: Stage, seconds: float) -> Outcome:
    """The outcome of a run with a history."""
    return Outcome(
        scenario=scenario,
        seconds=seconds,
        faults=Counter(report.faults),
        acked=report.counts["acked"],
        deliveries=report.counts["delivered live"] + report.counts["delivered by sync"],
        found=Counter(report.found),
        figures=dict(stage.figures),
        broken=list(stage.broken),
        report=report,
    )
