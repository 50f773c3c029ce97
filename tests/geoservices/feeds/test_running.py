"""Feeds fetched from a real server, and their events kept as listings."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import attending, clock
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation, Purpose
from geoservices.database import SessionFactory
from geoservices.events.models import Event, SigningUp
from geoservices.feeds import queries, running, service
from geoservices.feeds.answers import FeedKind
from geoservices.feeds.models import Feed, FeedEvent, FeedRun, RunState
from geoservices.listings import service as listings
from geoservices.places.models import Place
from tests.api.world import make_subscription
from tests.factories import (
    NOON,
    make_device,
    make_listing,
    make_organisation,
    make_person,
    make_place,
    may,
    share_place,
)
from tests.feeding import Site, event
from tests.geoservices.feeds.conftest import FETCHER, make_feed
from tests.notifying import pushed

Run = Callable[..., FeedRun]
DAY = timedelta(days=1)


def events(session: Session) -> dict[str, Event]:
    """What there is, by title."""
    return {one.title: one for one in session.scalars(select(Event))}


def moved(run: FeedRun) -> dict[str, int]:
    """How many events met each effect, without those that none met."""
    return {effect: count for effect, count in run.counts.items() if count}


def test_new_events_are_published(
    session: Session, feed: Feed, place: Place, site: Site, run: Run
) -> None:
    """Series with their rule; what is broken is a fault, and harms no other."""
    site.tell(
        event("1"),
        event("2", "RRULE:FREQ=WEEKLY;COUNT=4", "DESCRIPTION:Bring\\, a friend", title="Chess"),
        "UID:3\nDTSTART:nonsense",
        event("4", day=1, title="Over"),
    )

    done = run(feed)

    assert (done.state, done.reason, moved(done)) == (RunState.DONE, None, {"added": 2, "over": 1})
    assert [(fault["line"], fault["uid"]) for fault in done.faults] == [(19, "3"), (21, "3")]
    told = events(session)
    assert set(told) == {"Story time", "Chess"}
    once, chess = told["Story time"], told["Chess"]
    assert (once.place_id, once.withdrawn_at) == (place.id, None)
    assert once.starts_at == datetime(2026, 3, 20, 10, tzinfo=UTC)
    assert once.ends_at == datetime(2026, 3, 20, 11, tzinfo=UTC)
    assert chess.rule == "FREQ=WEEKLY;COUNT=4"
    assert chess.text == "Bring, a friend"
    # Clocks have gone forward by then.
    assert chess.ends_at == datetime(2026, 4, 10, 10, tzinfo=UTC)
    assert [one["title"] for one in done.changes] == ["Story time", "Chess"]


def test_twice_is_as_good_as_once(
    session: Session, feed: Feed, site: Site, run: Run, now: Callable[[datetime], None]
) -> None:
    """Nothing is written to a listing that is told of again, whatever its stamp says."""
    site.tell(event("1", "DTSTAMP:20260301T000000Z"), event("2", "RRULE:FREQ=DAILY", title="Chess"))
    run(feed)
    before = {one.id: one.created_at for one in events(session).values()}
    site.tell(event("1", "DTSTAMP:20260303T000000Z"), event("2", "RRULE:FREQ=DAILY", title="Chess"))
    now(NOON + timedelta(hours=1))

    done = run(feed)

    assert moved(done) == {"unchanged": 2}
    assert {one.id: one.created_at for one in events(session).values()} == before


def test_what_changes_is_changed(session: Session, feed: Feed, site: Site, run: Run) -> None:
    """Moved, renamed; what a manager said besides stays."""
    site.tell(event("1"), event("2", title="Chess"))
    run(feed)
    chess = events(session)["Chess"]
    chess.evidence_needed = "near"
    site.tell(event("1", "SEQUENCE:1", day=21), event("2", title="Chess club"))

    done = run(feed)

    assert moved(done) == {"changed": 2}
    told = events(session)
    assert told["Story time"].starts_at == datetime(2026, 3, 21, 10, tzinfo=UTC)
    assert told["Chess club"].id == chess.id
    assert told["Chess club"].evidence_needed == "near"


def test_what_is_called_off_is_withdrawn_and_may_come_back(
    session: Session, feed: Feed, site: Site, run: Run
) -> None:
    """By its status, or by being in the feed no more."""
    three = [event(str(n), title=f"E{n}") for n in range(3)]
    site.tell(*three)
    run(feed)
    site.tell(event("0", "STATUS:CANCELLED", "SEQUENCE:1", title="E0"), three[1])

    gone = run(feed)

    assert moved(gone) == {"withdrawn": 2, "unchanged": 1}
    told = events(session)
    assert [told[f"E{n}"].withdrawn_at for n in range(3)] == [NOON, None, NOON]
    site.tell(*three)
    back = run(feed)
    assert moved(back) == {"restored": 2, "unchanged": 1}
    assert all(one.withdrawn_at is None for one in events(session).values())


@pytest.mark.parametrize("how", ["called off", "feed deleted"])
def test_who_signed_up_for_what_a_feed_ends_is_told_by_push(
    session: Session, feed: Feed, site: Site, run: Run, how: str
) -> None:
    """As when a manager withdraws it."""
    site.tell(event("1"))
    run(feed)
    [listing] = events(session).values()
    listing.sign_up = SigningUp.OPEN
    phone = make_device(session, make_person(session, Purpose.CHECK_IN_CONTENT))[0]
    make_subscription(session, phone)
    attending.sign_up(
        session,
        listing.id,
        listing.starts_at,
        person_id=phone.person_id,
        sign_up_id=None,
        at=NOON,
    )

    if how == "called off":
        site.tell(event("1", "STATUS:CANCELLED", "SEQUENCE:1"))
        assert moved(run(feed)) == {"withdrawn": 1}
    else:
        service.delete_feed(session, feed, at=NOON)

    assert [title for title, _body in pushed(session, at=NOON)] == ["Story time is cancelled"]


def test_what_a_manager_withdraws_stays_withdrawn(
    session: Session, feed: Feed, organisation: Organisation, site: Site, run: Run
) -> None:
    """However often the feed tells of it, changed or not."""
    site.tell(event("1"))
    run(feed)
    grant = may(organisation, Right.LISTINGS_WRITE)
    [listing] = events(session).values()
    listings.withdraw_listing(session, listing.id, grant=grant, at=NOON)
    site.tell(event("1", "SEQUENCE:2", title="Story time, moved"))

    done = run(feed)

    assert moved(done) == {"left": 1}
    [listing] = events(session).values()
    assert (listing.title, listing.withdrawn_at) == ("Story time", NOON)


def test_an_empty_feed_is_not_believed_at_once(
    feed: Feed, site: Site, run: Run, now: Callable[[datetime], None]
) -> None:
    """Nothing is withdrawn until it has been so for a day, or a manager says so."""
    site.tell(*(event(str(n), title=f"E{n}") for n in range(4)))
    run(feed)
    site.tell()

    held = run(feed)
    assert moved(held) == {"held": 4}
    assert feed.thin_since == NOON
    now(NOON + DAY / 2)
    assert moved(run(feed)) == {"held": 4}
    now(NOON + DAY)
    assert moved(run(feed)) == {"withdrawn": 4}
    assert feed.thin_since is None


def test_a_manager_may_believe_it(feed: Feed, site: Site, run: Run) -> None:
    """Then it is withdrawn at once."""
    site.tell(event("1"))
    run(feed)
    site.tell()
    run(feed)

    assert moved(run(feed, believed=True)) == {"withdrawn": 1}


def test_a_feed_that_is_cut_short_takes_nothing_away(feed: Feed, site: Site, run: Run) -> None:
    """What it still says is taken."""
    site.tell(*(event(str(n), title=f"E{n}") for n in range(4)))
    run(feed)
    site.body = site.body[: site.body.index(b"UID:2")].replace(b"E0", b"E zero")

    done = run(feed)

    assert moved(done) == {"changed": 1, "unchanged": 1, "held": 2}
    assert "has no END" in done.faults[0]["what"]


def test_a_preview_changes_nothing(session: Session, feed: Feed, site: Site, run: Run) -> None:
    """It says what a run would."""
    site.tell(event("1"), event("2", title="Chess"))
    run(feed)
    site.tell(event("1", day=22), event("3", title="Knitting"))

    done = run(feed, preview=True)

    assert moved(done) == {"added": 1, "changed": 1, "withdrawn": 1}
    assert {one["title"] for one in done.changes} == {"Story time", "Chess", "Knitting"}
    told = events(session)
    assert set(told) == {"Story time", "Chess"}
    assert told["Story time"].starts_at.day == 20
    assert told["Chess"].withdrawn_at is None


def test_what_has_not_changed_is_not_fetched_again(feed: Feed, site: Site, run: Run) -> None:
    """The server is asked with the ETag that it gave."""
    site.tell(event("1"))
    site.etag = '"v1"'
    run(feed)

    done = run(feed)

    assert [one.get("if-none-match") for one in site.asked] == [None, '"v1"']
    assert (done.state, done.not_modified, done.counts) == (RunState.DONE, True, {})
    assert run(feed, preview=True).not_modified is False


def test_events_of_several_places(
    session: Session, organisation: Organisation, place: Place, site: Site, run: Run
) -> None:
    """Each is at the place its location names; who names none is left out."""
    other = make_place(session, organisation, name="Crediton Library")
    dorset = make_place(session, make_organisation(session, "dorset"), name="Poole Library")
    shared = make_place(session, make_organisation(session, "torbay"), name="Torquay Library")
    share_place(session, shared, organisation)
    feed = make_feed(session, organisation, site)
    at = "LOCATION:{}".format
    lines = [
        event(str(n), title=f"E{n}").replace(at("Exeter Library"), at(name))
        for n, name in enumerate(
            [
                "Exeter Library",
                "Crediton Library\\, Belle Parade",
                "Poole Library",
                "Torquay Library",
                "The park",
            ]
        )
    ]
    site.tell(*lines)

    done = run(feed)

    assert {title: one.place_id for title, one in events(session).items()} == {
        "E0": place.id,
        "E1": other.id,
        "E3": shared.id,
    }
    assert [fault["uid"] for fault in done.faults] == ["2", "4"]
    assert dorset.id not in {one.place_id for one in events(session).values()}


def test_what_can_be_placed_no_more_stays(
    session: Session, organisation: Organisation, place: Place, site: Site, run: Run
) -> None:
    """A place renamed, another of its name, or times that went wrong call nothing off."""
    feed = make_feed(session, organisation, site)
    site.tell(*(event(str(n), title=f"E{n}") for n in range(3)))
    run(feed)
    other = make_place(session, organisation)
    assert (other.name, other.postcode) == (place.name, place.postcode)

    doubled = run(feed)

    assert moved(doubled) == {"held": 3}
    assert {fault["uid"] for fault in doubled.faults} == {"0", "1", "2"}
    assert "Several places are called Exeter Library" in doubled.faults[0]["what"]
    assert feed.thin_since is None
    other.name = "Crediton Library"
    site.tell(
        event("0", title="E0").replace("202603", "190003"),
        event("1", "STATUS:CANCELLED", title="E1").replace("Exeter Library", "Nowhere"),
        event("2", title="E2"),
    )
    done = run(feed)
    assert moved(done) == {"held": 1, "withdrawn": 1, "unchanged": 1}
    assert [fault["uid"] for fault in done.faults] == ["0", "1"]
    told = events(session)
    assert [told[f"E{n}"].withdrawn_at for n in range(3)] == [None, NOON, None]


def test_linked_data(
    session: Session, organisation: Organisation, place: Place, site: Site, run: Run
) -> None:
    """From a page."""
    feed = make_feed(session, organisation, site, place_id=place.id, kind=FeedKind.SCHEMA_ORG)
    site.content_type = "text/html"
    site.body = (
        b'<script type="application/ld+json">{"@type": "Event", "name": "Lego", "@id": "x",'
        b'"startDate": "2026-03-20T10:00", "endDate": "2026-03-20T11:00"}</script>'
    )

    assert moved(run(feed)) == {"added": 1}
    assert events(session)["Lego"].starts_at == datetime(2026, 3, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"status": 404}, "status-404"),
        ({"status": 301, "location": "http://127.0.0.1:1/"}, "moved"),
        ({"status": 500}, "status-500"),
        ({"content_type": "text/html"}, "wrong-content-type"),
        ({"body": b"<html>Not found</html>"}, "not-a-calendar"),
        ({"body": b"x" * 200_000}, "answer-too-long"),
        ({"pause_s": 3.0}, "timeout"),
    ],
)
def test_failures(
    feed: Feed,
    site: Site,
    run: Run,
    now: Callable[[datetime], None],
    said: dict[str, object],
    reason: str,
) -> None:
    """The feed says since when it fails, and is let rest for longer each time."""
    site.tell(event("1"))
    for name, value in said.items():
        setattr(site, name, value)

    done = run(feed)

    assert (done.state, done.reason) == (RunState.FAILED, reason)
    assert (feed.failing_since, feed.failure_count) == (NOON, 1)
    assert feed.due_at == NOON + timedelta(hours=2)
    if reason == "timeout":
        return
    now(NOON + timedelta(hours=2))
    run(feed)
    assert (feed.failing_since, feed.failure_count) == (NOON, 2)
    assert feed.due_at == NOON + timedelta(hours=6)
    site.status, site.content_type = 200, "text/calendar"
    site.tell(event("1"))
    run(feed)
    assert (feed.failing_since, feed.failure_count, feed.fetched_at) == (None, 0, clock.now())


def test_a_feed_with_too_much_in_it_changes_nothing(
    session: Session, feed: Feed, site: Site, run: Run
) -> None:
    """What it had said before stays; its owner is told why, and it is let rest."""
    site.tell(event("1"))
    run(feed)
    site.tell(*(event(str(number), "RRULE:FREQ=DAILY;COUNT=10000") for number in range(2, 20)))

    done = run(feed)

    assert (done.state, done.reason, done.counts) == (RunState.FAILED, "too-much-in-it", {})
    assert (feed.failing_since, feed.failure_count) == (NOON, 1)
    assert feed.due_at == NOON + timedelta(hours=2)
    assert [one.withdrawn_at for one in events(session).values()] == [None]


def test_addresses_within_are_not_called(feed: Feed, run: Run) -> None:
    """Neither those of organisations' own networks, nor of clouds' metadata."""
    for host in ("10.0.0.1", "169.254.169.254", "[fd00::1]", "192.168.1.1"):
        feed.url = f"https://{host}/events.ics"
        assert run(feed).reason == "address-refused"


def test_another_worker_has_it(
    session: Session,
    feed: Feed,
    sessions: SessionFactory,
    site: Site,
    now: Callable[[datetime], None],
) -> None:
    """A feed is run by one at a time; one whose worker died is taken again after the lease."""
    feed.leased_until = NOON + timedelta(minutes=5)
    session.commit()

    assert running.run(sessions, FETCHER, feed.id) is None
    now(NOON + timedelta(minutes=5))
    site.tell(event("1"))
    assert running.run(sessions, FETCHER, feed.id) is not None


def test_a_run_that_workers_die_of_is_given_up(
    session: Session,
    feed: Feed,
    sessions: SessionFactory,
    site: Site,
    now: Callable[[datetime], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has failed by our fault, and the feed rests for as long as after any other failure."""
    site.tell(event("1"))
    at = NOON
    with monkeypatch.context() as dying:
        dying.setattr(running, "_finish", lambda *_args, **_rest: None)
        for _ in range(running.MOST_ATTEMPTS):
            running.run(sessions, FETCHER, feed.id)
            at += running.LEASE
            now(at)

    assert running.run(sessions, FETCHER, feed.id) is None

    session.expire_all()
    [run] = session.scalars(select(FeedRun))
    assert (run.state, run.reason, run.attempt_count) == (RunState.FAILED, "fault-of-ours", 3)
    assert (feed.failing_since, feed.leased_until) == (at, None)
    assert feed.due_at == at + 2 * feed.interval
    now(feed.due_at)
    done = running.run(sessions, FETCHER, feed.id)
    assert done is not None
    assert (done.state, moved(done)) == (RunState.DONE, {"added": 1})


def test_feeds_that_rest_take_nobodys_turn(session: Session, feed: Feed) -> None:
    """However many are due soon, those that are not being fetched leave room for all others."""
    told = {column.key: getattr(feed, column.key) for column in Feed.__table__.columns}
    soon, most = NOON + timedelta(minutes=1), queries.DUE.at_once
    for number in range(2 * most):
        other = told | {"id": uuid4(), "url": f"{feed.url}{number}", "due_at": soon}
        session.add(Feed(**other))
    session.flush()

    def hand_out(at: datetime, *, limit: int = 1) -> list[UUID]:
        return queries.DUE.hand_out(session, at=at, lease=running.LEASE, limit=limit)

    assert hand_out(NOON) == [feed.id]
    rest = hand_out(soon, limit=most - 1)
    assert (len(rest), hand_out(soon)) == (most - 1, [])
    queries.DUE.put_back(session, rest, at=soon)
    assert len(hand_out(soon, limit=most - 1)) == most - 1


def test_what_is_due_is_handed_out(session: Session, feed: Feed, site: Site, run: Run) -> None:
    """At once when it is new or asked for, then after its interval; not while it is paused."""
    lease = running.LEASE
    site.tell(event("1"))

    assert queries.DUE.hand_out(session, at=NOON, lease=lease, limit=9) == [feed.id]
    run(feed)
    assert queries.DUE.hand_out(session, at=NOON, lease=lease, limit=9) == []
    service.ask_for_run(session, feed, preview=False, believed=False, at=NOON)
    with pytest.raises(service.RunWaiting):
        service.ask_for_run(session, feed, preview=False, believed=False, at=NOON)
    assert queries.DUE.hand_out(session, at=NOON, lease=lease, limit=9) == [feed.id]
    feed.due_at, feed.paused = NOON, True
    session.flush()
    assert queries.DUE.hand_out(session, at=NOON, lease=lease, limit=9) == []


def test_a_place_that_is_shared_no_more(
    session: Session, site: Site, run: Run, organisation: Organisation
) -> None:
    """The feed fails, and says why."""
    torbay = make_organisation(session, "torbay")
    place = make_place(session, torbay)
    share = share_place(session, place, organisation)
    feed = make_feed(session, organisation, site, place_id=place.id)
    share.ended_at = NOON
    site.tell(event("1"))

    assert run(feed).reason == "place-not-yours"
    assert events(session) == {}


def test_deleting_a_feed_withdraws_its_events(
    session: Session, feed: Feed, place: Place, site: Site, run: Run
) -> None:
    """Those that are not over, and no other's."""
    other = make_listing(session, place)
    site.tell(event("1"), event("2", day=6, title="Chess"))
    run(feed)
    at = NOON + 3 * DAY

    service.delete_feed(session, feed, at=at)
    session.commit()

    told = events(session)
    assert (told["Story time"].withdrawn_at, told["Chess"].withdrawn_at) == (at, None)
    assert other.withdrawn_at is None
    assert session.scalars(select(FeedEvent)).all() == []
    assert session.scalars(select(FeedRun)).all() == []


def test_the_last_runs_are_kept(session: Session, feed: Feed, site: Site, run: Run) -> None:
    """Fifty, with the newest."""
    site.tell(event("1"))
    session.add_all(
        FeedRun(
            organisation_id=feed.organisation_id,
            feed_id=feed.id,
            state=RunState.DONE,
            asked_at=NOON - n * DAY,
            ended_at=NOON - n * DAY,
        )
        for n in range(1, 60)
    )

    done = run(feed)

    rows = queries.runs_of(session, feed.id, after=None, limit=100)
    assert len(rows) == running.RUNS_KEPT
    assert rows[0].id == done.id


def test_what_no_database_can_hold_harms_nobody(
    session: Session, feed: Feed, site: Site, run: Run
) -> None:
    """Characters that are none, in words and in faults; rules of which nothing is left."""
    site.tell(event("1\x00", "DURATION:\x00x", title="Story\x00 time"), event("2", "RRULE:\x00"))
    rule = "RRULE:FREQ=DAILY;COUNT=2\nEXDATE;TZID=Europe/London:20260320T100000,20260321T100000"
    site.body = site.body.replace(b"END:VCALENDAR", b"") + (
        f"BEGIN:VEVENT\n{event('3', rule, title='Never')}\nEND:VEVENT\nEND:VCALENDAR\n".encode()
    )

    done = run(feed)

    assert (done.state, moved(done)) == (RunState.DONE, {"added": 2})
    assert "all of its occurrences are excluded" in str(done.faults)
    feed.kind = FeedKind.SCHEMA_ORG
    site.content_type = "application/json"
    site.body = (
        rb'{"@type": "Event", "@id": "\ud800", "name": "\ud800\u0000x", "startDate": "2026-03-20"}'
    )
    assert run(feed).counts["added"] == 1
    assert "?x" in events(session)


def test_bytes_that_are_not_utf_8(session: Session, feed: Feed, site: Site, run: Run) -> None:
    """Are read as what they are said to be, or as Windows wrote them, with a fault."""
    site.tell(event("1", title="Café"))
    site.body = site.body.decode().encode("cp1252")
    site.content_type = "text/calendar"

    done = run(feed)

    assert "Café" in events(session)
    assert done.faults[0]["what"] == "It is not UTF-8; it was read as cp1252."
    assert done.faults[0]["line"] == 5
