"""Logging: text for a person at a terminal, one JSON object per line for machines; never bodies, never tokens."""

import logging
import sys
from typing import Literal

from pythonjsonlogger.json import JsonFormatter
from rich.logging import RichHandler

QUIET = ("aiohttp.access", "socketio", "engineio", "pymongo", "asyncio")


def set_up(level: str, form: Literal["auto", "json", "text"], node: str) -> None:
    """Send everything of `level` and above to standard error, and keep the libraries to warnings."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler: logging.Handler
    if text:
        handler = RichHandler(show_path=False, log_time_format="%H:%M:%S", rich_tracebacks=False)
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "ts", "levelname": "level", "name": "logger"},
                static_fields={"node": node},
            )
        )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
