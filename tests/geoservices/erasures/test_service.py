"""People erased: at once as far as they can tell, wholly soon after, and nobody else with them."""

from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geoservices import clock, outbox, pipeline
from geoservices.accounts import joining
from geoservices.accounts import queries as account_queries
from geoservices.accounts import service as accounts
from geoservices.accounts.device_tokens import authenticate_device
from geoservices.accounts.models import Device, Person, SignIn, SignInKind
from geoservices.checkins.models import CheckIn
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.erasures import queries, service
from geoservices.erasures.models import Erasure
from geoservices.erasures.service import LEASE, SignInAgain, marking_keys
from geoservices.errors import Unauthenticated
from geoservices.holdings.kinds import INVENTORY
from geoservices.holdings.service import overview
from geoservices.letters import service as letters
from geoservices.outbox import Topic
from geoservices.visits.models import Transition
from geoservices.visits.transitions import Reason, TransitionKind
from tests.api.world import World, make_world
from tests.factories import NOON, make_device, make_person
from tests.notifying import ACCEPTED, PUSH, RECEIPT_KEY
from tests.pinging import make_pings
from tests.writing import SETTINGS


@pytest.fixture
def worlds(committed: SessionFactory) -> tuple[World, World]:
    """Two people, of each of whom there is one of everything."""
    with committed() as session:
        return make_world(session), make_world(session, "dorset")


def erased(sessions: SessionFactory, person_id: UUID) -> UUID:
    """Erase somebody, and return the erasure's id."""
    with transaction(sessions) as session:
        erasure = service.ask_for(session, person_id, settings=SETTINGS, at=clock.now())
    service.carry_out(sessions, erasure.id)
    return erasure.id


def held(sessions: SessionFactory, person_id: UUID) -> dict[str, int]:
    """How much of each kind is held about somebody."""
    with transaction(sessions) as session:
        return {one.holding.kind: one.count for one in overview(session, person_id)}


def in_any_table(sessions: SessionFactory, person_id: UUID, device_id: UUID) -> list[str]:
    """The tables that have a person's id or their device's in any column."""
    found = []
    with transaction(sessions) as session:
        for holding in INVENTORY:
            for column in holding.source.columns:
                asked = f'SELECT count(*) FROM {holding.table} WHERE "{column.name}"::text'  # noqa: S608
                rows = session.execute(
                    text(f"{asked} IN (:person, :device)"),
                    {"person": str(person_id), "device": str(device_id)},
                )
                if rows.scalar_one():
                    found.append(f"{holding.table}.{column.name}")
    return found


def test_everything_goes_and_nothing_of_others(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """Of the one there is nothing left in any table, of the other all there was."""
    mine, theirs = worlds
    with transaction(committed) as session:
        make_pings(session, mine.device.id, 12_000)
        make_pings(session, theirs.device.id, 10)
    before = held(committed, theirs.person.id)
    assert sum(held(committed, mine.person.id).values()) > 12_010

    erasure_id = erased(committed, mine.person.id)

    assert set(held(committed, mine.person.id).values()) == {0}
    assert in_any_table(committed, mine.person.id, mine.device.id) == []
    assert held(committed, theirs.person.id) == before
    with transaction(committed) as session:
        over = session.get_one(Erasure, erasure_id)
    assert over.person_id is None
    assert over.done_at is not None
    assert over.rows_erased > 12_010
    assert over.mark == marking_keys(SETTINGS)[0].of(mine.person.id)


def test_nobody_comes_back_before_the_rows_have_gone(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """Neither by signing in anew, nor by a second device whose code was just being used."""
    mine, _theirs = worlds
    at = clock.now()
    with transaction(committed) as session:
        phone, _token = make_device(session, make_person(session))
        citizen = session.get_one(Person, phone.person_id)
        shown = joining.make_joining_code(session, phone, citizen, settings=SETTINGS, at=at)
    with transaction(committed) as session:
        for person_id in (mine.person.id, phone.person_id):
            service.ask_for(session, person_id, settings=SETTINGS, at=at)
        # As for whoever read this before the erasure was committed, and then waited for it.
        session.get_one(Device, phone.id).revoked_at = None

    with transaction(committed) as session, pytest.raises(Unauthenticated):
        accounts.sign_in(
            session, mine.person.id, kind=SignInKind.PASSWORD, label="", lifetime=LEASE, at=at
        )
    with transaction(committed) as session, pytest.raises(joining.JoiningCodeUnknown):
        joining.join(session, shown.code, label=None, places_only=False, settings=SETTINGS, at=at)


def test_from_the_answer_on_nothing_works(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """Tokens are refused before the first row has gone, and there is nobody to write to."""
    mine, _theirs = worlds
    with transaction(committed) as session:
        service.ask_for(session, mine.person.id, settings=SETTINGS, at=clock.now())

    with transaction(committed) as session:
        at = clock.now()
        assert authenticate_device(session, mine.token, overlap=LEASE, at=at) is None
    left = held(committed, mine.person.id)
    assert left["devices"] == 1
    assert left["email-addresses"] == 0
    with transaction(committed) as session:
        assert account_queries.purposes_of(session, [mine.person.id]) == {}


def test_what_waits_to_be_told_is_not(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """Neither a push on its way, nor a message in the outbox, nor one that is being told."""
    mine, theirs = worlds
    with transaction(committed) as session:
        transition = _came(session, mine)
        outbox.publish(session, Topic.TRANSITION_MADE, [transition.id])
        outbox.publish(session, Topic.CHECK_IN_MADE, [theirs.ids["check_in_id"]])
        session.get_one(Delivery, mine.ids["delivery_id"]).state = DeliveryState.QUEUED
        message_ids = outbox.DUE.hand_out(session, at=clock.now(), lease=LEASE, limit=9)

    erased(committed, mine.person.id)

    with transaction(committed) as session:
        subjects = session.scalars(select(outbox.OutboxMessage.subject_id)).all()
        assert subjects == [theirs.ids["check_in_id"]]
        pipeline.decide(session, message_ids, settings=SETTINGS, at=clock.now())
    with transaction(committed) as session:
        sendings = deliveries.claim(
            session,
            [mine.ids["delivery_id"]],
            push=PUSH,
            public_url=SETTINGS.public_url,
            receipt_key=RECEIPT_KEY,
            at=clock.now(),
        )
        assert sendings == []
        assert letters.claim(session, [mine.person.id], settings=SETTINGS, at=clock.now()) == []
    assert set(held(committed, mine.person.id).values()) == {0}


def test_a_push_under_way_is_settled_with_nothing(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """A worker that was sending meanwhile finds no row, and that is all."""
    mine, _theirs = worlds
    with transaction(committed) as session:
        _came(session, mine)
        delivery = session.get_one(Delivery, mine.ids["delivery_id"])
        delivery.state, delivery.expires_at = DeliveryState.QUEUED, clock.now() + timedelta(hours=1)
    with transaction(committed) as session:
        sendings = deliveries.claim(
            session,
            [mine.ids["delivery_id"]],
            push=PUSH,
            public_url=SETTINGS.public_url,
            receipt_key=RECEIPT_KEY,
            at=clock.now(),
        )
    erased(committed, mine.person.id)
    with transaction(committed) as session:
        deliveries.settle(session, [(one, ACCEPTED) for one in sendings], push=PUSH, at=clock.now())

    assert len(sendings) == 1
    assert set(held(committed, mine.person.id).values()) == {0}


def test_what_staff_scanned_stays_without_their_name(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """The check-in is the other person's."""
    mine, theirs = worlds
    with transaction(committed) as session:
        session.get_one(CheckIn, theirs.ids["check_in_id"]).scanned_by = mine.person.id

    erased(committed, mine.person.id)

    with transaction(committed) as session:
        assert session.get_one(CheckIn, theirs.ids["check_in_id"]).scanned_by is None


def test_a_worker_that_dies_is_followed_by_another(
    committed: SessionFactory, worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay hands the erasure out again after its lease, and what is left goes then."""
    mine, _theirs = worlds
    at = clock.now()
    with transaction(committed) as session:
        make_pings(session, mine.device.id, 30)
        erasure = service.ask_for(session, mine.person.id, settings=SETTINGS, at=at)
        assert queries.DUE.hand_out(session, at=at, lease=LEASE, limit=1) == [erasure.id]
    monkeypatch.setattr(service, "STEP", 10)
    real, steps = service._step, iter(range(7))

    def dying(*arguments: object) -> int | None:
        if next(steps, None) is None:
            raise RuntimeError("killed")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "_step", dying)
    with pytest.raises(RuntimeError):
        service.carry_out(committed, erasure.id)
    monkeypatch.setattr(service, "_step", real)

    with transaction(committed) as session:
        later = clock.now() + LEASE
        assert queries.DUE.hand_out(session, at=later, lease=LEASE, limit=1) == [erasure.id]
    assert service.carry_out(committed, erasure.id) is not None

    assert set(held(committed, mine.person.id).values()) == {0}
    assert service.carry_out(committed, erasure.id) is None


def test_two_workers_do_it_once(committed: SessionFactory, worlds: tuple[World, World]) -> None:
    """They pass each other's steps over, and together leave nothing."""
    mine, _theirs = worlds
    with transaction(committed) as session:
        make_pings(session, mine.device.id, 20_000)
        erasure = service.ask_for(session, mine.person.id, settings=SETTINGS, at=clock.now())

    both = [Thread(target=service.carry_out, args=(committed, erasure.id)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    service.carry_out(committed, erasure.id)

    assert set(held(committed, mine.person.id).values()) == {0}


def test_members_sign_in_just_before(session: Session) -> None:
    """A device in a pocket is not enough, nor a sign-in of this morning."""
    world = make_world(session)
    member = make_person(session, organisation=world.organisation)
    fresh, _token = accounts.sign_in(
        session,
        member.id,
        kind=SignInKind.TOKEN,
        label="test",
        lifetime=timedelta(days=1),
        at=NOON,
    )

    for sign_in, minutes in ((None, 0), (fresh, 11)):
        at = NOON + timedelta(minutes=minutes)
        with pytest.raises(SignInAgain):
            service.erase_oneself(session, member, sign_in, settings=SETTINGS, at=at)
    service.erase_oneself(session, world.person, None, settings=SETTINGS, at=NOON)
    at = NOON + timedelta(minutes=10)
    service.erase_oneself(session, member, fresh, settings=SETTINGS, at=at)
    asked = {one.person_id for one in session.scalars(select(Erasure))}
    assert {world.person.id, member.id} <= asked


def test_a_members_sign_ins_go_with_them(committed: SessionFactory) -> None:
    """Whoever belonged to an organisation is no more in it."""
    with committed() as session:
        world = make_world(session)
        member = make_person(session, organisation=world.organisation)
        make_device(session, member)
        accounts.sign_in(
            session,
            member.id,
            kind=SignInKind.TOKEN,
            label="test",
            lifetime=timedelta(days=1),
            at=NOON,
        )
        session.commit()

    erased(committed, member.id)

    with transaction(committed) as session:
        assert session.get(Person, member.id) is None
        assert session.scalars(select(SignIn.id)).all() == []
        assert session.scalars(select(Device.person_id)).all() == [world.person.id]


def test_the_list_is_forgotten_when_no_backup_is_left(
    committed: SessionFactory, worlds: tuple[World, World]
) -> None:
    """Not before, and never what is under way."""
    mine, theirs = worlds
    erased(committed, mine.person.id)
    with transaction(committed) as session:
        session.execute(text("DELETE FROM erasures WHERE key_mark = :none"), {"none": bytes(8)})
        service.ask_for(session, theirs.person.id, settings=SETTINGS, at=clock.now())

    with transaction(committed) as session:
        assert queries.forget(session, done_before=clock.now() - timedelta(minutes=1)) == 0
        assert queries.forget(session, done_before=clock.now() + timedelta(days=1)) == 1
        assert session.scalars(select(Erasure.person_id)).all() == [theirs.person.id]


def _came(session: Session, world: World) -> Transition:
    transition = Transition(
        visit_id=world.ids["visit_id"],
        device_id=world.device.id,
        geofence_id=world.ids["geofence_id"],
        place_id=world.ids["place_id"],
        organisation_id=world.organisation.id,
        kind=TransitionKind.ENTERED,
        reason=next(iter(Reason)),
        confidence=3,
        initial=False,
        occurred_at=NOON,
        detected_at=NOON,
    )
    session.add(transition)
    session.flush()
    return transition
