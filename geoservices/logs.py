"""Structured logs: a constant event name, data in fields, and never a position or a secret."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

POSITION_FIELDS = frozenset({"lon", "lat", "longitude", "latitude", "position", "coordinates"})

SECRET_FIELDS = frozenset({"password", "secret", "token", "authorization", "cookie"})
TOKENS = re.compile(r"\b(gs[a-z]_)[A-Za-z0-9_-]{16,}")
"""What all our tokens look like, wherever they stand."""


def refuse_positions(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop fields that would write down where someone is; where someone is stays out of logs."""
    for name in POSITION_FIELDS & event.keys():
        event[name] = "[withheld]"
    return event


def refuse_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop fields that would write down a secret, and cut tokens short wherever they stand."""
    for name, value in event.items():
        if name in SECRET_FIELDS:
            event[name] = "[withheld]"
        elif isinstance(value, str):
            event[name] = TOKENS.sub(r"\1[withheld]", value)
    return event


def describe(exc_info: ExcInfo) -> str:
    """Write down an exception and what led to it: where and of what class, never its message.

    Messages of databases and validators quote the values they are about, positions among them.
    """
    return "".join(
        f"{''.join(traceback.format_tb(error.__traceback__))}{_named(error)}\n"
        for error in _chain(exc_info[1])
    )


def configure(*, level: int = logging.INFO) -> None:
    """Send structured logs, one JSON object a line, to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            refuse_positions,
            structlog.processors.ExceptionRenderer(describe),
            refuse_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _named(error: BaseException) -> str:
    kind = type(error)
    # PostgreSQL's five characters say what was wrong without saying with what.
    code = getattr(error, "sqlstate", None)
    return f"{kind.__module__}.{kind.__qualname__}" + (f" {code}" if code else "")
