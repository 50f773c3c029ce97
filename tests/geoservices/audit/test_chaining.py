"""Entries are hashed as the decision says, and a chain shows whatever was done to it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.audit.chaining import (
    BEGINNING,
    Act,
    ActorKind,
    Anchor,
    ChainBroken,
    Entry,
    Follower,
    document_of,
    hash_of,
    instant_text,
    link,
)

CHAIN = UUID("0190c1a2-0000-7000-8000-00000000000a")
PERSON = UUID("0190c1a2-0000-7000-8000-00000000000b")
SIGN_IN = UUID("0190c1a2-0000-7000-8000-00000000000c")
AT = datetime(2026, 11, 22, 19, 30, 0, 250_000, tzinfo=UTC)
ACT = Act(
    organisation_id=CHAIN,
    at=AT,
    actor_kind=ActorKind.SIGN_IN,
    person_id=PERSON,
    credential_id=SIGN_IN,
    role="manager",
    action="publish_listing",
    rights=("listings:write",),
    subjects=("listing:0190c1a2-0000-7000-8000-00000000000d",),
    status=201,
    request_id="5b0b9d0f0f7b4f0b8c1c5e7d2f1a9e33",
    detail={"made": True, "count": 3, "kind": "offer", "note": None},
)
WRITTEN = (
    b'{"action":"publish_listing","actor":{"credential":"0190c1a2-0000-7000-8000-00000000000c",'
    b'"kind":"sign-in","person":"0190c1a2-0000-7000-8000-00000000000b","role":"manager"},'
    b'"at":"2026-11-22T19:30:00.250000Z","chain":"0190c1a2-0000-7000-8000-00000000000a",'
    b'"detail":{"count":3,"kind":"offer","made":true,"note":null},"number":1,'
    b'"organisation":"0190c1a2-0000-7000-8000-00000000000a",'
    b'"previous":"' + b"0" * 64 + b'","request":"5b0b9d0f0f7b4f0b8c1c5e7d2f1a9e33",'
    b'"rights":["listings:write"],'
    b'"status":201,"subjects":["listing:0190c1a2-0000-7000-8000-00000000000d"],"version":1}'
)
"""The first entry of a chain as RFC 8785 has it, written by hand."""
FIRST = "65196c206075091317faa42fa0a739543f240d8006a0e083d8b0350935f2f267"
SECOND = "3297cc3191349497b569c62f808c8a96ba673f908a32e688a9dc2df4c5844f24"


def chain_of(length: int) -> list[Entry]:
    """A chain of so many entries."""
    entries: list[Entry] = []
    previous = BEGINNING
    for number in range(1, length + 1):
        act = replace(ACT, at=AT + timedelta(seconds=number))
        entries.append(link(act, chain_id=CHAIN, number=number, previous_hash=previous))
        previous = entries[-1].hash
    return entries


def follow(entries: Sequence[Entry], head: Entry, **anchors: bytes) -> int:
    """Follow a chain to its end; return how many entries were whole."""
    kept = {int(name[1:]): hash_ for name, hash_ in anchors.items()}
    follower = Follower(0, BEGINNING, kept)
    for entry in entries:
        follower.follow(entry)
    follower.end(Anchor(number=head.number, hash=head.hash))
    return follower.number


def test_an_entry_is_hashed_as_written_down() -> None:
    """The vectors of docs/decisions/0038: a first entry, and one after it."""
    first = link(ACT, chain_id=CHAIN, number=1, previous_hash=BEGINNING)
    bare = Act(organisation_id=None, at=AT, actor_kind=ActorKind.NOBODY, action="prune_audit")
    second = link(bare, chain_id=UUID(int=0), number=2, previous_hash=first.hash)

    assert first.hash == hashlib.sha256(WRITTEN).digest()
    assert first.hash.hex() == FIRST
    assert second.hash.hex() == SECOND


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
        max_size=4,
    )
)
def test_what_the_database_gives_back_has_the_same_hash(detail: dict[str, Any]) -> None:
    """JSON loses the order of members and nothing else, and the order does not count."""
    back = json.loads(json.dumps(dict(reversed(detail.items()))))

    hashes = {hash_of(CHAIN, 1, replace(ACT, detail=one), BEGINNING) for one in (detail, back)}

    assert len(hashes) == 1


def test_an_instant_is_the_same_in_every_zone() -> None:
    """A session's time zone changes no hash."""
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert instant_text(there) == instant_text(AT) == "2026-11-22T19:30:00.250000Z"


def test_the_hash_covers_all_that_is_said() -> None:
    """The document has every field of an act, whatever its name there."""
    told = json.dumps(document_of(CHAIN, 7, ACT, BEGINNING))

    for value in (PERSON, SIGN_IN, "manager", "publish_listing", "listings:write", 201, "offer"):
        assert str(value) in told


def test_a_whole_chain_is_followed_to_its_end() -> None:
    """Every entry, with hashes kept elsewhere that fit; an empty one too."""
    entries = chain_of(5)

    assert follow(entries, entries[-1], n3=entries[2].hash) == 5
    Follower(0, BEGINNING).end(Anchor(number=0, hash=BEGINNING))


@pytest.mark.parametrize(
    ("order", "named"),
    [
        pytest.param([1, 2, 4, 5], 3, id="one removed"),
        pytest.param([2, 3, 4, 5], 1, id="the first removed"),
        pytest.param([1, 2, 3], 4, id="the end cut off"),
        pytest.param([1, 3, 2, 4, 5], 2, id="two swapped"),
        pytest.param([1, 2, 2, 3, 4, 5], 2, id="one twice"),
    ],
)
def test_what_is_not_in_its_place_is_named(order: list[int], named: int) -> None:
    """By the number of the first that is missing or too many."""
    entries = chain_of(5)

    with pytest.raises(ChainBroken) as broken:
        follow([entries[number - 1] for number in order], entries[-1])

    assert broken.value.number == named
    assert f"entry {named}" in str(broken.value)


def test_a_rewritten_chain_does_not_fit_a_hash_kept_elsewhere() -> None:
    """Whoever owns the database can make all of it anew, and not what was kept elsewhere."""
    before = chain_of(5)
    after = []
    previous = BEGINNING
    for entry in before:
        act = replace(entry.act, status=200)
        after.append(link(act, chain_id=CHAIN, number=entry.number, previous_hash=previous))
        previous = after[-1].hash

    assert follow(after, after[-1]) == 5
    with pytest.raises(ChainBroken, match="entry 4 is not the one whose hash was kept"):
        follow(after, after[-1], n4=before[3].hash)
    with pytest.raises(ChainBroken, match="entry 6 is missing, and all after it"):
        follow(after, after[-1], n9=before[3].hash)


def test_an_entry_that_was_never_written_is_named() -> None:
    """One put behind the end, one put in with a hash of its own, and another end."""
    entries = chain_of(5)
    forged = link(replace(ACT, role="admin"), chain_id=CHAIN, number=3, previous_hash=BEGINNING)

    with pytest.raises(ChainBroken, match="entry 5 is one more than were written"):
        follow(entries, entries[3])
    with pytest.raises(ChainBroken, match="entry 3 does not follow entry 2"):
        follow([*entries[:2], forged, *entries[3:]], entries[-1])
    with pytest.raises(ChainBroken, match="entry 5 is not the one that was written last"):
        follow(entries, replace(entries[4], hash=bytes(32)))
