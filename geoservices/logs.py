"""Structured logs: a constant event name, data in fields, and never a position."""

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

POSITION_FIELDS = frozenset({"lon", "lat", "longitude", "latitude", "position", "coordinates"})


def refuse_positions(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop fields that would write down where someone is; where someone is stays out of logs."""
    for name in POSITION_FIELDS & event.keys():
        event[name] = "[withheld]"
    return event


def configure(*, level: int = logging.INFO) -> None:
    """Send structured logs, one JSON object a line, to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            refuse_positions,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
