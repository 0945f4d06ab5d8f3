"""The rules of messaging and the tests named after them: `python -m tests.contracts.messaging_rules` writes the page.

A test is named after a rule when its name holds the rule's number as a word: `test_r24_who_keeps_receipts_…`.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

HOME = Path(__file__).parents[2]
PAGE = HOME / "docs" / "messaging-rules.md"

RULES: Mapping[str, str] = {
    "R16": "A client sees whether it has lost something; two repairs, then one snapshot, then nothing more.",
    "R20": "Watermarks only grow, and never beyond what is there or may be seen.",
    "R21": "Saying something is reading up to it.",
    "R22": "A message is sent, delivered, read; in a group read when all have read it who share that.",
    "R23": "In groups of up to 100 the members are told how far the others are; in larger ones nobody.",
    "R24": "Who keeps receipts to himself is seen by nobody and sees nobody's; none between blocked people.",
    "R25": "Unread is counted from the log, never up and down.",
    "R26": "Whatever tells of unread messages tells absolute numbers.",
    "R27": "The badge counts conversations with something unread that are not muted, archived, requested or blocked.",
    "R28": "Reading on one device is told to the others.",
    "R29": "Marking as unread is a flag, not a lower watermark.",
    "R30": "Typing is passed on once in 3 seconds, kept nowhere, and not told in large groups or by those who hide.",
    "R31": "Busy before online before away before offline, by device; away after 5 minutes, offline after 30 seconds.",
    "R32": "At most one change of a person is told in 10 seconds; the last state wins.",
    "R33": "Friends who are here are told, others when they watch; large groups only have a number.",
    "R34": "Who may know is decided for each viewer when it is told, in both directions.",
    "R35": "The people of a process that died are gone soon, and told once.",
    "R36": "At most 30 devices a person; own devices are told what was done on one.",
    "R37": "A device that is revoked is cut off within 2 seconds on every process.",
    "R38": "Calls ring on all devices, and one accepts.",
    "R39": "A conversation's timer: 24 hours, 7 or 90 days, or 30 seconds to 4 weeks; after sending or after reading.",
    "R40": "What has expired is gone at once, and swept away within a minute.",
    "R41": "Reported messages keep evidence for moderators.",
    "R42": "Edits within 48 hours, at most 20, with a history for those who manage.",
    "R43": "Taking back: own within 48 hours, by admins at any time; at most 100 at once.",
    "R44": "Reactions are a set: at most 3 by each person, at most 20 different ones.",
    "R45": "Polls of 2 to 12 options, single or several, open or secret, until they close.",
    "R46": "At most 50 pins; scheduled messages are sent exactly once.",
    "R47": "Search by sender, kind and time, in what the person may see.",
    "R48": "Roles, restrictions, slow mode, links to join, ownership, an audit of what admins do.",
    "R49": "Groups of 500 by default, 1,024 at most.",
    "R50": "Only admins call everybody, once in 10 minutes.",
    "R51": "Phone numbers of others are matched and dropped; only keyed hashes are kept.",
    "R52": "At most 1,000 contacts a call, 5,000 in 10 days, 500 new ones a day.",
    "R53": "Who is found by phone decides that, and nobody learns more by asking.",
}
LATER: Mapping[str, str] = {
    "R38": "not built yet: it comes with calls",
}
"""Rules that nothing is built for yet, and why."""

_NAMED = re.compile(r"_(r16|r[2-5]\d)(?=_)")


def found(tests: Path = HOME / "tests") -> dict[str, list[str]]:
    """The tests that are named after each rule, as paths with names."""
    named: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for rule in _NAMED.findall(node.name):
                    named[rule.upper()].append(f"{path.relative_to(tests.parent).as_posix()}::{node.name}")
    return dict(named)


def page(tests: Mapping[str, Sequence[str]]) -> str:
    """The page."""
    rows = [
        f"| {rule} | {what} | {'<br>'.join(f'`{one}`' for one in tests.get(rule, ())) or LATER.get(rule, '')} |"
        for rule, what in RULES.items()
    ]
    return "\n".join(
        [
            "# The rules of messaging and their tests",
            "",
            "Written by `python -m tests.contracts.messaging_rules`; a test keeps it true.",
            "",
            "| rule | in short | tests named after it |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(found()), encoding="utf-8")
