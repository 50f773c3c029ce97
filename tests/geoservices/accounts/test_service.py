"""Who is who, what they carry, and what they agree to."""

from dataclasses import replace
from datetime import time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geoservices import revoking
from geoservices.access.rights import Role
from geoservices.accounts import issuing, queries, service
from geoservices.accounts.consents import ON_CHECK_IN, PASSIVE, TEXTS
from geoservices.accounts.device_tokens import authenticate_device
from geoservices.accounts.issuing import NameNotUnique
from geoservices.accounts.models import (
    Consent,
    Device,
    Person,
    Purpose,
    SignIn,
)
from geoservices.accounts.service import (
    ConsentMissing,
    ConsentTextChanged,
    TimeZoneUnknown,
)
from geoservices.agendas import service as agendas
from geoservices.errors import Forbidden, NotFound, Unauthenticated
from geoservices.revoking import Revoked
from tests.factories import NOON, make_device, make_organisation, make_person

VERSION = TEXTS[Purpose.NEARBY].version


def register(session: Session, member: Person | None = None) -> tuple[Device, str]:
    """Register a phone in London."""
    return service.register_device(
        session, member=member, label="phone", time_zone="Europe/London", at=NOON
    )


def known(session: Session, token: str) -> tuple[Device, Person] | None:
    """Whose token it is."""
    return authenticate_device(session, token, overlap=timedelta(0), at=NOON)


def test_a_new_device_makes_an_anonymous_citizen(session: Session) -> None:
    """No name, no organisation; the token is stored only as a hash."""
    device, token = register(session)

    person = session.get_one(Person, device.person_id)
    assert (person.role, person.name, person.organisation_id) == (Role.CITIZEN, None, None)
    assert token.encode() not in device.token_hash
    assert known(session, token) == (device, person)


def test_two_devices_of_nobody_are_two_citizens(session: Session) -> None:
    """Nothing ties them together."""
    one, _ = register(session)
    two, _ = register(session)

    assert one.person_id != two.person_id


def test_a_members_device_is_theirs(session: Session) -> None:
    """No further person is made."""
    member = make_person(session, organisation=make_organisation(session))

    device, _ = register(session, member)

    assert device.person_id == member.id
    assert len(session.scalars(select(Person)).all()) == 1


def test_a_device_in_no_time_zone_is_refused(session: Session) -> None:
    """Before anything is stored."""
    with pytest.raises(TimeZoneUnknown) as refusal:
        service.register_device(
            session, member=None, label=None, time_zone="Europe/Exeter", at=NOON
        )

    assert refusal.value.field == "/time_zone"
    assert session.scalars(select(Person)).all() == []


def test_a_revoked_device_is_unknown_at_once(session: Session) -> None:
    """So is a token that was never given out."""
    device, token = register(session)

    service.revoke_device(device, at=NOON)
    session.flush()

    assert known(session, token) is None
    assert known(session, "gsd_guess") is None


@pytest.mark.parametrize(
    ("after", "valid"),
    [
        pytest.param(timedelta(days=29), True, id="before it expires"),
        pytest.param(timedelta(days=30), False, id="when it expires"),
    ],
)
def test_an_access_token_lets_a_member_in_until_it_expires(
    session: Session, after: timedelta, *, valid: bool
) -> None:
    """It is shown once and stored as a hash."""
    organisation = make_organisation(session)
    token = issuing.issue_access_token(
        session, "devon", role=Role.MANAGER, name="Ann", lifetime=timedelta(days=30), at=NOON
    )

    signed_in = service.authenticate_member(session, token, at=NOON + after)

    assert (signed_in is not None) is valid
    if signed_in:
        _sign_in, member = signed_in
        assert (member.role, member.organisation_id) == (Role.MANAGER, organisation.id)
        assert member.time_zone == organisation.time_zone


def test_a_revoked_access_token_lets_nobody_in(session: Session) -> None:
    """Whoever lost it tells us, and it is worthless."""
    make_organisation(session)
    token = issuing.issue_access_token(
        session, "devon", role=Role.STAFF, name="Ann", lifetime=timedelta(days=30), at=NOON
    )

    session.flush()
    session.execute(update(SignIn).values(revoked_at=NOON))

    assert service.authenticate_member(session, token, at=NOON) is None


def test_access_tokens_are_for_members_of_organisations_that_exist(session: Session) -> None:
    """A citizen's device makes its own token."""
    make_organisation(session)

    with pytest.raises(NotFound):
        issuing.issue_access_token(
            session, "torbay", role=Role.STAFF, name="Ann", lifetime=timedelta(1), at=NOON
        )
    with pytest.raises(Forbidden):
        issuing.issue_access_token(
            session, "devon", role=Role.CITIZEN, name="Ann", lifetime=timedelta(1), at=NOON
        )


def test_a_member_who_is_known_gets_another_token_and_no_double(session: Session) -> None:
    """By name or e-mail address, whatever its case; no role needs to be told."""
    make_organisation(session)

    def issue(name: str, role: Role | None = None) -> Person:
        token = issuing.issue_access_token(
            session, "devon", role=role, name=name, lifetime=timedelta(1), at=NOON
        )
        signed_in = service.authenticate_member(session, token, at=NOON)
        assert signed_in is not None
        return signed_in[1]

    ann = issue("Ann", Role.STAFF)
    ann.email = "ann@example.org"
    session.flush()

    assert [issue("Ann"), issue("Ann", Role.STAFF), issue("Ann@Example.org")] == [ann] * 3
    with pytest.raises(NotFound):
        issue("Anne")
    with pytest.raises(Forbidden):
        issue("Ann", Role.ADMIN)
    assert ann.role == Role.STAFF


def test_of_several_with_one_name_the_address_tells(session: Session) -> None:
    """Nobody gets somebody else's token by being called the same."""
    organisation = make_organisation(session)
    for address in ("ann@example.org", None):
        person = make_person(session, organisation=organisation)
        person.name, person.email = "Ann", address
    session.flush()

    def issue(name: str) -> str:
        return issuing.issue_access_token(
            session, "devon", role=None, name=name, lifetime=timedelta(1), at=NOON
        )

    with pytest.raises(NameNotUnique):
        issue("Ann")
    assert issue("ann@example.org")


def test_who_is_disabled_gets_no_token(session: Session) -> None:
    """Not on the server either."""
    person = make_person(session, organisation=make_organisation(session))
    person.name, person.disabled_at = "Ann", NOON
    session.flush()

    with pytest.raises(Unauthenticated):
        issuing.issue_access_token(
            session, "devon", role=None, name="Ann", lifetime=timedelta(1), at=NOON
        )


def test_an_organisation_is_made_once(session: Session) -> None:
    """The second time it is left as it is."""
    first, made = service.ensure_organisation(
        session, "devon", name="Devon", time_zone="Europe/London", at=NOON
    )
    second, made_again = service.ensure_organisation(
        session, "devon", name="Other", time_zone="Europe/Paris", at=NOON
    )

    assert (made, made_again) == (True, False)
    assert second is first
    assert first.name == "Devon"


def test_agreeing_twice_keeps_the_first_record(session: Session) -> None:
    """One consent in force for a purpose, with the version that was shown."""
    person = make_person(session)

    first = service.give_consent(session, person, Purpose.NEARBY, text_version=VERSION, at=NOON)
    second = service.give_consent(
        session, person, Purpose.NEARBY, text_version=VERSION, at=NOON + timedelta(days=1)
    )

    assert second.id == first.id
    assert (second.given_at, second.text_version) == (NOON, VERSION)


def test_agreeing_after_a_withdrawal_is_a_record_of_its_own(session: Session) -> None:
    """The history shows both."""
    person = make_person(session)
    for day in (0, 2):
        service.give_consent(
            session, person, Purpose.NEARBY, text_version=VERSION, at=NOON + timedelta(days=day)
        )
        if day == 0:
            ended = queries.end_consent(
                session, person.id, Purpose.NEARBY, at=NOON + timedelta(days=1)
            )

    assert ended
    assert len(session.scalars(select(Consent)).all()) == 2
    assert [one.given_at for one in queries.consents_in_force(session, person.id)] == [
        NOON + timedelta(days=2)
    ]


def test_withdrawing_what_was_never_given_ends_nothing(session: Session) -> None:
    """And says so."""
    person = make_person(session, Purpose.NEARBY)

    assert not queries.end_consent(session, person.id, Purpose.CHECK_IN_CONTENT, at=NOON)
    assert queries.end_consent(session, person.id, Purpose.NEARBY, at=NOON)
    assert not queries.end_consent(session, person.id, Purpose.NEARBY, at=NOON)


def test_agreeing_to_renewed_words_takes_the_place_of_the_older_consent(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no moment without one, and the history shows both; other purposes stay."""
    person = make_person(session)
    for purpose in (Purpose.NEARBY, Purpose.CHECK_IN_CONTENT):
        asked = TEXTS[purpose].version
        service.give_consent(session, person, purpose, text_version=asked, at=NOON)
    later = NOON + timedelta(days=1)
    renewed = {**TEXTS, Purpose.NEARBY: replace(TEXTS[Purpose.NEARBY], version="next")}
    monkeypatch.setattr(service, "TEXTS", renewed)

    given = service.give_consent(session, person, Purpose.NEARBY, text_version="next", at=later)

    assert (given.text_version, given.given_at) == ("next", later)
    history = session.execute(
        select(Consent.purpose, Consent.text_version, Consent.withdrawn_at)
    ).all()
    assert sorted(history, key=str) == sorted(
        [
            (Purpose.NEARBY, VERSION, later),
            (Purpose.NEARBY, "next", None),
            (Purpose.CHECK_IN_CONTENT, TEXTS[Purpose.CHECK_IN_CONTENT].version, None),
        ],
        key=str,
    )


def test_a_member_who_leaves_loses_every_token_and_device(session: Session) -> None:
    """All made in that name; nobody else's, and nobody's of that name elsewhere."""
    make_organisation(session)
    make_organisation(session, "dorset")

    def issue(slug: str, name: str) -> str:
        return issuing.issue_access_token(
            session, slug, role=Role.STAFF, name=name, lifetime=timedelta(days=30), at=NOON
        )

    leaving = [issue("devon", "Ann"), issue("devon", "Ann")]
    staying = [issue("devon", "Ben"), issue("dorset", "Ann")]
    phones = []
    for token in leaving + staying:
        signed_in = service.authenticate_member(session, token, at=NOON)
        assert signed_in is not None
        phones.append(register(session, signed_in[1])[1])

    people = [issuing.members_called(session, "devon", name)[0] for name in ("Ann", "Ben")]
    gone, stays = [agendas.make_link(session, person.id, at=NOON) for person in people]

    revoked = [revoking.revoke_member(session, "devon", name="Ann", at=NOON) for _ in range(2)]

    assert revoked == [
        Revoked(sign_ins=2, devices=2, calendars=1),
        Revoked(sign_ins=0, devices=0, calendars=0),
    ]
    assert [
        service.authenticate_member(session, token, at=NOON) is None for token in leaving + staying
    ] == [True, True, False, False]
    assert [known(session, token) is None for token in phones] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(Unauthenticated):
        agendas.agenda_of_person(session, gone, at=NOON)
    assert agendas.agenda_of_person(session, stays, at=NOON).entries == []


@pytest.mark.parametrize(("slug", "name"), [("devon", "Nobody"), ("nowhere", "Ann")])
def test_whoever_is_not_there_cannot_be_revoked(session: Session, slug: str, name: str) -> None:
    """A slip in the name must not pass for done."""
    make_organisation(session)

    with pytest.raises(NotFound):
        revoking.revoke_member(session, slug, name=name, at=NOON)


def test_an_outdated_text_is_no_consent(session: Session) -> None:
    """The person must see the present one; the refusal names its version."""
    person = make_person(session)

    with pytest.raises(ConsentTextChanged) as refusal:
        service.give_consent(session, person, Purpose.NEARBY, text_version="2020-01", at=NOON)

    assert refusal.value.extra() == {"text_version": VERSION}
    assert queries.consents_in_force(session, person.id) == []


def test_a_citizen_cannot_agree_to_what_is_for_staff(session: Session) -> None:
    """Staff can."""
    citizen = make_person(session)
    member = make_person(session, organisation=make_organisation(session))
    version = TEXTS[Purpose.STAFF_TASKS].version

    with pytest.raises(Forbidden):
        service.give_consent(session, citizen, Purpose.STAFF_TASKS, text_version=version, at=NOON)
    given = service.give_consent(
        session, member, Purpose.STAFF_TASKS, text_version=version, at=NOON
    )

    assert given.purpose == Purpose.STAFF_TASKS


@pytest.mark.parametrize(
    ("purposes", "passive", "on_check_in"),
    [
        pytest.param([], False, False, id="nothing"),
        pytest.param([Purpose.NEARBY], True, False, id="what is nearby"),
        pytest.param([Purpose.CHECK_IN_CONTENT], False, True, id="what is on at a check-in"),
        pytest.param([Purpose.STAFF_TASKS], True, True, id="tasks at work"),
    ],
)
def test_each_purpose_allows_what_it_says(
    session: Session, purposes: list[Purpose], *, passive: bool, on_check_in: bool
) -> None:
    """Any one of the purposes asked for is enough; no other is."""
    person = make_person(session, *purposes)

    for wanted, allowed in ((PASSIVE, passive), (ON_CHECK_IN, on_check_in)):
        if allowed:
            service.require_consent(session, person.id, wanted)
        else:
            with pytest.raises(ConsentMissing) as refusal:
                service.require_consent(session, person.id, wanted)
            assert refusal.value.extra() == {"purposes": sorted(wanted)}


def test_purposes_are_read_for_many_people_at_once(session: Session) -> None:
    """Those who agree to nothing are left out."""
    one = make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT)
    two = make_person(session)

    found = queries.purposes_of(session, [one.id, two.id])

    assert found == {one.id: frozenset({Purpose.NEARBY, Purpose.CHECK_IN_CONTENT})}


def test_every_purpose_has_a_text_for_someone() -> None:
    """Whoever may agree can read what to."""
    assert set(TEXTS) == set(Purpose)
    assert all(text.version and text.text and text.roles for text in TEXTS.values())


def test_preferences_are_set_in_a_zone_that_exists(session: Session) -> None:
    """Quiet hours are the person's own; no hours means none."""
    person = make_person(session)

    service.set_preferences(
        person,
        time_zone="Asia/Tokyo",
        quiet_from=time(22),
        quiet_until=time(7),
        language="cy-GB",
    )
    session.flush()
    with pytest.raises(TimeZoneUnknown):
        service.set_preferences(
            person, time_zone="Mars", quiet_from=None, quiet_until=None, language=None
        )

    assert person.language == "cy-GB"
    assert (person.time_zone, person.quiet_from, person.quiet_until) == (
        "Asia/Tokyo",
        time(22),
        time(7),
    )


@pytest.mark.parametrize(
    "name",
    [
        "localtime",
        "posixrules",
        "Factory",
        "posix/UTC",
        "zone.tab",
        "europe/london",
        "",
        ".",
        "..",
        "../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "Europe",
        "x" * 5000,
        "é",
    ],
)
def test_a_name_that_is_no_zone_is_refused_and_never_opened(name: str) -> None:
    """Paths, directories and nonsense alike; the refusal repeats little of it."""
    with pytest.raises(TimeZoneUnknown) as refusal:
        service.check_time_zone(name)

    assert len(str(refusal.value)) < 400


def test_devices_lead_to_their_people(session: Session) -> None:
    """Revoked ones count: what is known of them must be found to be deleted."""
    person = make_person(session)
    devices = [make_device(session, person)[0] for _ in range(2)]
    service.revoke_device(devices[0], at=NOON)
    session.flush()
    ids: list[UUID] = [device.id for device in devices]

    assert sorted(queries.device_ids_of(session, person.id)) == sorted(ids)
    assert queries.people_of_devices(session, ids) == dict.fromkeys(ids, person)
