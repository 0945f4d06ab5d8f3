"""What a benchmark found: tables, goals, remarks; on the terminal, and as a section of RESULTS.md."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """# Results

Each section is what one command wrote with `--write`, on the date and with the versions that it names, all servers in
one run. `bench/README.md` says how it is measured. Absolute figures belong to the machine; the ratios are the result.
`bench/PROFILES.md` tells where the time goes in what falls short of its goal, and what was tried.
"""
ORDER = ("fanout", "inbound", "durable", "idle", "handshakes", "workers")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns of text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """For a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        shown = [
            "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(both))
            for both in (list(zip(line, widths, strict=True)) for line in lines)
        ]
        return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:]])

    def markdown(self) -> str:
        """For a page."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        return "\n".join("| " + " | ".join(line) + " |" for line in (self.columns, rule, *self.rows))


@dataclass(frozen=True, slots=True)
class Goal:
    """A number to reach. `most`: the value must not be above the bound, else not below it."""

    what: str
    value: float | None
    bound: float
    unit: str
    most: bool = True

    @property
    def row(self) -> list[str]:
        """Measure, goal, value, and whether it is reached."""
        sign = "≤" if self.most else "≥"
        goal = f"{sign} {self.bound:g} {self.unit}"
        if self.value is None:
            return [self.what, goal, "–", "not measured"]
        reached = self.value <= self.bound if self.most else self.value >= self.bound
        return [self.what, goal, f"{self.value:.2f} {self.unit}", "yes" if reached else "NO"]


@dataclass(slots=True)
class Report:
    """The outcome of one benchmark."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """For a terminal."""
        parts = [self.title, *(table.text() for table in self.tables)]
        if self.goals:
            parts.append(self._verdicts().text())
        parts += [f"- {note}" for note in self.notes]
        return "\n\n".join(parts)

    def markdown(self, circumstances: Sequence[str]) -> str:
        """A section of RESULTS.md."""
        parts = [f"## {self.title}", "\n".join(circumstances), *(table.markdown() for table in self.tables)]
        if self.goals:
            parts.append(self._verdicts().markdown())
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts)

    def _verdicts(self) -> Table:
        return Table(["goal", "wanted", "measured", "reached"], [goal.row for goal in self.goals])


def write(report: Report, circumstances: Sequence[str], path: Path = RESULTS) -> None:
    """Put the report in place of its section of before; the other sections stay."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)\n<!-- end \1 -->", before, re.DOTALL))
    sections[report.name] = report.markdown(circumstances)
    names = [name for name in ORDER if name in sections]
    body = "\n\n".join(f"<!-- begin {name} -->\n{sections[name]}\n<!-- end {name} -->" for name in names)
    path.write_text(f"{HEAD}\n{body}\n", encoding="utf-8")
