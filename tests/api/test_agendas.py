"""Calendars that other programs fetch, and the link to one's own."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import icalendar
import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Person
from geoservices.agendas.models import CalendarLink
from geoservices.clock import now
from geoservices.places.models import Place
from tests.factories import make_organisation, make_place
from tests.geoservices.agendas.test_service import DAY, make_event, make_occurrence, sign_up


@pytest.fixture
def place(session: Session) -> Place:
    """A library with story time tomorrow."""
    place = make_place(session, make_organisation(session, "torbay"))
    at = now().replace(microsecond=0) + DAY
    make_event(session, place, starts_at=at, ends_at=at + DAY / 24)
    session.commit()
    return place


def events_in(text: bytes) -> list[icalendar.Event]:
    """The events of a calendar."""
    calendar = icalendar.Calendar.from_ical(text)
    assert isinstance(calendar, icalendar.Calendar)
    return calendar.events


def test_a_place_s_calendar_is_public(anyone: Client, session: Session, place: Place) -> None:
    """Fetched again it is only sent if it is otherwise than before."""
    path = f"/v1/places/{place.id}/events.ics"

    answer = anyone.get(path)

    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    [event] = events_in(answer.content)
    assert str(event["SUMMARY"]) == "Story time"
    etag = answer.headers["ETag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        again = anyone.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    make_event(session, place, starts_at=now() + 2 * DAY, ends_at=now() + 3 * DAY)
    session.commit()
    changed = anyone.get(path, headers={"If-None-Match": etag})
    assert (changed.status_code, len(events_in(changed.content))) == (200, 2)


def test_one_event_is_added_to_a_calendar(anyone: Client, place: Place) -> None:
    """Its UID is the one it has in the place's calendar."""
    [listed] = events_in(anyone.get(f"/v1/places/{place.id}/events.ics").content)

    answer = anyone.get(f"/v1/events/{listed['UID']}/event.ics")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="event.ics"'
    [event] = events_in(answer.content)
    assert event.to_ical() == listed.to_ical()


def test_a_place_s_linked_data(anyone: Client, place: Place) -> None:
    """As JSON-LD."""
    answer = anyone.get(f"/v1/places/{place.id}/events.jsonld")

    assert answer.headers["Content-Type"] == "application/ld+json"
    [event] = answer.json()["@graph"]
    assert (event["@type"], event["name"]) == ("Event", "Story time")
    assert event["location"]["name"] == "Exeter Library"
    known = {"If-None-Match": answer.headers["ETag"]}
    assert anyone.get(f"/v1/places/{place.id}/events.jsonld", headers=known).status_code == 304


@pytest.mark.parametrize(
    "path", ["/v1/places/{}/events.ics", "/v1/places/{}/events.jsonld", "/v1/events/{}/event.ics"]
)
def test_what_is_not_there(anyone: Client, path: str) -> None:
    """Is not found."""
    assert anyone.get(path.format(uuid4())).status_code == 404


def test_a_link_to_ones_own_calendar(
    anyone: Client,
    citizen: Client,
    stranger: Client,
    session: Session,
    place: Place,
    logged: Callable[[], str],
) -> None:
    """It shows what its owner signed up for, to whoever knows it, and is written down nowhere."""
    assert citizen.get("/v1/me/calendar-link").status_code == 404
    made = citizen.post("/v1/me/calendar-link")
    assert made.status_code == 201
    link = urlsplit(made.json()["url"])
    [token] = parse_qs(link.query)["token"]
    path = f"{link.path}?{link.query}"
    owner = session.get_one(Person, session.scalars(select(CalendarLink.person_id)).one())
    at = now().replace(microsecond=0) + DAY
    event = make_event(session, place, title="Chess", starts_at=at, ends_at=at + DAY / 24)
    sign_up(session, make_occurrence(session, event, at), owner)
    session.commit()

    answer = anyone.get(path)

    assert [str(one["SUMMARY"]) for one in events_in(answer.content)] == ["Chess"]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    known = {"If-None-Match": answer.headers["ETag"]}
    assert anyone.get(path, headers=known).status_code == 304
    assert citizen.get("/v1/me/calendar-link").json() == {"made_at": made.json()["made_at"]}
    assert stranger.get("/v1/me/calendar-link").status_code == 404
    assert stranger.delete("/v1/me/calendar-link").status_code == 204
    assert anyone.get(path).status_code == 200
    assert citizen.delete("/v1/me/calendar-link").status_code == 204
    refused = anyone.get(path)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    assert token not in logged()
    assert token not in refused.text


def test_without_a_link_there_is_no_calendar(anyone: Client) -> None:
    """Whatever is guessed."""
    assert anyone.get("/v1/me/calendar.ics").status_code == 422
    for guess in ("", "gsc_", "gsc_" + "A" * 43, "x" * 100):
        assert anyone.get("/v1/me/calendar.ics", params={"token": guess}).status_code == 401
