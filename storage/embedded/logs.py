"""The servers' own log files: kept from growing without end, and quoted when a server dies."""

import json
from pathlib import Path

LOG_BYTES = 8 * 2**20
"""Past this size a log moves to `<name>.1`, in place of the one that was there."""
QUOTED_LINES = 8
LINE_CHARACTERS = 400
TAIL_BYTES = 2**18


def size(path: Path) -> int:
    """Bytes in the file; 0 when there is none."""
    return path.stat().st_size if path.exists() else 0


def rotate(path: Path, limit: int = LOG_BYTES) -> bool:
    """Move the log aside when it is larger than `limit` bytes. True when it was."""
    if size(path) <= limit:
        return False
    path.replace(path.with_name(path.name + ".1"))
    return True


def read_since(path: Path, start: int) -> str:
    """What was written after the byte `start`, no more than the last 256 KiB of it."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(start, size(path) - TAIL_BYTES))
        return file.read().decode("utf-8", "replace")


def last_words(text: str) -> str:
    """The last lines that matter: complaints if there are any, else whatever came last; readable, and bounded."""
    lines = [line for line in text.splitlines() if line.strip()]
    entries = [_readable(line) for line in lines]
    complaints = [words for words, complains in entries if complains]
    chosen = complaints or [words for words, _ in entries]
    return "\n".join(f"  {words[:LINE_CHARACTERS]}" for words in chosen[-QUOTED_LINES:]) or "  (nothing)"


def _readable(line: str) -> tuple[str, bool]:
    """One line as people read it, and whether it complains. mongod writes JSON, the rest plain text."""
    try:
        entry = json.loads(line)
        words = f"{entry['s']} {entry['c']}: {entry['msg']}"
        if entry.get("attr"):
            words += f" {json.dumps(entry['attr'], ensure_ascii=False)}"
        return words.replace("\n", " "), entry["s"] in {"E", "F"}
    except (ValueError, KeyError, TypeError):
        return line, line.startswith(("***", "Fatal")) or " # " in line
