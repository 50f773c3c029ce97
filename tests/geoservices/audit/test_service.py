"""Chains in the real database: written by many at once, guarded, looked through and pruned."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, inspect, select, text
from sqlalchemy.exc import ProgrammingError

from geoservices.access.actors import Actor
from geoservices.access.rights import Role
from geoservices.accounts import issuing
from geoservices.audit import queries, service
from geoservices.audit.chaining import ActorKind
from geoservices.audit.models import AuditEntry
from geoservices.audit.queries import Wanted
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.scopes import confine, confined_sessions
from tests.factories import NOON, make_organisation, make_person
from tests.geoservices.audit.conftest import LENGTH, Tamper, write

CHANGES = {
    "chain_id": f"'{service.OF_THE_INSTALLATION}'",
    "number": "number + 100",
    "organisation_id": "NULL",
    "at": "at + interval '1 microsecond'",
    "actor_kind": "'device'",
    "person_id": "gen_random_uuid()",
    "credential_id": "NULL",
    "role": "'admin'",
    "action": "'read_listing'",
    "rights": "'{}'",
    "subjects": "subjects || 'listing:x'::varchar",
    "status": "200",
    "request_id": "'another'",
    "detail": """'{"made": false}'""",
    "previous_hash": "sha256('another')",
    "hash": "sha256('another')",
}
"""Another value for each column of an entry."""


def fault(sessions: SessionFactory, **options: service.Anchors) -> tuple[int, str] | None:
    """What looking through Devon's chain finds: the number of the first entry, and why."""
    [checked] = service.verify(sessions, slug="devon", **options)
    return None if checked.fault is None else (checked.fault.number, str(checked.fault))


def test_what_is_written_is_whole(committed: SessionFactory, devon: UUID) -> None:
    """All of it, in order, each entry with what was said."""
    [checked] = service.verify(committed)
    with transaction(committed) as session:
        entries = queries.entries_after(session, devon, 0, limit=100)

    assert (checked.fault, checked.entries, checked.chain.slug) == (None, LENGTH, "devon")
    assert [entry.number for entry in entries] == list(range(1, LENGTH + 1))
    assert entries[2].act.subjects == (f"listing:{UUID(int=2)}",)
    assert entries[2].act.actor_kind is ActorKind.SIGN_IN
    assert (entries[2].act.role, entries[2].act.status) == ("manager", 201)


def test_every_column_of_an_entry_is_tried() -> None:
    """A new column must be covered by the hash, and shown to be."""
    assert set(CHANGES) == set(inspect(AuditEntry).columns.keys())


@pytest.mark.usefixtures("devon")
@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_column_is_found(committed: SessionFactory, tamper: Tamper, column: str) -> None:
    """Whoever changes one value of one entry, with every guard off, is found out by its number."""
    tamper(f"UPDATE audit_entries SET {column} = {CHANGES[column]} WHERE number = 3")  # noqa: S608  # Ours.

    found = fault(committed)

    assert found is not None
    assert found[0] == 3


@pytest.mark.usefixtures("devon")
@pytest.mark.parametrize(
    ("statement", "number", "why"),
    [
        pytest.param("DELETE FROM audit_entries WHERE number = 3", 3, "is missing", id="removed"),
        pytest.param("DELETE FROM audit_entries WHERE number = 1", 1, "is missing", id="first"),
        pytest.param(
            "DELETE FROM audit_entries WHERE number > 4", 5, "is missing, and all", id="cut off"
        ),
        pytest.param(
            "UPDATE audit_entries SET number = -number WHERE number IN (2, 5);"
            "UPDATE audit_entries SET number = 7 + number WHERE number < 0",
            2,
            "was changed",
            id="swapped",
        ),
        pytest.param(
            "INSERT INTO audit_entries SELECT chain_id, 7, organisation_id, at, actor_kind, "
            "person_id, credential_id, role, action, rights, subjects, status, request_id, detail, "
            "hash, sha256(hash) FROM audit_entries WHERE number = 6",
            7,
            "was changed",
            id="put in behind",
        ),
        pytest.param(
            "UPDATE audit_chains SET first_number = 3", 1, "was pruned before", id="begun later"
        ),
        pytest.param(
            "UPDATE audit_chains SET before_hash = sha256('another')", 1, "does not follow", id="w"
        ),
    ],
)
def test_what_was_done_to_a_chain_is_found(
    committed: SessionFactory, tamper: Tamper, statement: str, number: int, why: str
) -> None:
    """The first entry that shows it, and how."""
    for part in statement.split(";"):
        tamper(part)

    found = fault(committed)

    assert found is not None
    assert found[0] == number
    assert why in found[1]


def test_a_tail_cut_off_with_its_head_is_found_by_what_was_kept_elsewhere(
    committed: SessionFactory, devon: UUID, tamper: Tamper
) -> None:
    """And by nothing else: that is what keeping the heads elsewhere is for."""
    with transaction(committed) as session:
        [chain] = service.heads(session)
    tamper("DELETE FROM audit_entries WHERE number > 4")
    tamper(
        "UPDATE audit_chains SET last_number = 4, "
        "last_hash = (SELECT hash FROM audit_entries WHERE number = 4)"
    )
    kept = {devon: {chain.head.number: chain.head.hash}}

    assert fault(committed) is None
    assert fault(committed, anchors=kept) == (5, "entry 5 is missing, and all after it")


def test_a_chain_that_is_gone_is_found_by_what_was_kept_elsewhere(
    committed: SessionFactory, devon: UUID, tamper: Tamper
) -> None:
    """Though nothing in the database tells of it."""
    tamper("DELETE FROM audit_entries")
    tamper("DELETE FROM audit_chains")

    [checked] = service.verify(committed, anchors={devon: {4: bytes(32)}})

    assert str(checked.fault) == "entry 4 is missing, and its whole chain"
    assert service.verify(committed) == []


@pytest.mark.usefixtures("devon")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET status = 200",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "DELETE FROM audit_chains",
        "TRUNCATE audit_chains CASCADE",
        "UPDATE audit_chains SET last_number = 5",
        "UPDATE audit_chains SET last_hash = sha256('another')",
        "UPDATE audit_chains SET last_number = 7, last_hash = sha256('another')",
        "UPDATE audit_chains SET first_number = 9",
        "UPDATE audit_chains SET before_hash = sha256('another')",
        "UPDATE audit_chains SET first_number = 3, before_hash = sha256('another')",
    ],
)
def test_the_database_refuses_to_change_the_log(
    committed: SessionFactory, owner: Engine, statement: str
) -> None:
    """Whoever asks, its owner too, as long as the guards are on."""
    for sessions in (committed, make_session_factory(owner)):
        with pytest.raises(ProgrammingError, match="audit"), transaction(sessions) as session:
            session.execute(text(statement))

    assert fault(committed) is None


def test_fifty_at_once_leave_one_unbroken_chain(
    committed: SessionFactory, database_url: str, devon: UUID
) -> None:
    """Each waits for the one before, and none is lost, doubled or refused."""
    engine = make_engine(database_url, pool_size=50)
    sessions = make_session_factory(engine)
    with ThreadPoolExecutor(50) as threads:
        for done in [threads.submit(write, sessions, devon, 4) for _ in range(50)]:
            done.result()
    engine.dispose()

    [checked] = service.verify(committed)

    assert (checked.fault, checked.entries) == (None, LENGTH + 200)


def test_many_may_write_a_chains_first_entry(committed: SessionFactory, database_url: str) -> None:
    """It is made once, by whoever comes first."""
    with transaction(committed) as session:
        organisation_id = make_organisation(session).id
    engine = make_engine(database_url, pool_size=10)
    with ThreadPoolExecutor(10) as threads:
        for done in [
            threads.submit(write, make_session_factory(engine), organisation_id, 1)
            for _ in range(10)
        ]:
            done.result()
    engine.dispose()

    [checked] = service.verify(committed)

    assert (checked.fault, checked.entries) == (None, 10)


def test_two_that_write_in_two_chains_do_not_wait_for_one_another(
    committed: SessionFactory, devon: UUID
) -> None:
    """However they come to it, the chains are taken in one order."""
    with transaction(committed) as session:
        dorset = make_organisation(session, "dorset").id

    def both(first: UUID, second: UUID) -> None:
        for _ in range(20):
            with transaction(committed) as session:
                service.record(session, None, "first", organisation_id=first)
                service.record(session, None, "second", organisation_id=second)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(both, devon, dorset), threads.submit(both, dorset, devon)]:
            done.result()

    assert [(one.chain.slug, one.entries) for one in service.verify(committed)] == [
        ("devon", LENGTH + 40),
        ("dorset", 40),
    ]


def test_nothing_is_written_of_what_was_taken_back(committed: SessionFactory, devon: UUID) -> None:
    """Both or neither."""

    def try_and_fail() -> None:
        with transaction(committed) as session:
            service.record(session, None, "try", organisation_id=devon)
            raise KeyError

    with pytest.raises(KeyError):
        try_and_fail()

    assert service.verify(committed)[0].entries == LENGTH


def test_no_positions_are_written_down(committed: SessionFactory) -> None:
    """Whoever tries has made a mistake."""
    with pytest.raises(ValueError, match="no positions"), transaction(committed) as session:
        service.record(session, None, "ping", detail={"lon": 3})


def test_old_entries_go_and_the_rest_is_still_whole(
    committed: SessionFactory, devon: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some at a time; that it was done is written down, and hashes kept elsewhere still fit."""
    with transaction(committed) as session:
        kept = {
            entry.number: entry.hash for entry in queries.entries_after(session, devon, 0, limit=9)
        }
    monkeypatch.setattr(service, "PRUNED_AT_ONCE", 2)

    gone = service.prune_all(committed, before=NOON + timedelta(days=3, hours=1))
    again = service.prune_all(committed, before=NOON + timedelta(days=3, hours=1))

    [checked] = service.verify(committed, anchors={devon: kept})
    with transaction(committed) as session:
        entries = queries.entries_after(session, devon, 0, limit=100)
    assert (gone, again) == (4, 0)
    assert (checked.fault, checked.chain.before.number) == (None, 4)
    assert [entry.number for entry in entries] == [5, 6, 7, 8]
    assert [entry.act.detail for entry in entries[2:]] == [
        {"first": 1, "last": 2},
        {"first": 3, "last": 4},
    ]
    wrong = {devon: {4: bytes(32)}}
    assert fault(committed, anchors=wrong) == (
        4,
        "entry 4 is not the one whose hash was kept elsewhere",
    )


@pytest.mark.usefixtures("devon")
def test_a_chain_keeps_its_end_however_old(committed: SessionFactory) -> None:
    """So that there is always something for the next one to follow."""
    assert service.prune_all(committed, before=NOON + timedelta(days=3650)) == LENGTH - 1

    [checked] = service.verify(committed)

    assert (checked.fault, checked.entries) == (None, 2)


@pytest.mark.usefixtures("devon")
def test_looking_through_holds_few_entries(
    committed: SessionFactory, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads them in pages, each in a transaction of its own."""
    monkeypatch.setattr(service, "AT_ONCE", 2)

    [checked] = service.verify(committed)

    pages = [sent for sent in statements if "LIMIT" in sent and "audit_entries" in sent]
    assert checked.entries == LENGTH
    assert len(pages) == LENGTH // 2 + 1


def test_signing_in_is_written_down(committed: SessionFactory) -> None:
    """By whom and how, in their organisation's log; there is no name in it."""
    with transaction(committed) as session:
        organisation_id = make_organisation(session).id
    with transaction(committed) as session:
        issuing.issue_access_token(
            session, "devon", role=Role.STAFF, name="Anna", lifetime=timedelta(days=1), at=NOON
        )

    with transaction(committed) as session:
        [entry] = queries.entries_after(session, organisation_id, 0, limit=9)

    assert (entry.act.action, entry.act.actor_kind) == ("sign_in", ActorKind.SIGN_IN)
    assert entry.act.subjects == (f"person:{entry.act.person_id}",)
    assert (entry.act.role, dict(entry.act.detail)) == ("staff", {"kind": "token"})
    assert "Anna" not in str(asdict(entry))


def test_what_belongs_to_no_organisation_has_a_chain_of_its_own(
    committed: SessionFactory,
) -> None:
    """The installation's."""
    with transaction(committed) as session:
        person = make_person(session)
        actor = Actor(rights=frozenset(), role=Role.CITIZEN, person_id=person.id, device_id=uuid4())
        service.record(session, actor, "export_my_data", "person", person.id)

    [checked] = service.verify(committed)

    assert (checked.chain.id, checked.chain.slug) == (service.OF_THE_INSTALLATION, None)
    assert (checked.entries, checked.fault) == (1, None)


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (None, ActorKind.NOBODY),
        (Actor(rights=frozenset()), ActorKind.OPERATOR),
        (Actor(rights=frozenset(), person_id=uuid4()), ActorKind.PERSON),
        (Actor(rights=frozenset(), key_id=uuid4()), ActorKind.KEY),
        (Actor(rights=frozenset(), person_id=uuid4(), device_id=uuid4()), ActorKind.DEVICE),
        (Actor(rights=frozenset(), person_id=uuid4(), sign_in_id=uuid4()), ActorKind.SIGN_IN),
    ],
)
def test_an_actor_is_known_by_what_they_came_by(actor: Actor | None, kind: ActorKind) -> None:
    """The narrowest there is."""
    act = service.act_of(actor, "look", at=NOON)

    assert act.actor_kind is kind
    assert act.credential_id == (
        (actor.sign_in_id or actor.device_id or actor.key_id) if actor else None
    )


def test_entries_are_found_by_who_what_and_when(committed: SessionFactory, devon: UUID) -> None:
    """Each by itself."""
    with transaction(committed) as session:
        found = {
            wanted: [
                entry.number
                for entry in service.page(session, devon, before=None, limit=10, wanted=wanted)
            ]
            for wanted in (
                Wanted(actor_id=UUID(int=8)),
                Wanted(actor_id=UUID(int=9)),
                Wanted(action="read_listing"),
                Wanted(subject=f"listing:{UUID(int=4)}"),
                Wanted(since=NOON + timedelta(days=2), until=NOON + timedelta(days=4)),
            )
        }

    assert list(found.values()) == [[6, 5, 4, 3, 2, 1], [], [], [5], [4, 3]]


@pytest.fixture
def caller(database_url: str) -> Iterator[Engine]:
    """An engine whose connections ask as requests do."""
    engine = make_engine(database_url, role=DatabaseRole.CALLER)
    yield engine
    engine.dispose()


def test_a_caller_reads_their_organisations_log_and_writes_in_none(
    committed: SessionFactory, caller: Engine, devon: UUID
) -> None:
    """PostgreSQL sees to it, whatever a query forgets."""
    sessions = confined_sessions(caller)
    with transaction(committed) as session:
        dorset = make_organisation(session, "dorset").id

    def read(organisation_id: UUID) -> tuple[int, int]:
        with transaction(sessions) as session:
            confine(session, organisation_id=organisation_id, person_id=None)
            entries = session.scalar(select(func.count()).select_from(AuditEntry))
            return entries or 0, len(service.heads(session))

    def write_by_hand(statement: str) -> None:
        with transaction(sessions) as session:
            confine(session, organisation_id=devon, person_id=None)
            session.execute(text(statement))

    assert (read(devon), read(dorset)) == ((LENGTH, 1), (0, 0))
    for statement in (
        "INSERT INTO audit_entries SELECT * FROM audit_entries",
        "UPDATE audit_chains SET last_number = 9",
        "DELETE FROM audit_entries",
    ):
        with pytest.raises(ProgrammingError, match="denied"):
            write_by_hand(statement)
    with transaction(sessions) as session:
        confine(session, organisation_id=dorset, person_id=None)
        service.record(session, None, "look", organisation_id=dorset)
    assert read(dorset) == (1, 1)
