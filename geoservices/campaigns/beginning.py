"""How runs begin: by a listing, by the clock, or because somebody says so now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.campaigns import definitions, place_queries, queries, run_queries, service
from geoservices.campaigns.lifecycle import State
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.reaching import people_of_a_run
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.campaigns.speaking import Speaker
from geoservices.campaigns.timetables import next_of, runs_between
from geoservices.campaigns.versions import definitions_of
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, TooOften
from geoservices.listings import queries as listing_queries
from geoservices.listings.models import Listing, ListingKind

SET_OFF_BY: Final[Mapping[str, Trigger]] = {
    ListingKind.EVENT: Trigger.EVENT_PUBLISHED,
    ListingKind.TASK: Trigger.TASK_CREATED,
}
A_DAY: Final = timedelta(days=1)
MOST_A_DAY: Final = 100
"""So many runs of one campaign begin in any day; what would be more is passed over."""
LATE: Final = timedelta(hours=3)
"""A run of a timetable that nobody could begin for longer than this is passed over."""
LEAST_PAUSE: Final = timedelta(hours=1)
"""Between two runs by which somebody has citizens told now."""
MISSED: Final = "It was missed, and another one was due by then."
TOO_LATE: Final = "It was missed for too long."
TOO_MANY: Final = f"The campaign had run {MOST_A_DAY} times within a day."


class CampaignNotLive(GeoservicesError):
    """Only a campaign that is live runs."""

    kind = ErrorKind.CONFLICT
    code = "campaign-not-live"
    title = "The campaign is not live"

    def __init__(self, state: State) -> None:
        super().__init__(f"It is {state}. Publish it, or wait until it has started.")


class CampaignNotForNow(GeoservicesError):
    """The campaign does not say that somebody may have it run."""

    kind = ErrorKind.CONFLICT
    code = "campaign-not-for-now"
    title = "The campaign does not run by hand"

    def __init__(self) -> None:
        super().__init__("Its triggers do not have `now` among them. Add it, and ask again.")


class RunsTooOften(TooOften):
    """It told citizens within the last hour, or has run a hundred times within a day."""

    code = "runs-too-often"
    title = "It would tell the same people too often"

    def __init__(self, wait: timedelta, why: str) -> None:
        minutes = -(-wait // timedelta(minutes=1))
        super().__init__(wait, f"{why} Ask again in {minutes} minutes. Nothing was done this time.")


def begin_now(
    session: Session,
    campaign_id: UUID,
    *,
    run_id: UUID | None,
    grant: Grant,
    smallest: int,
    at: datetime,
) -> tuple[CampaignRun, bool]:
    """Have a campaign tell all whom it is for; the same id again changes nothing.

    Of fewer than `smallest` people no refusal tells anything.

    Returns:
        The run, and whether it was begun just now.

    Raises:
        NotFound: There is no such campaign of the organisation's.
        CampaignNotLive: It is not.
        CampaignNotForNow: It is for other triggers.
        RunsTooOften: It told citizens within the last hour, or ran too often within a day.
        IdTaken: The id belongs to another run.
    """
    campaign = service.get_campaign(session, campaign_id, grant=grant)
    queries.hold(session, campaign)
    known = run_queries.run_by_id(session, run_id) if run_id else None
    if known is not None:
        if known.campaign_id != campaign_id or known.trigger != Trigger.NOW:
            raise IdTaken("run")
        return known, False
    version = queries.newest_version(session, campaign)
    state = service.state_at(campaign, version, at)
    if state is not State.LIVE:
        raise CampaignNotLive(state)
    definition = definitions.read(version.definition)
    if Trigger.NOW not in definition.triggers:
        raise CampaignNotForNow
    begun = run_queries.begun_since(session, [campaign.id], since=at - A_DAY).get(campaign.id, [])
    if len(begun) >= MOST_A_DAY:
        raise RunsTooOften(sorted(begun)[-MOST_A_DAY] + A_DAY - at, TOO_MANY)
    again_at = max(begun, default=at - LEAST_PAUSE) + LEAST_PAUSE
    if Role.CITIZEN in definition.audience.roles and again_at > at:
        draft = service.draft_of(session, campaign, grant=grant)
        people = people_of_a_run(session, draft, smallest=smallest)
        why = f"It ran within the last hour, and would tell {people} again."
        raise RunsTooOften(again_at - at, why)
    speaker = _speaker(session, campaign, version)
    run = _run(speaker, Trigger.NOW, at, place_id=place_of(session, speaker, at), at=at)
    run.id, run.requested_by = run_id or run.id, grant.actor.person_id
    run_queries.insert_new(session, [run])
    made = run_queries.run_by_id(session, run.id)
    if made is None:
        # Another organisation's run has the id.
        raise IdTaken("run")
    outbox.ring(session)
    return made, True


def begin_for(session: Session, listing_ids: Iterable[UUID], *, at: datetime) -> None:
    """Begin the runs that listings set off, each campaign's once for each listing."""
    found = listing_queries.by_id(session, listing_ids).values()
    new = [
        (one, one.came_up_at)
        for one in found
        # A task that came to wait for others again is announced anew once it does not.
        if one.came_up_at is not None and one.why_over(at) is None
    ]
    listening: dict[UUID, list[Speaker]] = defaultdict(list)
    heard = place_queries.listening_to(session, [one.place_id for one, _ in new], at=at)
    defined = definitions_of(session, {one.key for one in heard})
    for each in heard:
        listening[each.place_id].append(Speaker.of(each, defined[each.key]))
    runs = [
        _run(speaker, trigger, came_up_at, listing=listing, at=at)
        for listing, came_up_at in new
        if (trigger := SET_OFF_BY.get(listing.kind)) is not None
        for speaker in listening[listing.place_id]
        if speaker.campaign.organisation_id == listing.organisation_id
        and speaker.listens_for(trigger, came_up_at)
    ]
    _store(session, runs, at=at)


def begin_due(session: Session, *, at: datetime, limit: int) -> int:
    """Begin the runs that timetables have due, and write down those that were missed.

    Returns:
        How many timetables were looked at.
    """
    due = run_queries.hold_due(session, at=at, limit=limit)
    runs: list[CampaignRun] = []
    for campaign, version in due:
        runs += _scheduled(session, campaign, version, at)
    _store(session, runs, at=at)
    return len(due)


def place_of(session: Session, speaker: Speaker, at: datetime) -> UUID | None:
    """Return the place that a run is about which no listing set off; None if it is about none."""
    if speaker.listing is not None:
        return speaker.listing.place_id
    named = speaker.definition.only_place
    if named is None:
        return None
    # It may be shared with the organisation no more.
    heard = place_queries.listening_to(session, [named], at=at)
    return named if any(one.campaign.id == speaker.campaign.id for one in heard) else None


def _scheduled(
    session: Session, campaign: Campaign, version: CampaignVersion, at: datetime
) -> list[CampaignRun]:
    speaker = _speaker(session, campaign, version)
    definition, due_at = speaker.definition, version.runs_next_at
    zone = speaker.organisation.time_zone
    version.runs_next_at = None
    if campaign.ended_at is not None or version.in_force_until is not None:
        return []
    version.runs_next_at = next_of(definition, time_zone=zone, after=at)
    if definition.timetable is None or due_at is None:
        return []
    ends_at = definition.schedule.ends_at
    starts = [
        start
        for start in runs_between(definition.timetable, time_zone=zone, since=due_at, until=at)
        if ends_at is None or start < ends_at
    ]
    place_id = place_of(session, speaker, at)
    runs = [_run(speaker, Trigger.SCHEDULE, start, place_id=place_id, at=at) for start in starts]
    for run in runs[:-1]:
        _pass_over(run, MISSED, at)
    if runs and at - runs[-1].occurred_at > LATE:
        _pass_over(runs[-1], TOO_LATE, at)
    return runs


def _store(session: Session, runs: Sequence[CampaignRun], *, at: datetime) -> None:
    """Store runs; those that are too many for a campaign are passed over."""
    begun = run_queries.begun_since(session, {run.campaign_id for run in runs}, since=at - A_DAY)
    count = {campaign_id: len(times) for campaign_id, times in begun.items()}
    for run in runs:
        if run.state != CampaignRunState.UNDER_WAY:
            continue
        so_far = count.get(run.campaign_id, 0)
        if so_far >= MOST_A_DAY:
            _pass_over(run, TOO_MANY, at)
        else:
            count[run.campaign_id] = so_far + 1
    if run_queries.insert_new(session, runs):
        outbox.ring(session)


def _speaker(session: Session, campaign: Campaign, version: CampaignVersion) -> Speaker:
    return Speaker(
        campaign=campaign,
        version=version,
        definition=definitions.read(version.definition),
        listing=_listing(session, campaign.listing_id),
        organisation=accounts.organisation_by_id(session, campaign.organisation_id),
    )


def _listing(session: Session, listing_id: UUID | None) -> Listing | None:
    return listing_queries.by_id(session, [listing_id])[listing_id] if listing_id else None


def _run(
    speaker: Speaker,
    trigger: Trigger,
    occurred_at: datetime,
    *,
    listing: Listing | None = None,
    place_id: UUID | None = None,
    at: datetime,
) -> CampaignRun:
    spoken_of = listing or speaker.listing
    return CampaignRun(
        id=uuid4(),
        organisation_id=speaker.campaign.organisation_id,
        campaign_id=speaker.campaign.id,
        version=speaker.version.number,
        trigger=trigger,
        listing_id=spoken_of.id if spoken_of else None,
        place_id=listing.place_id if listing else place_id,
        occurred_at=occurred_at,
        created_at=at,
        state=CampaignRunState.UNDER_WAY,
        sent=0,
        held=0,
        due_at=at,
    )


def _pass_over(run: CampaignRun, reason: str, at: datetime) -> None:
    run.state, run.reason, run.ended_at = CampaignRunState.PASSED_OVER, reason, at
