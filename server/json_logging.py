"""Log lines as JSON, one object a line: what happened, with names and numbers. Never health data, never a secret.

Use: `log.info("sessions committed", extra=facts(stored=3, again=1))`. Only what stands in `log_fields` is written, so
nothing that happens to lie in a record's arguments can slip in.
"""

import logging
import sys
import time
from typing import Any, TextIO

import msgspec

_FACTS = "interval_coach_facts"


def log_fields(**named: str | float | bool | None) -> dict[str, Any]:
    """Facts to stand beside an event in its line."""
    return {_FACTS: named}


class JsonLines(logging.Formatter):
    """One JSON object a line: `t` (UTC), `level`, `from`, `event`, and the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the line. An exception is told by its type and place alone: its text may quote data."""
        line: dict[str, Any] = {
            "t": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
            **getattr(record, _FACTS, {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            place = record.exc_info[2]
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            if place is not None:
                line["at"] = f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}"
        return msgspec.json.encode(line).decode()


def log_to(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Write this package's lines to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("server")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


class PathsLeftOut(logging.Filter):
    """What the web framework logs names paths, and paths name participants: its lines keep the status alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say what happened in words that hold nothing of the request."""
        status = getattr(record, "status_code", None)
        record.msg, record.args = ("request failed" if record.levelno >= logging.ERROR else "request refused"), ()
        setattr(record, _FACTS, {"status": status})
        return True


def log_pages_to(stream: TextIO = sys.stderr) -> None:
    """Write the web server's lines to a stream: this package's, and what framework and server say of trouble."""
    log_to(stream)
    [handler] = logging.getLogger("server").handlers
    for name, level in (("uvicorn.error", logging.INFO), ("django", logging.ERROR), ("axes", logging.CRITICAL)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
    for name in ("django.request", "django.security", "django.security.csrf", "django.server"):
        logger = logging.getLogger(name)
        logger.filters[:] = [PathsLeftOut()]
    for name in ("asyncio", "authlib", "weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
