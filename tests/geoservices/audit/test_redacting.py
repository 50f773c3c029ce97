"""Whoever reads an export learns what was done, and not by whom or to whom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from geoservices.audit.chaining import BEGINNING, Act, ActorKind, Entry, link
from geoservices.audit.exporting import ExportFormat, written
from geoservices.audit.redacting import Redaction

AT = datetime(2026, 3, 4, 12, 0, 59, 1, tzinfo=UTC)
ACT = Act(organisation_id=uuid4(), at=AT, actor_kind=ActorKind.SIGN_IN, action="look")
ANNA, BEN = UUID(int=1), UUID(int=2)


def entries(acts: Sequence[Act]) -> list[Entry]:
    """Entries of these acts."""
    return [
        link(act, chain_id=UUID(int=0), number=number, previous_hash=BEGINNING)
        for number, act in enumerate(acts, 1)
    ]


def test_people_become_numbers_that_stay_theirs() -> None:
    """In the order in which they come, whatever they come by, and as whatever they are met."""
    acts = [
        replace(ACT, person_id=BEN, credential_id=uuid4()),
        replace(ACT, person_id=ANNA, credential_id=uuid4(), actor_kind=ActorKind.DEVICE),
        replace(ACT, person_id=BEN, subjects=(f"person:{ANNA}", f"check-in:{uuid4()}")),
        replace(ACT, person_id=BEN, subjects=(f"member:{BEN}", f"person:{uuid4()}")),
    ]

    told = list(Redaction().redact(entries(acts)))

    assert [one.actor for one in told] == ["member 1", "member 2", "member 1", "member 1"]
    assert [one.subjects for one in told[2:]] == [
        ("member 2", "check-in 1"),
        ("member 1", "person 1"),
    ]


def test_what_is_nobodys_own_stays() -> None:
    """Places and what is on at them, the role, the right, what came of it; minutes of the time."""
    place = f"place:{uuid4()}"
    act = replace(ACT, person_id=ANNA, role="admin", rights=("codes:read",), subjects=(place,))

    [told] = Redaction().redact(entries([replace(act, status=404, detail={"kind": "x"})]))

    assert (told.role, told.rights, told.status) == ("admin", ("codes:read",), 404)
    assert (told.subjects, told.at) == ((place,), "2026-03-04T12:00Z")


def test_machines_and_the_service_are_told_apart_from_people() -> None:
    """A machine has a number too, the rest are what they are; citizens are no members."""
    kinds = {
        "machine 1": replace(ACT, actor_kind=ActorKind.KEY, credential_id=uuid4()),
        "operator": replace(ACT, actor_kind=ActorKind.OPERATOR),
        "service": replace(ACT, actor_kind=ActorKind.NOBODY),
        "citizen 1": replace(ACT, organisation_id=None, person_id=ANNA),
    }

    assert [one.actor for one in Redaction().redact(entries(list(kinds.values())))] == list(kinds)


@given(
    st.lists(
        st.tuples(st.uuids(), st.uuids(), st.sampled_from(["person", "device", "visit", "x"])),
        max_size=6,
    ),
    st.sampled_from(ExportFormat),
)
def test_no_id_of_anybody_is_in_a_file(
    people: list[tuple[UUID, UUID, str]], as_: ExportFormat
) -> None:
    """Whoever it is, whatever is theirs, and whatever kind of thing nobody thought of."""
    acts = [
        replace(
            ACT,
            at=AT + timedelta(seconds=1),
            person_id=person,
            credential_id=credential,
            subjects=(f"{kind}:{person}",),
            request_id=credential.hex,
            detail={"id": str(person)},
        )
        for person, credential, kind in people
    ]

    text = "".join(written(Redaction().redact(entries(acts)), as_))

    for person, credential, _kind in people:
        assert str(person) not in text
        assert str(credential) not in text
        assert credential.hex not in text
