"""Amounts as people say them: one minute, two minutes."""

from datetime import timedelta


def minutes(span: timedelta) -> str:
    """Return a span in minutes, rounded."""
    return so_many(round(span.total_seconds() / 60), "minute")


def hours(span: timedelta) -> str:
    """Return a span in hours, with as many decimals as it takes."""
    return so_many(span.total_seconds() / 3600, "hour")


def so_many(number: float, of_what: str) -> str:
    """Return how many of something there are; `of_what` is one of them."""
    return f"{number:g} {of_what}" if number == 1 else f"{number:g} {of_what}s"
