"""Writing down who read or changed what, and showing that nothing of it was changed since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.actors import Actor
from geoservices.audit import queries
from geoservices.audit.chaining import (
    Act,
    ActorKind,
    Anchor,
    ChainBroken,
    Detail,
    Entry,
    Follower,
    link,
)
from geoservices.audit.exporting import ExportFormat, written
from geoservices.audit.queries import Chain, Wanted
from geoservices.audit.redacting import Redaction
from geoservices.database import SessionFactory, at_the_end, transaction
from geoservices.logs import POSITION_FIELDS
from geoservices.scopes import confine, everywhere

OF_THE_INSTALLATION = UUID(int=0)
"""The chain of what belongs to no organisation."""
AT_ONCE = 1000
"""Entries read in one transaction."""
PRUNED_AT_ONCE = 10_000
WAITING = "acts"
"""Where a session keeps what it writes down at its end."""

Anchors = Mapping[UUID, Mapping[int, bytes]]
"""Hashes that were kept elsewhere, by chain and number."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of looking through one chain; `fault` is None of a whole one."""

    chain: Chain
    entries: int
    fault: ChainBroken | None


def record(
    session: Session,
    actor: Actor | None,
    action: str,
    subject_kind: str | None = None,
    subject_id: UUID | None = None,
    detail: Mapping[str, Detail] | None = None,
    *,
    organisation_id: UUID | None = None,
) -> None:
    """Write down, when the transaction ends, that somebody did something.

    It is kept if and only if the transaction is committed.

    Args:
        session: The one in which it is done.
        actor: Who does it; None of the service itself, and of whoever is not known.
        action: What, in a word or two, such as `sign-in`.
        subject_kind: What it is done to, such as `person`.
        subject_id: Which one.
        detail: What else there is to say. No names, no words of people's own and no positions.
        organisation_id: In whose log, if not in the actor's organisation's.
    """
    subjects = (f"{subject_kind}:{subject_id}",) if subject_id else ()
    note(
        session,
        act_of(
            actor,
            action,
            at=clock.now(),
            subjects=subjects,
            detail=detail,
            organisation_id=organisation_id,
        ),
    )


def act_of(
    actor: Actor | None,
    action: str,
    *,
    at: datetime,
    rights: Sequence[str] = (),
    subjects: Sequence[str] = (),
    status: int | None = None,
    detail: Mapping[str, Detail] | None = None,
    organisation_id: UUID | None = None,
) -> Act:
    """Return what somebody did, as the log tells it; the request is the one being served."""
    told = dict(detail or {})
    if POSITION_FIELDS & told.keys():
        raise ValueError("The audit log holds no positions.")
    context = structlog.contextvars.get_contextvars()
    return Act(
        organisation_id=organisation_id or (actor.organisation_id if actor else None),
        at=at,
        actor_kind=_kind_of(actor),
        person_id=actor.person_id if actor else None,
        credential_id=(actor.sign_in_id or actor.device_id or actor.key_id) if actor else None,
        role=actor.role.value if actor and actor.role else None,
        action=action,
        rights=tuple(rights),
        subjects=tuple(subjects),
        status=status,
        request_id=context.get("request_id"),
        detail=told,
    )


def note(session: Session, act: Act) -> None:
    """Write an act down when the transaction ends.

    Then, because whoever writes in a chain holds it until they commit: nobody may wait for
    anything else while others wait for them.
    """
    waiting: list[Act] | None = session.info.get(WAITING)
    if waiting is None:
        waiting = session.info[WAITING] = []
        at_the_end(session, write_down)
    waiting.append(act)


def write_down(session: Session) -> None:
    """Put what waits at the ends of its chains; the chains in order, so that none waits in turn."""
    by_chain: dict[UUID, list[Act]] = {}
    for act in session.info.pop(WAITING, ()):
        by_chain.setdefault(act.organisation_id or OF_THE_INSTALLATION, []).append(act)
    # Nobody writes in the log themselves, not even in their own organisation's.
    with everywhere(session):
        for chain_id, acts in sorted(by_chain.items()):
            _append(session, chain_id, acts)


def page(
    session: Session, organisation_id: UUID, *, before: int | None, limit: int, wanted: Wanted
) -> list[Entry]:
    """Return entries of an organisation's log, newest first."""
    return queries.entries_before(session, organisation_id, before, limit=limit, wanted=wanted)


def heads(session: Session) -> list[Chain]:
    """Return where each chain ends, to be kept where nobody who can change the log can."""
    return queries.chains(session)


def read_through(
    sessions: SessionFactory, chain_id: UUID, *, after: int, wanted: Wanted | None = None
) -> Iterator[Entry]:
    """Yield a chain's entries, oldest first, without holding many of them or a transaction long."""
    more = True
    while more:
        with transaction(sessions) as session:
            confine(session, organisation_id=chain_id, person_id=None)
            found = queries.entries_after(session, chain_id, after, limit=AT_ONCE, wanted=wanted)
        yield from found
        more = len(found) == AT_ONCE
        after = found[-1].number if found else after


def export(
    sessions: SessionFactory, organisation_id: UUID, wanted: Wanted, as_: ExportFormat
) -> Iterator[str]:
    """Yield an organisation's log as a file that anybody may read, oldest entries first."""
    entries = read_through(sessions, organisation_id, after=0, wanted=wanted)
    return written(Redaction().redact(entries), as_)


def verify(
    sessions: SessionFactory, *, slug: str | None = None, anchors: Anchors | None = None
) -> list[Checked]:
    """Look through the chains, or that of one organisation, for what is not as it was written.

    Args:
        sessions: Where to look.
        slug: Whose chain; None looks through all.
        anchors: What some entries are known to have been.
    """
    with transaction(sessions) as session:
        chains = queries.chains(session, slug=slug)
    known = anchors or {}
    checked = [_check(sessions, chain, known.get(chain.id, {})) for chain in chains]
    if slug is None:
        checked += [_lost(chain_id, known[chain_id]) for chain_id in known.keys() - _ids(chains)]
    return checked


def prune_all(sessions: SessionFactory, *, before: datetime) -> int:
    """Remove all entries older than an instant, but for the last of a chain; return how many."""
    with transaction(sessions) as session:
        chains = queries.chains(session)
    total = 0
    for chain in chains:
        removed = PRUNED_AT_ONCE
        while removed == PRUNED_AT_ONCE:
            with transaction(sessions) as session:
                removed = _prune(session, chain.id, before=before)
            total += removed
    return total


def _prune(session: Session, chain_id: UUID, *, before: datetime) -> int:
    """Remove a chain's oldest entries, some at a time; return how many.

    Where the chain begins then, and the hash of what was before, stays with it, and that it was
    done is an entry of its own.
    """
    queries.lock_head(session, chain_id)
    chain = queries.chain(session, chain_id)
    first = chain.before.number + 1
    last = min(queries.last_before(session, chain_id, before), first + PRUNED_AT_ONCE - 1)
    if last < first:
        return 0
    queries.prune(session, chain_id, last)
    told = {"first": first, "last": last}
    record(session, None, "prune_audit", detail=told, organisation_id=chain.organisation_id)
    return last - first + 1


def _append(session: Session, chain_id: UUID, acts: Sequence[Act]) -> None:
    head = queries.lock_head(session, chain_id)
    if head is None:
        queries.begin_chain(session, chain_id, acts[0].organisation_id)
        head = queries.lock_head(session, chain_id)
    if head is None:
        raise LookupError("The chain can be neither made nor found.")
    number, previous, entries = head.number, head.hash, list[Entry]()
    for act in acts:
        number += 1
        entry = link(act, chain_id=chain_id, number=number, previous_hash=previous)
        entries.append(entry)
        previous = entry.hash
    queries.append(session, entries)


def _check(sessions: SessionFactory, chain: Chain, anchors: Mapping[int, bytes]) -> Checked:
    kept = {number: hash_ for number, hash_ in anchors.items() if number > chain.before.number}
    follower = Follower(chain.before.number, chain.before.hash, kept)
    try:
        _check_beginning(chain, anchors)
        _follow(sessions, chain.id, follower)
    except ChainBroken as fault:
        now = _chain_now(sessions, chain.id)
        if now.before != chain.before:
            # It was pruned meanwhile, and what was about to be read is gone.
            return _check(sessions, now, anchors)
        return Checked(chain, follower.number - chain.before.number, fault)
    return Checked(chain, follower.number - chain.before.number, None)


def _follow(sessions: SessionFactory, chain_id: UUID, follower: Follower) -> None:
    came_from, after = -1, 0
    while follower.number > came_from:
        came_from = follower.number
        for entry in read_through(sessions, chain_id, after=after):
            follower.follow(entry)
        # Asked for after the entries, it cannot be behind them because somebody wrote meanwhile.
        head, after = _chain_now(sessions, chain_id).head, follower.number
        if head.number <= after:
            break
    follower.end(head)


def _chain_now(sessions: SessionFactory, chain_id: UUID) -> Chain:
    with transaction(sessions) as session:
        return queries.chain(session, chain_id)


def _check_beginning(chain: Chain, anchors: Mapping[int, bytes]) -> None:
    known = anchors.get(chain.before.number, chain.before.hash)
    if known != chain.before.hash:
        raise ChainBroken(chain.before.number, "is not the one whose hash was kept elsewhere")


def _lost(chain_id: UUID, anchors: Mapping[int, bytes]) -> Checked:
    number = max(anchors)
    chain = Chain(chain_id, chain_id, None, Anchor(number=0, hash=b""), Anchor(number=0, hash=b""))
    return Checked(chain, 0, ChainBroken(number, "is missing, and its whole chain"))


def _ids(chains: Sequence[Chain]) -> set[UUID]:
    return {chain.id for chain in chains}


def _kind_of(actor: Actor | None) -> ActorKind:
    if actor is None:
        return ActorKind.NOBODY
    known_by = (
        (actor.sign_in_id, ActorKind.SIGN_IN),
        (actor.device_id, ActorKind.DEVICE),
        (actor.key_id, ActorKind.KEY),
        (actor.person_id, ActorKind.PERSON),
    )
    return next((kind for id_, kind in known_by if id_ is not None), ActorKind.OPERATOR)
