"""What a session may see is said once, holds for its transaction, and is given back."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Person
from geoservices.database import DatabaseRole, SessionFactory, make_engine, transaction
from geoservices.scopes import confine, confined_sessions, everywhere, is_confined, open_wide
from tests.factories import make_organisation, make_person

WHO_ASKS = """
SELECT current_user, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = current_user
"""
UNGUARDED_PARTS = """
SELECT count(*) FROM pg_inherits WHERE inhparent = 'pings'::regclass
AND has_table_privilege('geoservices_caller', inhrelid, 'SELECT')
"""


@pytest.fixture
def devon(session: Session) -> Organisation:
    """An organisation."""
    organisation = make_organisation(session)
    session.commit()
    return organisation


@pytest.fixture
def member(session: Session, devon: Organisation) -> UUID:
    """A member of it, beside a citizen and a member of another one."""
    made = make_person(session, organisation=devon)
    make_person(session)
    make_person(session, organisation=make_organisation(session, "dorset"))
    session.commit()
    return made.id


@pytest.fixture
def requests(database_url: str) -> Iterator[SessionFactory]:
    """Sessions as the API makes them, on connections of their own."""
    engine = make_engine(database_url, role=DatabaseRole.CALLER, pool_size=1)
    yield confined_sessions(engine)
    engine.dispose()


def people(session: Session) -> set[UUID]:
    """Whoever a query without any condition finds."""
    return set(session.scalars(select(Person.id)))


@pytest.mark.parametrize("role", [DatabaseRole.CALLER, DatabaseRole.SERVICE])
def test_the_service_asks_as_nobody_who_bypasses_policies(
    database_url: str, role: DatabaseRole
) -> None:
    """Whoever logs in, neither requests nor workers are superusers."""
    engine = make_engine(database_url, role=role)

    with engine.connect() as connection:
        who = connection.execute(text(WHO_ASKS)).one()
        parts = connection.scalar(text(UNGUARDED_PARTS))

    engine.dispose()
    assert tuple(who) == (role, False, False, False)
    assert parts == 0


def test_a_request_begins_with_nothing(requests: SessionFactory, session: Session) -> None:
    """On a connection that somebody's request has used before, too."""
    with transaction(requests) as first:
        open_wide(first)
        assert not is_confined(first)
    with transaction(requests) as second:
        assert is_confined(second)
        who = second.execute(text("SELECT current_user, caller_person()")).one()

    assert tuple(who) == (DatabaseRole.CALLER, None)
    assert not is_confined(session)


def test_a_role_that_policies_do_not_bind_is_not_confined(owner: Engine) -> None:
    """As a superuser nothing is kept from anyone."""
    with transaction(confined_sessions(owner)) as session:
        assert not is_confined(session)


def test_a_confined_session_sees_an_organisations_and_a_persons(
    confined: SessionFactory, devon: Organisation, member: UUID
) -> None:
    """And changes its mind as it is told."""
    with transaction(confined) as session:
        before = people(session)
        confine(session, organisation_id=devon.id, person_id=None)
        as_devon = people(session)
        confine(session, organisation_id=None, person_id=member)
        as_member = people(session)

    assert before == set()
    assert as_devon == as_member == {member}


def test_everywhere_ends_with_its_block(
    confined: SessionFactory, devon: Organisation, member: UUID
) -> None:
    """Also within another, and if the block raises."""
    with transaction(confined) as session:
        confine(session, organisation_id=devon.id, person_id=None)
        with everywhere(session), everywhere(session):
            assert len(people(session)) == 3
        after = people(session)
        with pytest.raises(KeyError), everywhere(session):
            raise KeyError
        after_raising = people(session)

    assert after == after_raising == {member}


def test_what_fails_within_everywhere_is_undone_with_its_scope(
    confined: SessionFactory, devon: Organisation, member: UUID
) -> None:
    """PostgreSQL takes nothing more then; the savepoint's end gives back what was before."""
    with transaction(confined) as session:
        confine(session, organisation_id=devon.id, person_id=None)
        with pytest.raises(IntegrityError), session.begin_nested(), everywhere(session):
            make_organisation(session, "devon")
        after = people(session)

    assert after == {member}


def test_what_was_not_sent_yet_is_sent_in_its_own_scope(
    confined: SessionFactory, devon: Organisation, member: UUID
) -> None:
    """Whatever a session holds back belongs to whom it was confined to when it was said."""
    with transaction(confined) as session:
        confine(session, organisation_id=devon.id, person_id=member)
        session.get_one(Person, member).name = "Anna"
        confine(session, organisation_id=None, person_id=None)
        with everywhere(session):
            name = session.scalar(select(Person.name).where(Person.id == member))

    assert name == "Anna"


def test_sessions_of_workers_are_not_confined(
    session: Session, devon: Organisation, member: UUID, statements: list[str]
) -> None:
    """They see everything, and telling them otherwise costs no statement."""
    session.commit()
    statements.clear()
    confine(session, organisation_id=devon.id, person_id=member)
    with everywhere(session):
        open_wide(session)

    assert statements == []
    assert len(people(session)) == 3


def test_policies_cost_workers_nothing(session: Session) -> None:
    """What they run is planned as if there were none."""
    plan = session.scalars(text("EXPLAIN SELECT FROM visits WHERE device_id = gen_random_uuid()"))

    told = "\n".join(plan)
    assert "caller" not in told
    assert "InitPlan" not in told


def test_a_forgotten_filter_is_found_by_its_index(
    confined: SessionFactory, devon: Organisation
) -> None:
    """The organisation is looked up once, and then by the index that there is."""
    with transaction(confined) as session:
        confine(session, organisation_id=devon.id, person_id=None)
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text("EXPLAIN SELECT FROM people WHERE name = 'Anna'")))

    assert "Index Cond: (organisation_id = $" in plan
