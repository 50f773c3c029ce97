"""What a phone itself tells, through the whole flow: believed once, in order, with consent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geoservices import pipeline, receiving
from geoservices.accounts.models import Device, Purpose
from geoservices.accounts.service import ConsentMissing
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import Gate
from geoservices.database import SessionFactory, transaction
from geoservices.geofences.live import LiveGeofences
from geoservices.geofences.models import Geofence
from geoservices.outbox import OutboxMessage
from geoservices.pings.models import Ping
from geoservices.pings.screening import Verdict
from geoservices.receiving import Heard
from geoservices.tables import all_tables
from geoservices.visits.models import Transition, Visit
from geoservices.visits.telling import Telling
from geoservices.visits.transitions import Phase, Reason
from tests.factories import (
    EXETER,
    make_campaign,
    make_device,
    make_geofence,
    make_listing,
    make_person,
    make_place,
)
from tests.walking import (
    ENTERED,
    EXITED,
    FAR,
    INSIDE,
    SETTINGS,
    World,
    make_world,
    moment,
    ping,
    subscribe,
    verdicts,
)


@pytest.fixture
def library(world: World) -> UUID:
    """The library's geofence."""
    return world.session.scalars(select(Geofence.id)).one()


def tell(world: World, *tellings: Telling, second: float | None = None) -> Heard:
    """Tell in one request, by default as the last of it happens."""
    at = max(one.at for one in tellings) if second is None else moment(second)
    return receiving.hear(
        world.session, world.device, tellings, live=world.live, settings=SETTINGS, at=at
    )


def happened(world: World) -> list[tuple[str, datetime]]:
    """The comings and goings; how long a stay must last to count as dwelling is not ours here."""
    return [one for one in world.transitions() if one[0] != "dwelled"]


def entered(geofence_id: UUID, second: float) -> Telling:
    """The phone came."""
    return Telling(kind=ENTERED, geofence_id=geofence_id, at=moment(second))


def exited(geofence_id: UUID, second: float) -> Telling:
    """The phone went."""
    return Telling(kind=EXITED, geofence_id=geofence_id, at=moment(second))


def reset(world: World) -> None:
    """Let nothing have happened yet."""
    for table in ("outbox_messages", "transitions", "visits", "pings"):
        world.session.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    world.session.execute(text("UPDATE devices SET followed_until = NULL"))
    world.session.expire_all()


def test_what_the_phone_tells_is_a_visit_and_is_announced(world: World, library: UUID) -> None:
    """Dated to when it happened, with the reason that the phone said so."""
    [came] = tell(world, entered(library, 0)).transitions
    *_stayed, went = tell(world, exited(library, 600)).transitions

    visit = world.session.scalars(select(Visit)).one()
    assert happened(world) == [("entered", moment(0)), ("exited", moment(600))]
    assert {came.change.reason, went.change.reason} == {Reason.TOLD_BY_PHONE}
    assert (came.initial, visit.told, visit.exited_at) == (True, True, moment(600))
    assert world.count(OutboxMessage) == world.count(Transition)
    assert world.count(Ping) == 0


def test_it_outranks_positions(world: World, library: UUID) -> None:
    """Positions far away do not end at once what the phone told; its own leave does."""
    tell(world, entered(library, 0))
    for second in (60, 120, 300, 600):
        world.walk(ping(second, FAR))

    assert happened(world) == [("entered", moment(0))]

    tell(world, exited(library, 660))
    assert happened(world)[-1] == ("exited", moment(660))


def test_it_joins_the_visit_that_positions_began(world: World, library: UUID) -> None:
    """Coming twice is coming once; only one visit is ever open for a geofence."""
    world.walk(ping(0, INSIDE))
    tell(world, entered(library, 30))
    tell(world, exited(library, 400))

    assert happened(world) == [("entered", moment(0)), ("exited", moment(400))]
    assert world.count(Visit) == 1


def test_told_twice_it_happens_once(world: World, library: UUID) -> None:
    """In one request, in the next one, and after the visit is long over."""
    tellings = [entered(library, 0), exited(library, 300), entered(library, 900)]
    for one in [*tellings, *tellings]:
        tell(world, one, one, second=900)
    tell(world, *tellings, *reversed(tellings), second=1000)

    assert happened(world) == [
        ("entered", moment(0)),
        ("exited", moment(300)),
        ("entered", moment(900)),
    ]
    assert world.count(OutboxMessage) == world.count(Transition)


def test_a_short_stay_told_again_stays_over(world: World, library: UUID) -> None:
    """Even where its enter is so recent that a late one would be believed."""
    tell(world, entered(library, 0))
    tell(world, exited(library, 20))

    tell(world, entered(library, 0), second=25)
    tell(world, entered(library, 20), second=25)

    assert happened(world) == [("entered", moment(0)), ("exited", moment(20))]
    assert world.count(Visit) == 1


def test_a_repetition_writes_nothing(world: World, library: UUID, statements: list[str]) -> None:
    """The row of the visit stays exactly as it was, its timer too, and is not even touched."""
    tell(world, entered(library, 0))
    before = world.session.execute(text("SELECT * FROM visits")).all()
    statements.clear()

    tell(world, entered(library, 0), second=120)

    assert [one for one in statements if not one.lstrip().startswith("SELECT")] == []
    assert world.session.execute(text("SELECT * FROM visits")).all() == before


def test_in_whatever_order_nothing_is_invented(world: World, library: UUID) -> None:
    """Each transition is one that was told; enters and exits take turns."""
    tellings = [
        entered(library, 0),
        exited(library, 300),
        entered(library, 600),
        exited(library, 900),
    ]
    whole = [(one.kind.value, one.at) for one in tellings]
    for order in permutations(tellings):
        reset(world)
        for one in order:
            tell(world, one, second=900)

        those = happened(world)
        kinds = [kind for kind, _at in those]
        assert set(those) <= set(whole)
        assert kinds == ["entered", "exited"] * (len(kinds) // 2) + ["entered"] * (len(kinds) % 2)
    reset(world)
    tell(world, *reversed(tellings))
    assert happened(world) == whole


@pytest.mark.parametrize(
    ("position_at", "happens"), [(30, True), (60, True), (61, False), (3600, False)]
)
def test_an_enter_may_be_a_little_older_than_a_position(
    world: World, library: UUID, position_at: float, *, happens: bool
) -> None:
    """A phone's region service is slow; but what is older than that is over already."""
    world.walk(ping(position_at, FAR))

    tell(world, entered(library, 0), second=position_at)

    assert (world.count(Visit) == 1) is happens


def test_a_position_from_before_is_late(world: World, library: UUID) -> None:
    """It is stored, and cannot contradict what the phone told since."""
    tell(world, entered(library, 100))

    late = verdicts(world.walk(ping(40, FAR)))

    assert late == [Verdict.LATE]
    assert world.session.scalars(select(Device.followed_until)).one() == moment(100)


def test_leaving_where_one_never_was_is_nothing(world: World, library: UUID) -> None:
    """And neither is a geofence that is watched no more, or never was one."""
    gone = make_geofence(world.session, world.place)
    gone.disabled_at = moment(0)
    world.session.flush()

    heard = tell(
        world, exited(library, 0), entered(gone.id, 0), entered(uuid4(), 0), exited(uuid4(), 0)
    )

    assert heard == Heard(transitions=[], refusals=[])
    assert world.count(Visit) == 0


@pytest.mark.parametrize(
    ("second", "code"),
    [(301, "recorded-in-the-future"), (-8 * 86400, "recorded-too-long-ago")],
)
def test_a_clock_that_cannot_be_right_is_refused(
    world: World, library: UUID, second: float, code: str
) -> None:
    """By the same limits as a ping's, and it harms no other."""
    heard = tell(world, entered(library, second), entered(library, 0), second=0)

    assert [refusal.code for refusal in heard.refusals] == [code]
    assert happened(world) == [("entered", moment(0))]


def test_without_consent_nothing_is_taken_in(world: World, library: UUID) -> None:
    """As with pings."""
    world.withdraw(Purpose.NEARBY)

    with pytest.raises(ConsentMissing):
        tell(world, entered(library, 0))

    for table in (Visit, Transition, OutboxMessage):
        assert world.count(table) == 0


@pytest.mark.parametrize(("delay", "sent"), [(60, 1), (901, 0)])
def test_only_what_is_fresh_is_pushed(world: World, library: UUID, delay: float, sent: int) -> None:
    """A transition told late is kept, and the gate of age holds its message back."""
    make_campaign(world.session, make_listing(world.session, world.place))
    subscribe(world)

    tell(world, entered(library, 0), second=delay)
    made = world.decide(delay + 1)

    decision = world.session.scalars(select(Decision)).one()
    assert len(made) == sent
    assert (decision.gate == Gate.AGE) is not bool(sent)
    assert happened(world) == [("entered", moment(0))]


def test_two_places_at_once_are_two_visits(world: World, library: UUID) -> None:
    """A café within the library has a geofence of its own."""
    cafe = make_geofence(world.session, make_place(world.session, world.organisation), at=EXETER)

    tell(world, entered(library, 0), entered(cafe.id, 0))
    tell(world, exited(cafe.id, 300))

    visits = {visit.geofence_id: visit for visit in world.session.scalars(select(Visit))}
    assert visits[library].phase == Phase.INSIDE
    assert visits[cafe.id].phase == Phase.ENDED


def test_the_same_telling_at_the_same_time_makes_one_visit(committed: SessionFactory) -> None:
    """A phone that tries again while its first try is still under way."""
    with transaction(committed) as session:
        world = make_world(session)
        library = session.scalars(select(Geofence.id)).one()
        device_id = world.device.id
    together, live = Barrier(4), LiveGeofences()

    def tell_once() -> None:
        together.wait()
        with transaction(committed) as session:
            device = session.get_one(Device, device_id)
            receiving.hear(
                session,
                device,
                [entered(library, 0)],
                live=live,
                settings=SETTINGS,
                at=moment(1),
            )

    threads = [Thread(target=tell_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with committed() as session:
        assert len(session.scalars(select(Visit)).all()) == 1
        assert len(session.scalars(select(Transition)).all()) == 1


def test_a_device_of_places_only_leaves_no_position_anywhere(world: World, library: UUID) -> None:
    """Its visits are there; of where it was, nothing is in any column of any table."""
    pipeline.share_places_only(world.session, world.device, on=True, at=moment(45))

    judged = world.walk(ping(0, 0.00012345), ping(10, FAR), ping(9000, 0.0), ping(20, 0.0))
    tell(world, entered(library, 30), second=30)

    assert verdicts(judged) == [Verdict.NOT_KEPT] * 4
    assert judged.transitions == []
    assert happened(world) == [("entered", moment(30))]
    assert "50.72452345" not in dump(world.session)
    assert world.count(Ping) == 0


def test_switching_to_places_only_deletes_what_there_is(world: World) -> None:
    """Positions and when the device was last seen; its visits stay, and so do others' positions."""
    other = device_of_another(world)
    for device in (world.device, other):
        world.walk(ping(0, 0.00012345), device=device)

    pipeline.share_places_only(world.session, world.device, on=True, at=moment(45))

    assert world.session.scalars(select(Ping.device_id)).all() == [other.id]
    known = select(Device.id).where(Device.fix_lon.is_not(None))
    assert world.session.scalars(known).all() == [other.id]
    assert world.count(Visit) == 2

    pipeline.share_places_only(world.session, world.device, on=False, at=moment(50))
    assert verdicts(world.walk(ping(60, INSIDE))) == [Verdict.ACCEPTED]


def test_a_switch_is_seen_by_whoever_waits_for_it(committed: SessionFactory) -> None:
    """A ping that came in just before stores nothing once the switch is thrown."""
    with transaction(committed) as session:
        world = make_world(session)
        device_id = world.device.id
    stored: list[Sequence[Verdict]] = []

    def send() -> None:
        with transaction(committed) as session:
            device = session.get_one(Device, device_id)
            before.wait()
            intake = receiving.take_in_from(
                session,
                device,
                [ping(0, INSIDE)],
                live=LiveGeofences(),
                settings=SETTINGS,
                at=moment(0) + timedelta(seconds=1),
            )
            stored.append(verdicts(intake))

    before = Barrier(2)
    sender = Thread(target=send)
    with transaction(committed) as session:
        pipeline.share_places_only(
            session, session.get_one(Device, device_id), on=True, at=moment(0)
        )
        session.flush()
        sender.start()
        before.wait()
    sender.join()

    assert stored == [[Verdict.NOT_KEPT]]
    with committed() as session:
        assert session.scalars(select(Ping)).all() == []


def device_of_another(world: World) -> Device:
    """Another citizen's phone at the same library."""
    return make_device(world.session, make_person(world.session, Purpose.NEARBY))[0]


def dump(session: Session) -> str:
    """Everything that stands in any table, as text."""
    session.flush()
    return "\n".join(
        str(session.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608
        for table in sorted(all_tables().tables)
    )
