"""What has been kept for long enough goes, a few rows at a time, and nothing else does."""

from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts import service as accounts
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import (
    Consent,
    ConsentReceipt,
    Device,
    OtherToken,
    Person,
    Purpose,
    SignIn,
)
from geoservices.campaigns.models import Decision
from geoservices.campaigns.rules import Gate, Trigger
from geoservices.checkins.models import CheckIn
from geoservices.codes.models import Code
from geoservices.database import SessionFactory, transaction
from geoservices.erasures import service as erasures
from geoservices.erasures.models import Erasure
from geoservices.letters.models import EmailAddress
from geoservices.notifications.models import Notification
from geoservices.offers.models import Redemption
from geoservices.phones.models import PhoneApp, PhoneLink
from geoservices.places.models import Place
from geoservices.places.sensitivity import SensitiveKind
from geoservices.retention import service
from geoservices.retention.queries import RULES
from geoservices.settings.privacy import RetentionSettings, StatisticsSettings
from geoservices.subscriptions.models import Subscription
from geoservices.visits.models import Transition, Visit
from tests.api.world import make_check_in, make_notification, make_redemption, make_subscription
from tests.counting import make_visit, make_visitors
from tests.factories import (
    NOON,
    make_access_token,
    make_campaign,
    make_code,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_person,
    make_phone_link,
    make_place,
)
from tests.walking import SETTINGS

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
RETENTION = RetentionSettings()


def apply(sessions: SessionFactory, at: datetime) -> dict[str, int]:
    """Delete what is over."""
    return service.apply(sessions, settings=SETTINGS, at=at)


def count(session: Session, table: type) -> int:
    """How many rows a table has."""
    return session.scalars(select(func.count()).select_from(table)).one()


def test_everything_goes_in_its_time(sessions: SessionFactory, session: Session) -> None:
    """Kept until just before, and gone just after; what goes with it as well."""
    organisation = make_organisation(session)
    place = make_place(session, organisation)
    geofence = make_geofence(session, place)
    campaign = make_campaign(
        session,
        listing := make_listing(session, place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    person = make_person(session, Purpose.CHECK_IN_CONTENT)
    device, _ = make_device(session, person)
    visit = make_visit(session, geofence, device.id, NOON - timedelta(minutes=10))
    for visit_id in (visit.id, None):
        session.add(_transition(visit, visit_id))
    check_in = make_check_in(session, device, place.id, organisation)
    make_notification(session, person, campaign, listing, check_in)
    make_subscription(session, device).ended_at = NOON
    make_code(session, place).revoked_at = NOON
    make_access_token(session, organisation)
    session.query(SignIn).update({"revoked_at": NOON})
    make_phone_link(session, device, PhoneApp.OVERLAND)[0].revoked_at = NOON
    session.commit()
    periods = {
        Visit: RETENTION.visits,
        Transition: RETENTION.visits,
        CheckIn: RETENTION.check_ins,
        Subscription: RETENTION.subscriptions,
        PhoneLink: RETENTION.phone_links,
        Notification: RETENTION.notifications,
        Decision: RETENTION.notifications,
        SignIn: RETENTION.sign_ins,
        Code: RETENTION.codes,
    }

    for period in sorted(set(periods.values())):
        assert apply(sessions, NOON + period) == {}
        expected = {table: int(lasts >= period) for table, lasts in periods.items()}
        expected[Transition] *= 2
        assert {table: count(session, table) for table in periods} == expected
        apply(sessions, NOON + period + timedelta(seconds=1))

    assert {table: count(session, table) for table in periods} == dict.fromkeys(periods, 0)


def test_open_visits_and_living_things_stay(sessions: SessionFactory, session: Session) -> None:
    """However old they are."""
    place = make_place(session, make_organisation(session))
    [device_id] = make_visitors(session, 1)
    make_subscription(session, session.get_one(Device, device_id))
    make_visit(session, make_geofence(session, place), device_id, NOON, open_=True)
    make_code(session, place)
    session.commit()

    assert apply(sessions, NOON + 5000 * DAY) == {}


def test_receipts_are_kept_as_long_as_the_consent_matters(
    sessions: SessionFactory, session: Session
) -> None:
    """Both go six years after it was withdrawn; one in force is proven for good."""
    lasting, ended = make_person(session), make_person(session)
    for person in (lasting, ended):
        make_device(session, person)[0].last_used_at = NOON + RETENTION.consents
        version = TEXTS[Purpose.NEARBY].version
        accounts.give_consent(session, person, Purpose.NEARBY, text_version=version, at=NOON)
    session.query(Consent).filter_by(person_id=ended.id).update({"withdrawn_at": NOON + 10 * DAY})
    session.commit()

    early = apply(sessions, NOON + RETENTION.consents + 9 * DAY)
    late = apply(sessions, NOON + RETENTION.consents + 11 * DAY)

    assert early == {}
    assert late == {"consents": 1, "consent_receipts": 1}
    assert session.scalars(select(ConsentReceipt.person_id)).all() == [lasting.id]


def test_devices_go_after_they_were_signed_off(sessions: SessionFactory, session: Session) -> None:
    """And the hashes of tokens that others took the place of; what counts stays, and its person."""
    person = make_person(session)
    ended, living = (make_device(session, person)[0] for _ in range(2))
    ended.revoked_at = NOON
    for mark, ended_at in ((b"1", NOON), (b"2", None)):
        token = OtherToken(
            token_hash=mark * 32, device_id=living.id, made_at=NOON, ended_at=ended_at
        )
        session.add(token)
    session.commit()

    early = apply(sessions, NOON + RETENTION.devices)
    late = apply(sessions, NOON + RETENTION.devices + SECOND)

    assert (early, late) == ({}, {"tokens": 1, "devices": 1})
    assert session.scalars(select(Device.id)).all() == [living.id]
    assert session.scalars(select(OtherToken.token_hash)).all() == [b"2" * 32]


def test_a_device_goes_behind_what_is_kept_of_it(
    sessions: SessionFactory, session: Session
) -> None:
    """A visit that has longer to stay is not taken along."""
    geofence = make_geofence(session, make_place(session, make_organisation(session)))
    person = make_person(session, organisation=make_organisation(session, "dorset"))
    device = make_device(session, person)[0]
    device.revoked_at = NOON
    make_visit(session, geofence, device.id, NOON + DAY)
    session.commit()
    gone = [apply(sessions, NOON + days * DAY) for days in (31, 40)]

    assert gone == [{}, {"visits": 1, "devices": 1}]


def test_who_does_not_use_a_device_is_signed_off_in_steps(
    sessions: SessionFactory, session: Session
) -> None:
    """Whatever shows that it is used keeps it: a token, a position, a browser that is pushed to."""
    unused, used, located, pushed_to = (
        make_device(session, make_person(session))[0] for _ in range(4)
    )
    used.last_used_at = located.followed_until = NOON + SECOND
    make_subscription(session, pushed_to)
    session.commit()
    at = NOON + RETENTION.unused_devices + SECOND

    gone = [apply(sessions, at - SECOND), apply(sessions, at), apply(sessions, at + DAY)]
    session.expire_all()
    revoked = [one.revoked_at for one in (unused, used, located, pushed_to)]

    assert gone == [{}, {"unused_devices": 1}, {"unused_devices": 2}]
    assert revoked == [at, at + DAY, at + DAY, None]
    assert apply(sessions, at + RETENTION.devices + SECOND) == {"devices": 1, "people": 1}


def test_citizens_whom_nobody_can_be_any_more_are_erased(
    sessions: SessionFactory, session: Session
) -> None:
    """Like whoever asks for it, once; not who has a device, an address, or is a member."""
    left = make_person(session, Purpose.NEARBY)
    with_device, with_address, doubtful = (make_person(session) for _ in range(3))
    member = make_person(session, organisation=make_organisation(session))
    for person in (left, with_device, with_address, doubtful, member):
        make_device(session, person)[0].revoked_at = NOON
    make_device(session, with_device)
    make_address(session, with_address, confirmed_at=NOON)
    make_address(session, doubtful, confirmed_at=None)
    session.commit()

    early = apply(sessions, NOON + RETENTION.devices)
    late = apply(sessions, NOON + RETENTION.devices + SECOND)
    again = apply(sessions, NOON + RETENTION.devices + 2 * SECOND)
    for erasure_id in session.scalars(select(Erasure.id)).all():
        erasures.carry_out(sessions, erasure_id)

    assert (early, late, again) == ({}, {"devices": 5, "people": 2}, {})
    assert set(session.scalars(select(Person.id))) == {with_device.id, with_address.id, member.id}
    assert count(session, Consent) == 0
    assert len(session.scalars(select(Erasure.mark)).all()) == 2


def test_what_held_a_message_back_is_kept_as_long_as_what_told_it(
    sessions: SessionFactory, session: Session
) -> None:
    """Or nobody could say why it was told only then; then the one goes with the other."""
    organisation = make_organisation(session)
    place = make_place(session, organisation)
    person = make_person(session, Purpose.CHECK_IN_CONTENT)
    device, _ = make_device(session, person)
    listing = make_listing(session, place)
    campaign = make_campaign(
        session, listing, trigger=Trigger.CHECKED_IN, purpose=Purpose.CHECK_IN_CONTENT
    )
    check_in = make_check_in(session, device, place.id, organisation)
    told, _ = make_notification(session, person, campaign, listing, check_in)
    first = Decision(
        **{
            column.key: getattr(told, column.key)
            for column in Decision.__table__.columns
            if column.key not in {"id", "gate", "waits_until", "check_in_id"}
        },
        gate=Gate.QUIET_HOURS,
        waits_until=told.decided_at,
    )
    session.add(first)
    session.flush()
    told.follows_id = first.id
    session.commit()

    apply(sessions, NOON + RETENTION.decisions + DAY)
    kept = count(session, Decision)
    for hour in range(2):
        apply(sessions, NOON + RETENTION.notifications + DAY + timedelta(hours=hour))

    assert kept == 2
    assert count(session, Decision) == count(session, Notification) == 0


def test_check_ins_at_sensitive_places_last_a_day(
    sessions: SessionFactory, session: Session
) -> None:
    """With what was decided and told of them."""
    organisation = make_organisation(session)
    library, clinic = (make_place(session, organisation) for _ in range(2))
    clinic.sensitive_at, clinic.sensitive_kind = NOON, SensitiveKind.CLINIC
    person = make_person(session, Purpose.CHECK_IN_CONTENT)
    device, _ = make_device(session, person)
    for place in (library, clinic):
        listing = make_listing(session, place)
        campaign = make_campaign(
            session, listing, trigger=Trigger.CHECKED_IN, purpose=Purpose.CHECK_IN_CONTENT
        )
        check_in = make_check_in(session, device, place.id, organisation)
        make_notification(session, person, campaign, listing, check_in)
    session.commit()

    apply(sessions, NOON + RETENTION.sensitive_check_ins + timedelta(seconds=1))

    assert session.scalars(select(CheckIn.place_id)).all() == [library.id]
    assert session.scalars(select(Decision.place_id)).all() == [library.id]
    assert count(session, Notification) == 1


def test_check_ins_at_a_place_that_was_sensitive_then_last_a_day(
    sessions: SessionFactory, session: Session
) -> None:
    """A school is a polling place for a day: who was there on that day is not told for 30."""
    organisation = make_organisation(session)
    then, later = (make_place(session, organisation) for _ in range(2))
    for place, from_ in ((then, NOON - DAY), (later, NOON + timedelta(hours=1))):
        place.sensitive_kind = SensitiveKind.POLLING
        place.sensitive_from, place.sensitive_until = from_, NOON + timedelta(hours=9)
    person = make_person(session, Purpose.CHECK_IN_CONTENT)
    device, _ = make_device(session, person)
    for place in (then, later):
        listing = make_listing(session, place)
        campaign = make_campaign(
            session, listing, trigger=Trigger.CHECKED_IN, purpose=Purpose.CHECK_IN_CONTENT
        )
        check_in = make_check_in(session, device, place.id, organisation)
        make_notification(session, person, campaign, listing, check_in)
    session.commit()

    apply(sessions, NOON + RETENTION.sensitive_check_ins + timedelta(seconds=1))

    assert session.scalars(select(CheckIn.place_id)).all() == [later.id]
    assert session.scalars(select(Decision.place_id)).all() == [later.id]


def test_redemptions_go_unless_they_count_towards_a_limit(
    sessions: SessionFactory, session: Session
) -> None:
    """A limit for good counts them until the offer is over; a code that was not used goes first."""
    organisation = make_organisation(session)
    place, clinic = (make_place(session, organisation) for _ in range(2))
    clinic.sensitive_at, clinic.sensitive_kind = NOON, SensitiveKind.CLINIC
    person = make_person(session, Purpose.CHECK_IN_CONTENT)
    make_device(session, person)

    def redeemed(title: str, *, at: Place = place, **terms: object) -> Redemption:
        offer = make_listing(session, at, title=title)
        for name, value in terms.items():
            setattr(offer, name, value)
        made = make_redemption(session, person, offer)
        made.redeemed_at = NOON
        return made

    limited = redeemed("Once and no more")
    kept = {
        "limited": limited,
        "over": redeemed("Over", ends_at=NOON + 20 * DAY),
        "withdrawn": redeemed("Withdrawn", withdrawn_at=NOON + 20 * DAY),
        "renewed": redeemed("Each month", per_person_renews="monthly"),
        "unlimited": redeemed("As many as you like", per_person=None),
        "sensitive": redeemed("Plasters", at=clinic),
        "unused": make_redemption(session, person, make_listing(session, place)),
    }
    session.commit()
    names = {redemption.id: name for name, redemption in kept.items()}

    def left(after: timedelta) -> set[str]:
        apply(sessions, NOON + after)
        return {names[id_] for id_ in session.scalars(select(Redemption.id))}

    assert left(DAY) == set(kept)
    assert left(2 * DAY) == set(kept) - {"sensitive", "unused"}
    assert left(RETENTION.redemptions) == set(kept) - {"sensitive", "unused"}
    assert left(RETENTION.redemptions + DAY) == {"limited", "over", "withdrawn"}
    assert left(RETENTION.redemptions + 21 * DAY) == {"limited"}
    assert left(5000 * DAY) == {"limited"}


def test_a_row_that_somebody_holds_waits_for_the_next_time(committed: SessionFactory) -> None:
    """Nobody waits for the retention, and it waits for nobody."""
    with transaction(committed) as session:
        geofence = make_geofence(session, make_place(session, make_organisation(session)))
        held, free = (make_visit(session, geofence, one, NOON) for one in make_visitors(session, 2))
    at = NOON + 40 * DAY

    with committed() as holding:
        holding.get_one(Visit, held.id, with_for_update=True)
        first = apply(committed, at)
        holding.rollback()

    assert first == {"visits": 1}
    assert free.id != held.id
    assert apply(committed, at) == {"visits": 1}


def test_more_than_a_batch_goes_in_several(
    sessions: SessionFactory, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it goes."""
    monkeypatch.setattr(service, "AT_ONCE", 2)
    geofence = make_geofence(session, make_place(session, make_organisation(session)))
    for device_id in make_visitors(session, 5):
        make_visit(session, geofence, device_id, NOON)
    session.commit()

    assert apply(sessions, NOON + 40 * DAY) == {"visits": 5}


@pytest.mark.parametrize("promise", [1, 9])
def test_no_smaller_count_is_told_than_was_promised(promise: int) -> None:
    """The consent text says ten; a setting below is refused at the start."""
    assert "10 people or more" in TEXTS[Purpose.STATISTICS].text
    with pytest.raises(ValidationError, match="greater than or equal to 10"):
        StatisticsSettings(smallest_count=promise)


def test_every_period_is_used() -> None:
    """A setting that no rule looks at would promise what nobody keeps."""
    periods = RetentionSettings.model_validate(
        {name: timedelta(days=40 + number) for number, name in enumerate(_fields())}
    )

    used = {rule.period(periods) for rule in RULES} | {periods.unused_devices}

    assert used == {getattr(periods, name) for name in _fields()}


def test_visits_are_not_deleted_before_they_are_counted() -> None:
    """Such settings are refused."""
    changed = {
        **SETTINGS.model_dump(),
        "statistics": StatisticsSettings(count_after=timedelta(days=28)),
    }

    with pytest.raises(ValidationError, match=r"retention\.visits"):
        type(SETTINGS).model_validate(changed)


def make_address(session: Session, person: Person, *, confirmed_at: datetime | None) -> None:
    """Where somebody wants to be written to."""
    session.add(
        EmailAddress(
            person_id=person.id,
            address="anna@example.org",
            digest_at=time(17),
            confirmed_at=confirmed_at,
            set_at=NOON,
        )
    )
    session.flush()


def _fields() -> list[str]:
    return sorted(RetentionSettings.model_fields)


def _transition(visit: Visit, visit_id: object) -> Transition:
    return Transition(
        id=uuid4(),
        visit_id=visit_id,
        device_id=visit.device_id,
        geofence_id=visit.geofence_id,
        place_id=visit.place_id,
        organisation_id=visit.organisation_id,
        kind="entered" if visit_id else "crossed",
        reason="clearly-inside" if visit_id else "between-two-positions",
        confidence=3,
        initial=False,
        occurred_at=NOON,
        detected_at=NOON,
    )
