"""Replays asked for, worked on by a job, and told of until they are deleted."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geoservices import clock, outbox
from geoservices.access.actors import Actor, Grant
from geoservices.access.reach import reach_of
from geoservices.access.rights import Right
from geoservices.campaigns import definitions, queries, replayed_queries, service
from geoservices.campaigns import replaying_queries as replays
from geoservices.campaigns.addressing import kept_of
from geoservices.campaigns.conditions import knowable
from geoservices.campaigns.deciding import limits_of
from geoservices.campaigns.definitions import Condition
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.models import Campaign
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.replayed_queries import Records
from geoservices.campaigns.replaying_records import walk_through
from geoservices.campaigns.replaying_results import Asked, Result, result_of, stored
from geoservices.database import SessionFactory, transaction
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.keyring import derive
from geoservices.leasing.models import Reason
from geoservices.leasing.work import Superseded, Work
from geoservices.limiting.limiter import Limit, Limiter
from geoservices.settings.service import Settings

WORK: Final = Work(
    row=CampaignReplay,
    queued=ReplayState.QUEUED,
    working=(ReplayState.WORKING,),
    failed=ReplayState.FAILED,
    lease=timedelta(minutes=2),
    most_attempts=3,
)
STATEMENT_LIMIT: Final = WORK.lease - timedelta(seconds=20)
"""No statement takes longer than this, since the lease is renewed between them alone."""
TIME_LIMIT: Final = timedelta(minutes=5)
"""A replay that takes longer than this is given up."""
PACE: Final = timedelta(seconds=1)
"""How often it is told how far a replay has come."""


class ReplayUnderWay(GeoservicesError):
    """Another replay of the campaign is not over."""

    kind = ErrorKind.CONFLICT
    code = "replay-under-way"
    title = "A replay of the campaign is under way"

    def __init__(self, replay_id: UUID | None) -> None:
        """Name the other one, unless whoever asks does not see it."""
        super().__init__(
            f"Wait for {replay_id}, or cancel it."
            if replay_id is not None
            else "Ask again in some minutes, when it is over. It is by somebody who manages other "
            "places than you, so you cannot see it; they can cancel it."
        )


class TookTooLong(Exception):
    """The time for a replay is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: the last `days`, as far as visits are kept, and which version.

    Without a version it is the newest. `id` is the client's own, so that a retry is safe.
    """

    days: int
    version: int | None = None
    id: UUID | None = None


def ask_for(
    session: Session,
    campaign_id: UUID,
    wanted: Wanted,
    *,
    grant: Grant,
    settings: Settings,
    limiter: Limiter,
    at: datetime,
) -> CampaignReplay:
    """Have a version of a campaign run on the last days; the same id and content is asked once.

    Args:
        session: The transaction.
        campaign_id: Of which campaign.
        wanted: What is to be replayed.
        grant: Of whoever asks.
        settings: The service's.
        limiter: Counts how many an organisation asks for.
        at: Now.

    Raises:
        NotFound: There is no such campaign of the organisation's, or no such version.
        IdTaken: The id belongs to another replay, or to one that looked further.
        ReplayUnderWay: Another one of the campaign is not over.
        TooManyRequests: The organisation had as many as it may have for now.
    """
    campaign = service.get_campaign(session, campaign_id, grant=grant)
    queries.hold(session, campaign)
    number = wanted.version or campaign.version
    if replays.version_of(session, campaign_id, number) is None:
        raise NotFound("version")
    known = wanted.id and replays.replay_by_id(session, wanted.id)
    if known:
        same = (known.campaign_id, known.days) == (campaign_id, wanted.days)
        if not same or wanted.version not in {None, known.version} or not _may_see(known, grant):
            raise IdTaken("replay")
        return known
    if (other := replays.under_way(session, campaign_id)) is not None:
        raise ReplayUnderWay(other.id if _may_see(other, grant) else None)
    limiter.spend(Limit.REPLAYS_BY_ORGANISATION, str(grant.organisation_id))
    reach = grant.actor.reach
    asked = CampaignReplay(
        id=wanted.id or uuid4(),
        organisation_id=grant.organisation_id,
        campaign_id=campaign_id,
        version=number,
        days=wanted.days,
        since=at - min(timedelta(days=wanted.days), settings.retention.visits),
        asked_by=grant.actor.person_id,
        reach=reach and reach.stored(),
        state=ReplayState.QUEUED,
        asked_at=at,
        due_at=at,
    )
    made = replays.insert_if_new(session, asked)
    if made is None:  # The id is of another organisation's.
        raise IdTaken("replay")
    outbox.ring(session)
    return made


def get_replay(
    session: Session, campaign_id: UUID, replay_id: UUID, *, grant: Grant
) -> CampaignReplay:
    """Return a replay of one of the organisation's campaigns.

    Whose reach is limited sees those that looked at no more than it.

    Raises:
        NotFound: There is none, it is another's, or it was deleted in due time.
    """
    service.get_campaign(session, campaign_id, grant=grant)
    found = replays.replay_by_id(session, replay_id)
    if found is None or found.campaign_id != campaign_id or not _may_see(found, grant):
        raise NotFound("replay")
    return found


def cancel(
    session: Session, campaign_id: UUID, replay_id: UUID, *, grant: Grant, at: datetime
) -> None:
    """End a replay that is not over; one that is stays as it is.

    Raises:
        NotFound: As by `get_replay`.
    """
    get_replay(session, campaign_id, replay_id, grant=grant)
    replays.cancel(session, replay_id, at=at)


def carry_out(
    sessions: SessionFactory, replay_id: UUID, *, settings: Settings
) -> ReplayState | None:
    """Work on a replay that nobody else is working on.

    All is read in one transaction, at one instant; how far it has come is told in others. A worker
    that dies has done nothing: the next one begins anew.

    Returns:
        How it ended; None if it was not this worker's to end.
    """
    began = time.monotonic()
    with transaction(sessions) as session:
        begun = _begin(session, replay_id, at=clock.now())
    if begun is None:
        return None
    if begun.state == ReplayState.FAILED:
        return ReplayState.FAILED
    working = _Working(sessions, begun, ends=began + TIME_LIMIT.total_seconds())
    try:
        with sessions() as reading:
            reading.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            replayed_queries.prepare(reading, time_limit=STATEMENT_LIMIT)
            result = replay_now(reading, begun, working.reached, settings=settings)
        working.end(result)
    except Superseded:
        return None
    except TookTooLong:
        working.give_up()
        return ReplayState.FAILED
    except (OperationalError, QueryCanceled) as error:
        # It is the driver's own where that is asked for rows, and else SQLAlchemy's round it.
        if not isinstance(getattr(error, "orig", error), QueryCanceled):
            raise
        working.give_up()
        return ReplayState.FAILED
    return ReplayState.DONE


def _may_see(replay: CampaignReplay, grant: Grant) -> bool:
    return grant.actor.reach in {None, reach_of(replay.reach)}


def _begin(session: Session, replay_id: UUID, *, at: datetime) -> CampaignReplay | None:
    taken = WORK.begin(session, replay_id, at=at)
    if taken is None:
        return None
    if taken.state == ReplayState.FAILED:
        taken.done_at = at
    else:
        taken.share_done = 0.0
    return taken


def replay_now(
    session: Session,
    asked: CampaignReplay,
    reached: Callable[[datetime], None],
    *,
    settings: Settings,
) -> Result:
    """Run what was asked for in one transaction; `reached` is told up to when it has come."""
    grant = _grant_of(asked)
    campaign = service.get_campaign(session, asked.campaign_id, grant=grant)
    draft, left_out = _knowable(
        _draft(session, campaign, asked.version, grant), asked, settings=settings
    )
    records = Records(
        draft=draft,
        campaign_id=campaign.id,
        grant=grant,
        since=asked.since,
        until=asked.asked_at,
        limits=limits_of(settings.campaigns),
    )
    tally = walk_through(session, records, reached=reached)
    about = Asked(
        definition=draft.said.definition,
        since=asked.since,
        until=asked.asked_at,
        time_zone=draft.organisation.time_zone,
        left_out=left_out,
        elsewhere=replayed_queries.count_partners_places(session, draft, grant),
    )
    secret = derive(settings.codes.secret, b"replays")
    return result_of(tally, about, secret=secret, smallest=settings.statistics.smallest_count)


def _draft(session: Session, campaign: Campaign, number: int, grant: Grant) -> Draft:
    now = service.draft_of(session, campaign, grant=grant)
    version = replays.version_of(session, campaign.id, number)
    if version is None:
        raise NotFound("version")
    return replace(now, said=replace(now.said, definition=definitions.read(version.definition)))


def _knowable(
    draft: Draft, asked: CampaignReplay, *, settings: Settings
) -> tuple[Draft, Sequence[Condition]]:
    """Return a draft without what nobody knows any more of the days looked at, and what that is."""
    definition = draft.said.definition
    audience, left_out = knowable(
        definition.audience,
        campaign_id=asked.campaign_id,
        since=asked.since,
        until=asked.asked_at,
        kept=kept_of(settings.retention),
    )
    said = replace(draft.said, definition=replace(definition, audience=audience))
    return replace(draft, said=said), left_out


def _grant_of(asked: CampaignReplay) -> Grant:
    actor = Actor(
        rights=frozenset({Right.CAMPAIGNS_WRITE}),
        reach=reach_of(asked.reach),
        organisation_id=asked.organisation_id,
        person_id=asked.asked_by,
    )
    return actor.granted(Right.CAMPAIGNS_WRITE)


@dataclass(slots=True)
class _Working:
    """One attempt at a replay; each of its steps is a transaction."""

    sessions: SessionFactory
    asked: CampaignReplay
    ends: float = field(kw_only=True)
    told_at: float = field(default_factory=time.monotonic)

    def reached(self, until: datetime) -> None:
        """Tell up to when it has come, from time to time.

        Raises:
            TookTooLong: Its time is over.
            Superseded: It is this worker's no more.
        """
        now = time.monotonic()
        if now > self.ends:
            raise TookTooLong
        if now < self.told_at + PACE.total_seconds():
            return
        self.told_at = now
        share = (until - self.asked.since) / (self.asked.asked_at - self.asked.since)

        def tell(asked: CampaignReplay) -> None:
            # What was told before the first day is read first.
            asked.share_done = max(0.0, min(share, 1.0))

        self._step(tell)

    def end(self, result: Result) -> None:
        """Keep what came of it."""

        def end(asked: CampaignReplay) -> None:
            asked.state, asked.done_at, asked.leased_until = ReplayState.DONE, clock.now(), None
            asked.result, asked.share_done = stored(result), 1.0

        self._step(end)

    def give_up(self) -> None:
        """Keep that it took too long."""

        def give_up(asked: CampaignReplay) -> None:
            WORK.fail(asked, Reason.TOOK_TOO_LONG)
            asked.done_at = clock.now()

        self._step(give_up)

    def _step(self, change: Callable[[CampaignReplay], None]) -> None:
        with transaction(self.sessions) as session:
            attempt = self.asked.attempt_count
            change(WORK.hold(session, self.asked.id, attempt=attempt, at=clock.now()))
