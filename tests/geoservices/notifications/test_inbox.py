"""What people do with their notifications, and where these are then found."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, inspect, text

from geoservices.errors import NotFound
from geoservices.notifications import inbox, queries
from geoservices.notifications.folders import Folder, SnoozeRefused
from geoservices.notifications.inbox import Change
from geoservices.notifications.models import Notification
from tests.factories import make_person
from tests.notifying import World, moment
from tests.planning import as_owner

LATER = moment(3600)


def told(world: World, count: int = 1) -> list[Notification]:
    """Tell the person of something so many times, a second apart."""
    made = []
    for second in range(count):
        made += world.tell(world.decision(), second=second)
    return made


def change(
    world: World, notification: Notification, wanted: Change, *, at: datetime
) -> Notification:
    """Have the person change one of theirs."""
    return inbox.change(world.session, notification.id, wanted, person_id=world.person.id, at=at)


def within(world: World, folder: Folder, at: datetime) -> list[UUID]:
    """What is in a folder."""
    found = queries.notifications_of(
        world.session, world.person.id, folder=folder, at=at, after=None, limit=99
    )
    return [one.id for one in found]


def unread(world: World, at: datetime) -> int:
    """How many are unread."""
    return queries.count_unread(world.session, world.person.id, at=at)


def test_each_folder_has_its_own(world: World) -> None:
    """Each notification is in the inbox, snoozed or in the archive, and all of them in `all`."""
    plain, snoozed, archived, both = told(world, 4)
    change(world, snoozed, Change(snoozed_until=LATER), at=moment(10))
    change(world, archived, Change(archived=True), at=moment(10))
    change(world, both, Change(archived=True, snoozed_until=LATER), at=moment(10))

    folders = {folder: set(within(world, folder, moment(11))) for folder in Folder}

    assert folders == {
        Folder.INBOX: {plain.id},
        Folder.SNOOZED: {snoozed.id},
        Folder.ARCHIVE: {archived.id, both.id},
        Folder.ALL: {plain.id, snoozed.id, archived.id, both.id},
    }


def test_a_snoozed_one_comes_back_by_itself_and_unread(world: World) -> None:
    """At its very moment, as the newest, though it was read before."""
    first, second = told(world, 2)
    change(world, first, Change(read=True, snoozed_until=LATER), at=moment(10))
    change(world, second, Change(read=True), at=moment(10))
    just_before = LATER - timedelta(microseconds=1)

    assert within(world, Folder.INBOX, just_before) == [second.id]
    assert unread(world, just_before) == 0
    assert within(world, Folder.INBOX, LATER) == [first.id, second.id]
    assert within(world, Folder.SNOOZED, LATER) == []
    assert unread(world, LATER) == 1


def test_what_came_back_is_read_again(world: World) -> None:
    """By the person, with all others, or by a click on the push of before."""
    made = told(world, 3)
    for one in made:
        change(world, one, Change(read=True, snoozed_until=LATER), at=moment(10))
    after = LATER + timedelta(seconds=1)

    change(world, made[0], Change(read=True), at=after)
    one_read = unread(world, after)
    inbox.mark_read(world.session, [made[1].id, uuid4()], at=after)
    two_read = unread(world, after)
    queries.mark_all_read(world.session, world.person.id, at=after)

    assert (one_read, two_read, unread(world, after)) == (2, 1, 0)


def test_put_back_it_lies_where_it_lay(world: World) -> None:
    """With what was read staying read."""
    first, second = told(world, 2)
    change(world, first, Change(read=True, snoozed_until=LATER), at=moment(10))

    change(world, first, Change(snoozed_until=None), at=moment(20))

    assert within(world, Folder.INBOX, moment(20)) == [second.id, first.id]
    assert unread(world, moment(20)) == 1


def test_doing_it_again_changes_nothing(world: World) -> None:
    """The first time counts, also of a snooze that is over by now."""
    [one] = told(world)
    wanted = Change(read=True, archived=True, snoozed_until=LATER)
    change(world, one, wanted, at=moment(10))

    change(world, one, wanted, at=moment(20))
    first = (one.read_at, one.archived_at)
    change(world, one, Change(snoozed_until=LATER), at=LATER + timedelta(days=1))

    assert first == (moment(10), moment(10))
    assert one.snoozed_until == LATER


def test_what_is_left_out_stays(world: World) -> None:
    """Each by itself, back and forth."""
    [one] = told(world)
    change(world, one, Change(read=True), at=moment(10))
    change(world, one, Change(archived=True), at=moment(11))
    change(world, one, Change(archived=False), at=moment(12))
    kept = (one.read_at, one.archived_at, one.snoozed_until)
    change(world, one, Change(read=False), at=moment(13))

    assert kept == (moment(10), None, None)
    assert one.read_at is None


def test_only_ones_own_is_changed(world: World) -> None:
    """Someone else's looks like what is not there."""
    [one] = told(world)

    with pytest.raises(NotFound):
        inbox.change(
            world.session,
            one.id,
            Change(read=True),
            person_id=make_person(world.session).id,
            at=moment(10),
        )

    assert one.read_at is None


def test_a_snooze_in_the_past_changes_nothing(world: World) -> None:
    """Nor does anything else that was asked for with it."""
    [one] = told(world)

    with pytest.raises(SnoozeRefused):
        change(world, one, Change(read=True, snoozed_until=moment(9)), at=moment(10))

    assert (one.read_at, one.snoozed_until) == (None, None)


def test_reading_all_reaches_the_inbox_alone(world: World) -> None:
    """Not what is snoozed or archived, nor anybody else's."""
    plain, snoozed, archived = told(world, 3)
    other = make_person(world.session)
    [theirs] = world.tell(world.decision(other))
    change(world, snoozed, Change(snoozed_until=LATER), at=moment(10))
    change(world, archived, Change(archived=True), at=moment(10))

    queries.mark_all_read(world.session, world.person.id, at=moment(11))
    world.session.expire_all()

    assert plain.read_at == moment(11)
    assert [one.read_at for one in (snoozed, archived, theirs)] == [None] * 3


def test_a_click_marks_as_read_and_keeps_the_first_time(world: World) -> None:
    """Also what is archived or snoozed; a snoozed one comes back all the same."""
    plain, read, snoozed = told(world, 3)
    change(world, read, Change(read=True), at=moment(10))
    change(world, snoozed, Change(snoozed_until=LATER), at=moment(10))

    inbox.mark_read(world.session, [one.id for one in (plain, read, snoozed)], at=moment(20))
    inbox.mark_read(world.session, [], at=moment(30))
    world.session.expire_all()

    assert [one.read_at for one in (plain, read, snoozed)] == [moment(20), moment(10), moment(20)]
    assert unread(world, LATER) == 1


def test_folders_are_paged_through(world: World) -> None:
    """Newest first, nothing twice, also where some came back."""
    made = told(world, 5)
    change(world, made[1], Change(snoozed_until=LATER), at=moment(10))
    expected = [made[1], *(one for one in reversed(made) if one is not made[1])]
    found: list[UUID] = []
    after: tuple[datetime, UUID] | None = None
    while True:
        page = queries.notifications_of(
            world.session, world.person.id, folder=Folder.INBOX, at=LATER, after=after, limit=2
        )
        found += [one.id for one in page]
        if len(page) < 2:
            break
        after = (page[-1].surfaced_at, page[-1].id)

    assert found == [one.id for one in expected]


@pytest.mark.parametrize(
    ("folder", "index"),
    [
        (Folder.INBOX, "ix_notifications_inbox"),
        (Folder.SNOOZED, "ix_notifications_inbox"),
        (Folder.ARCHIVE, "ix_notifications_archive"),
        (Folder.ALL, "ix_notifications_person"),
    ],
)
def test_each_folder_is_found_by_its_index(world: World, folder: Folder, index: str) -> None:
    """In order, so that a page costs as much as it is long, whatever lies before and behind."""
    for one in told(world, 60)[:30]:
        change(world, one, Change(archived=True), at=moment(100))
    world.session.flush()
    connection = world.session.connection()
    # Which of several would do is a matter of statistics, which tests before this one leave behind.
    with as_owner(connection):
        for other in inspect(connection).get_indexes("notifications"):
            if other["name"] != index and not other.get("duplicates_constraint"):
                connection.execute(text(f"DROP INDEX {other['name']}"))
    for planner in ("enable_seqscan", "enable_sort", "enable_incremental_sort"):
        connection.execute(text(f"SET LOCAL {planner} = off"))
    plan: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan.extend(line for (line,) in cursor.fetchall())

    event.listen(connection, "before_cursor_execute", explain)
    within(world, folder, moment(10))
    event.remove(connection, "before_cursor_execute", explain)

    assert any(index in line for line in plan)
    assert not any("Sort" in line for line in plan)
