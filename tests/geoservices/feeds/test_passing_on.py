"""A feed whose events are listed here, and fetched from here by another organisation."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import icalendar
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import attending, clock
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.agendas.service import agenda_of_place
from geoservices.agendas.writing import write_agenda
from geoservices.events.models import Event
from geoservices.feeds.models import Feed, FeedRun
from geoservices.places.models import Place
from tests.factories import NOON, make_organisation, make_place, may
from tests.feeding import Site, event, serving
from tests.geoservices.feeds.conftest import make_feed

HOUR = timedelta(hours=1)
WEEKLY = "RRULE:FREQ=WEEKLY;UNTIL=20260501"


@pytest.fixture
def passed_on() -> Iterator[Site]:
    """The server that has our calendar."""
    with serving() as site:
        yield site


@pytest.fixture
def other(session: Session, passed_on: Site) -> Feed:
    """The feed of Torbay, which takes Devon's events."""
    torbay = make_organisation(session, "torbay")
    return make_feed(session, torbay, passed_on, place_id=make_place(session, torbay).id)


def moved(run: FeedRun) -> dict[str, int]:
    """How many events met each effect, without those that none met."""
    return {effect: count for effect, count in run.counts.items() if count}


def first_of(text: bytes) -> Any:
    """The first event of a calendar."""
    calendar: Any = icalendar.Calendar.from_ical(text)
    return calendar.events[0]


def test_whatever_becomes_of_an_event_is_followed_by_who_fetches_it_from_here(
    session: Session,
    organisation: Organisation,
    place: Place,
    feed: Feed,
    site: Site,
    other: Feed,
    passed_on: Site,
    run: Callable[..., FeedRun],
    now: Callable[[datetime], None],
) -> None:
    """New, changed, called off once, withdrawn and back: each copy is known to be the newest."""
    copies: list[bytes] = []

    def fetch(*lines: str, title: str = "Chess") -> dict[str, int]:
        """An hour later, with what the first feed says then."""
        now(clock.now() + HOUR)
        site.tell(event("1", WEEKLY, *lines, title=title))
        run(feed)
        return pass_on()

    def pass_on() -> dict[str, int]:
        agenda = agenda_of_place(session, place.id, at=clock.now())
        copies.append(write_agenda(agenda.entries, name="x"))
        passed_on.body = copies[-1]
        return moved(run(other))

    def theirs() -> Event:
        return session.scalars(
            select(Event).where(Event.organisation_id == other.organisation_id)
        ).one()

    assert fetch() == {"added": 1}
    assert fetch() == {"unchanged": 1}
    assert fetch(title="Chess club") == {"changed": 1}
    assert theirs().title == "Chess club"

    ours = session.scalars(select(Event).where(Event.organisation_id == organisation.id)).one()
    second = ours.starts_at + timedelta(weeks=1)
    grant = may(organisation, Right.LISTINGS_WRITE)
    for _ in range(2):
        attending.cancel(session, ours.id, second, reason="Snow", grant=grant, at=clock.now())
    # The occurrence itself is one that they had never heard of.
    assert pass_on() == {"changed": 1, "over": 1}
    assert theirs().excluded == [second]

    assert fetch("STATUS:CANCELLED", title="Chess club") == {"withdrawn": 1}
    assert theirs().withdrawn_at == clock.now()
    assert fetch(title="Chess club") == {"restored": 1, "over": 1}
    assert theirs().withdrawn_at is None

    told = [first_of(copy) for copy in copies]
    assert [one["SEQUENCE"] for one in told] == [0, 0, 1, 2, 3, 4]
    hours = [1, 1, 3, 3, 4, 5]
    assert [one["LAST-MODIFIED"].dt for one in told] == [NOON + hour * HOUR for hour in hours]
    # What some cache kept is passed over, however late it comes, and in whatever order.
    for old in (copies[4], copies[2]):
        passed_on.body = old
        assert moved(run(other)) == {"unchanged": 1}
