"""What people are asked now, and what each purpose covers."""

from collections.abc import Mapping
from dataclasses import dataclass

from geoservices.access.rights import WORKERS, Role
from geoservices.accounts.consent_texts import PUBLISHED, PublishedText
from geoservices.accounts.models import Purpose
from geoservices.errors import NotFound
from geoservices.languages import ENGLISH

EVERYONE = frozenset(Role)
ASKED_OF: Mapping[Purpose, frozenset[Role]] = {
    Purpose.CHECK_IN_CONTENT: EVERYONE,
    Purpose.NEARBY: EVERYONE,
    Purpose.STAFF_TASKS: WORKERS,
    Purpose.STATISTICS: EVERYONE,
    Purpose.EMAIL: EVERYONE,
}
"""The roles of those who may be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """The question that is put to people of some roles now."""

    version: str
    text: str
    roles: frozenset[Role]
    texts: Mapping[str, str]
    """The words by their language."""


TEXTS: Mapping[Purpose, ConsentText] = {
    one.purpose: ConsentText(
        version=one.version,
        text=one.text,
        roles=ASKED_OF[one.purpose],
        texts={
            other.language: other.text
            for other in PUBLISHED
            if (other.purpose, other.version) == (one.purpose, one.version)
        },
    )
    for one in PUBLISHED
    if one.language == ENGLISH
}
"""The last text of each purpose."""

PASSIVE = frozenset({Purpose.NEARBY, Purpose.STAFF_TASKS})
"""Agreeing to any of these lets a device send pings."""
ON_CHECK_IN = frozenset({Purpose.CHECK_IN_CONTENT, Purpose.STAFF_TASKS})
"""Agreeing to any of these lets a device check in."""
SIGNING_UP = frozenset({Purpose.CHECK_IN_CONTENT})
"""Agreeing to this lets a person sign up for an event, which is something that is on at a place
too, and be told of it. Consents to what is for work do not."""
COUNTED_IN_CAMPAIGNS = frozenset({"2027-01"})
"""The versions of the text for statistics that speak of messages: who agreed to others is counted
as having come to places, and not as having been told of anything."""
TOLD_ANYWHERE = frozenset({(Purpose.NEARBY, "2027-01")})
"""The texts that speak of being told wherever one is: who agreed to others is told where they come
to, and not by runs of campaigns."""
TELLING = PASSIVE | ON_CHECK_IN
"""For these people are told something: campaigns are for one of them, and browsers subscribe."""


def published(purpose: Purpose, version: str) -> Mapping[str, PublishedText]:
    """Return a text of now or of before in every language that it was published in.

    Raises:
        NotFound: There was none of that version.
    """
    found = {
        one.language: one for one in PUBLISHED if (one.purpose, one.version) == (purpose, version)
    }
    if not found:
        raise NotFound("consent text")
    return found
