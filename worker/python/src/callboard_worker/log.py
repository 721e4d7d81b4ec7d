"""Logs go to standard error, as text or as JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import datetime, timezone
from typing import Any

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line, with what a record carries beside its text."""

    def format(self, record: logging.LogRecord) -> str:
        """Writes one record."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "level": record.levelname,
            "target": record.name,
            "message": record.getMessage(),
        }
        line |= _extra(record)
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False, default=str)


class Lines(logging.Formatter):
    """For people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Writes one record."""
        text = super().format(record)
        extra = " ".join(f"{name}={value}" for name, value in _extra(record).items())
        if not extra:
            return text
        first, newline, rest = text.partition("\n")
        return f"{first} {extra}{newline}{rest}"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN}


_LEVELS = {"trace": "DEBUG", "warn": "WARNING", "off": "CRITICAL"}


def level_of(words: str) -> str:
    """Reads the least level that is logged: a level, or a filter such as ``warn,async_nats=off`` that a Rust worker is
    given too, of which only the part that names no target counts.
    """
    plain = [word.strip() for word in words.split(",") if "=" not in word]
    found = plain[0].lower() if plain else "warn"
    return _LEVELS.get(found, found.upper())


def set_up(level: str, *, is_json: bool) -> None:
    """Sets logging up for the whole process. What the client library says of a failed connection, the worker says with
    the cure.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if is_json else Lines())
    logging.basicConfig(level=level_of(level), handlers=[handler], force=True)
    logging.getLogger("nats").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
