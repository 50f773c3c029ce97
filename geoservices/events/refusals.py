"""Why somebody cannot have a place at an event."""

from datetime import datetime

from geoservices.errors import ErrorKind, GeoservicesError


class NoSuchOccurrence(GeoservicesError):
    """The event does not begin at that instant."""

    kind = ErrorKind.INVALID
    code = "no-such-occurrence"
    title = "The event does not take place then"

    def __init__(self, following: datetime | None) -> None:
        told = (
            "It does not take place any more."
            if following is None
            else f"It begins next at {following.isoformat()}."
        )
        super().__init__(
            f"Give the starts_at of one of its occurrences. {told}", field="/starts_at"
        )


class OccurrenceOver(GeoservicesError):
    """It has begun already, so that nothing can be changed for it."""

    kind = ErrorKind.CONFLICT
    code = "occurrence-over"
    title = "It has begun already"

    def __init__(self) -> None:
        super().__init__("Choose an occurrence that is yet to come.", field="/starts_at")


class OccurrenceCancelled(GeoservicesError):
    """It does not take place after all."""

    kind = ErrorKind.CONFLICT
    code = "occurrence-cancelled"
    title = "It is cancelled"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Choose another occurrence. {reason}", field="/starts_at")


class SignUpNotOffered(GeoservicesError):
    """Nobody signs up for this event: whoever comes, comes."""

    kind = ErrorKind.CONFLICT
    code = "sign-up-not-offered"
    title = "Nobody needs to sign up for this event"

    def __init__(self) -> None:
        super().__init__("Just come. The event takes no sign-ups.")


class SignUpClosed(GeoservicesError):
    """Signing up for this occurrence has ended."""

    kind = ErrorKind.CONFLICT
    code = "sign-up-closed"
    title = "Signing up has ended"

    def __init__(self, closed_at: datetime) -> None:
        super().__init__(
            f"It ended at {closed_at.isoformat()}. Choose a later occurrence.", field="/starts_at"
        )
