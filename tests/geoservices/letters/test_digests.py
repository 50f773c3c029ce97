"""Digests made once a day, of what is worth telling and was not told."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Purpose
from geoservices.channels import service as channels
from geoservices.channels.service import Choice
from geoservices.database import SessionFactory, transaction
from geoservices.letters import digests
from geoservices.letters.models import DigestItem, Letter, LetterKind
from geoservices.notifications.inbox import Change, change, mark_read
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from tests.writing import A_DAY, FIVE, World, make_world, mentioned, moment


def items(session: Session) -> set[object]:
    """The notifications that are in any digest."""
    return set(session.scalars(select(DigestItem.notification_id)))


def test_a_digest_is_made_at_the_person_s_hour(world: World) -> None:
    """Of everything that is unread, in one letter, the newest first."""
    given = world.confirm()
    made = [world.tell(minute=minute) for minute in (1, 2, 3)]

    too_early = world.make(FIVE - timedelta(seconds=1))
    [letter] = world.make(FIVE)
    [posting] = world.claim(letter, at=FIVE)

    assert too_early == []
    assert (letter.kind, letter.day, letter.created_at) == (LetterKind.DIGEST, FIVE.date(), FIVE)
    assert items(world.session) == {one.id for one in made}
    assert given.digest_due_at == FIVE + A_DAY
    assert posting.mail.subject == "You have 3 unread messages"
    places = [posting.mail.text.index(str(one.id)) for one in made]
    assert places == sorted(places, reverse=True)


def test_there_is_no_empty_digest(world: World) -> None:
    """And what comes later that day waits for the next day's hour."""
    given = world.confirm()
    nothing = world.make(FIVE)
    world.tell(minute=310)
    later = world.make(FIVE + timedelta(hours=2))

    [letter] = world.make(FIVE + A_DAY)

    assert (nothing, later) == ([], [])
    assert letter.day == (FIVE + A_DAY).date()
    assert given.digest_due_at == FIVE + 2 * A_DAY


def test_there_is_one_a_day_whatever_the_hour_is_changed_to(world: World) -> None:
    """What comes meanwhile is told the day after, and nothing is told twice."""
    world.confirm()
    world.tell(minute=1)
    [first] = world.make(FIVE)
    world.set_address(digest_at=time(18), minute=301)
    second = world.tell(minute=302)

    same_day = world.make(FIVE + timedelta(hours=1))
    [next_day] = world.make(FIVE + A_DAY + timedelta(hours=1))
    [posting] = world.claim(next_day, at=next_day.created_at)

    assert same_day == []
    assert first.day != next_day.day
    assert mentioned(posting, second)
    assert len(items(world.session)) == 2


def test_made_twice_it_is_made_once(world: World) -> None:
    """A beat that comes twice, or late."""
    world.confirm()
    world.tell()

    assert [len(world.make(FIVE + timedelta(minutes=late))) for late in (0, 0, 1, 7)] == [
        1,
        0,
        0,
        0,
    ]


Spoil = Callable[[World, Notification], object]


def _change(wanted: Change) -> Spoil:
    return lambda world, one: change(
        world.session, one.id, wanted, person_id=world.person.id, at=moment(9)
    )


def _set(table: str, **values: object) -> Spoil:
    def apply(world: World, _one: Notification) -> None:
        for name, value in values.items():
            setattr(getattr(world.told, table), name, value)
        world.session.flush()

    return apply


def _choose(*, email: bool) -> Spoil:
    return lambda world, _one: channels.choose(
        world.session, world.person, Choice(purpose=Purpose.NEARBY, email=email)
    )


NOT_WORTH_TELLING = [
    pytest.param(_change(Change(read=True)), id="read"),
    pytest.param(_change(Change(archived=True)), id="archived"),
    pytest.param(_change(Change(snoozed_until=FIVE + A_DAY)), id="snoozed"),
    pytest.param(
        lambda world, one: mark_read(world.session, [one.id], at=moment(9)),
        id="clicked as a push",
    ),
    pytest.param(_set("listing", ends_at=FIVE), id="over"),
    pytest.param(_set("listing", withdrawn_at=moment(9)), id="withdrawn"),
    pytest.param(_set("campaign", ended_at=moment(9)), id="its campaign has ended"),
    pytest.param(_set("person", disabled_at=moment(9)), id="they are let in nowhere"),
    pytest.param(_choose(email=False), id="no e-mail for the purpose"),
    pytest.param(
        lambda world, _one: accounts.end_consent(
            world.session, world.person.id, Purpose.NEARBY, at=moment(9)
        ),
        id="consent withdrawn",
    ),
    pytest.param(
        lambda world, _one: setattr(
            world.session.get_one(Place, world.told.listing.place_id), "sensitive_kind", "clinic"
        ),
        id="its place is sensitive",
    ),
]


@pytest.mark.parametrize("spoil", NOT_WORTH_TELLING)
def test_what_is_not_worth_telling_is_left_out(world: World, spoil: Spoil) -> None:
    """Of two, where it is about one; else there is no digest."""
    world.confirm()
    spoilt = world.tell(minute=1)

    spoil(world, spoilt)

    assert world.make(FIVE) == []
    assert items(world.session) == set()


@pytest.mark.parametrize("spoil", NOT_WORTH_TELLING)
def test_what_changes_before_a_digest_leaves_is_left_out(world: World, spoil: Spoil) -> None:
    """With nothing left the digest is dropped."""
    world.confirm()
    one = world.tell(minute=1)
    [letter] = world.make(FIVE)

    spoil(world, one)

    assert world.claim(letter, at=FIVE) == []
    assert (letter.state, letter.reason) == ("dropped", "nothing was left to tell")


def test_the_others_are_told(world: World) -> None:
    """One of two was read before the digest left."""
    world.confirm()
    read, unread = world.tell(minute=1), world.tell(minute=2)
    [letter] = world.make(FIVE)
    mark_read(world.session, [read.id], at=FIVE)

    [posting] = world.claim(letter, at=FIVE)

    assert (mentioned(posting, read), mentioned(posting, unread)) == (False, True)
    assert posting.mail.subject == "You have 1 unread message"


def test_what_came_back_from_a_snooze_is_told(world: World) -> None:
    """Though it was read before."""
    world.confirm()
    one = world.tell(minute=1)
    wanted = Change(read=True, snoozed_until=moment(200))
    change(world.session, one.id, wanted, person_id=world.person.id, at=moment(9))

    [letter] = world.make(FIVE)
    [posting] = world.claim(letter, at=FIVE)

    assert mentioned(posting, one)


def test_what_a_push_no_longer_shows_is_still_told(world: World) -> None:
    """A notification's time is for screens; a listing that goes on can be read of at night."""
    world.confirm()
    one = world.tell(minute=1)

    [letter] = world.make(FIVE + timedelta(hours=12))

    assert one.expires_at < letter.created_at


def test_what_is_unread_for_a_week_is_told_no_more(world: World) -> None:
    """Somebody who switches e-mail on is not told of last year."""
    world.tell(minute=1)
    world.confirm(minute=8 * 1440)

    assert world.make(FIVE + 8 * A_DAY) == []


def test_a_long_list_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are told, and the rest the day after."""
    monkeypatch.setattr(digests, "MOST_ITEMS", 2)
    world.confirm()
    oldest, middle, newest = (world.tell(minute=minute) for minute in (1, 2, 3))

    world.make(FIVE)
    first = items(world.session)
    world.make(FIVE + A_DAY)

    assert first == {newest.id, middle.id}
    assert items(world.session) - first == {oldest.id}


def test_many_people_take_a_handful_of_statements(world: World, statements: list[str]) -> None:
    """However many they are."""
    counts = []
    for day, count in ((0, 1), (1, 8)):
        for number in range(count):
            person = world.citizen()
            world.confirm(f"p{day}-{number}@example.org", person=person, minute=1440 * day)
            world.tell(person, minute=1440 * day + 1)
        before = len(statements)
        digests.make_due(world.session, at=FIVE + day * A_DAY, limit=100)
        world.session.flush()
        counts.append(len(statements) - before)

    assert counts[1] <= counts[0] + 1
    assert counts[1] <= 8


def test_people_are_looked_at_batch_by_batch(world: World) -> None:
    """The longest due first, each once."""
    for number, hour in enumerate((16, 15, 17)):
        person = world.citizen()
        world.confirm(f"p{number}@example.org", person=person, digest_at=time(hour))
        world.tell(person, minute=1)

    looked_at = [digests.make_due(world.session, at=FIVE, limit=2) for _ in range(3)]

    assert looked_at == [(2, 2), (1, 1), (0, 0)]


def test_each_clock_is_its_person_s(world: World) -> None:
    """Five in the afternoon in Honolulu and in Auckland are half a day apart."""
    due = {}
    for number, zone in enumerate(("Pacific/Honolulu", "Europe/London", "Pacific/Auckland")):
        person = world.citizen()
        person.time_zone = zone
        due[zone] = world.confirm(f"p{number}@example.org", person=person).digest_due_at

    assert due == {
        "Pacific/Auckland": FIVE + timedelta(hours=11),
        "Europe/London": FIVE,
        "Pacific/Honolulu": FIVE + timedelta(hours=10),
    }


def test_two_beats_at_once_make_one_digest(committed: SessionFactory) -> None:
    """The second passes over what the first is looking at."""
    with transaction(committed) as session:
        world = make_world(session)
        world.confirm()
        world.tell()
    with committed() as first, committed() as second:
        one = digests.make_due(first, at=FIVE, limit=10)
        other = digests.make_due(second, at=FIVE, limit=10)
        first.commit()
        second.commit()
    with transaction(committed) as session:
        made = session.scalars(select(Letter).where(Letter.kind == LetterKind.DIGEST)).all()

    assert (one, other) == ((1, 1), (0, 0))
    assert len(made) == 1
