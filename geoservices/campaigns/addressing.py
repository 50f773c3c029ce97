"""What speaks against whom a campaign is for."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final, ParamSpec
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts.consents import TELLING, TEXTS, TOLD_ANYWHERE
from geoservices.accounts.models import Purpose
from geoservices.campaigns import queries
from geoservices.campaigns.conditions import contradiction
from geoservices.campaigns.definitions import Audience, Condition, Definition, Did
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.rules import BY_RUNS, CampaignClass, Trigger
from geoservices.campaigns.triggering import is_about_a_place
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.interests import queries as interest_queries
from geoservices.interests.queries import TopicKey
from geoservices.languages import normal_language
from geoservices.listings import queries as listings
from geoservices.listings.models import ListingKind
from geoservices.places import access_queries
from geoservices.settings.privacy import RetentionSettings

P = ParamSpec("P")
LISTED: Final[Mapping[Did, ListingKind]] = {
    Did.REDEEMED: ListingKind.OFFER,
    Did.SIGNED_UP: ListingKind.EVENT,
    Did.DONE: ListingKind.TASK,
}
"""Of which kind of listing people do it."""


class PurposeNotForAudience(GeoservicesError):
    """The campaign could never speak: its audience cannot agree to that for its purpose."""

    kind = ErrorKind.INVALID
    code = "purpose-not-for-audience"
    title = "The audience cannot agree to the purpose"

    def __init__(self, *, purpose: str, audience: str, trigger: str | None = None) -> None:
        never = f"The purpose {purpose} is never asked of the audience {audience}"
        if trigger is not None:
            never += f" for what the trigger {trigger} tells, wherever they are; nearby is"
        super().__init__(f"{never}.", field="/purpose")


class TaskNotForCitizens(GeoservicesError):
    """It speaks of tasks, and tasks are for staff."""

    kind = ErrorKind.INVALID
    code = "task-not-for-citizens"
    title = "A task is not for citizens"

    def __init__(self) -> None:
        super().__init__(
            "It speaks of a task. Address the campaign to the audience staff.",
            field="/audience/roles",
        )


class CriticalForCitizens(GeoservicesError):
    """It is of the class critical, which breaks quiet hours and caps, and its audience is wider."""

    kind = ErrorKind.INVALID
    code = "critical-for-citizens"
    title = "What is critical is not for citizens"

    def __init__(self) -> None:
        super().__init__(
            "The class critical is for work that cannot wait: it is told within quiet hours and "
            "beyond what one person is told otherwise. Choose the class service, or leave out the "
            "role citizen.",
            field="/campaign_class",
        )


class AudienceContradictory(GeoservicesError):
    """Nobody could be all that the audience asks for."""

    kind = ErrorKind.INVALID
    code = "audience-contradictory"
    title = "Nobody can be all of this"


class ConditionOutOfReach(GeoservicesError):
    """Nobody could tell who did it, or it is of something that there is not, or is not yours."""

    kind = ErrorKind.INVALID
    code = "condition-out-of-reach"
    title = "Nobody can tell who did this"


def _faults_of_purpose(definition: Definition, purpose: Purpose) -> Iterator[GeoservicesError]:
    anywhere = purpose in {of for of, _version in TOLD_ANYWHERE}
    of_runs = next((one for one in definition.triggers if one in BY_RUNS), None)
    for role in definition.audience.roles:
        if purpose not in TELLING or role not in TEXTS[purpose].roles:
            yield PurposeNotForAudience(purpose=purpose, audience=role)
        elif role is Role.CITIZEN and of_runs is not None and not anywhere:
            yield PurposeNotForAudience(purpose=purpose, audience=role, trigger=of_runs)


def faults_of_audience(session: Session, draft: Draft, grant: Grant) -> Iterator[GeoservicesError]:
    """Find why an audience may not be stored, in the order of the document."""
    audience, purpose = draft.said.definition.audience, Purpose(draft.said.purpose)
    of_tasks = draft.listing is not None and draft.listing.kind == ListingKind.TASK
    of_tasks = of_tasks or Trigger.TASK_CREATED in draft.said.definition.triggers
    if of_tasks and Role.CITIZEN in audience.roles:
        yield TaskNotForCitizens()
    if draft.said.campaign_class == CampaignClass.CRITICAL and Role.CITIZEN in audience.roles:
        yield CriticalForCitizens()
    yield from _faults_of_purpose(draft.said.definition, purpose)
    if audience.team_ids and Role.CITIZEN in audience.roles:
        yield AudienceContradictory(
            "Citizens are in no team. Leave out the role citizen, or the teams.",
            field="/audience/team_ids",
        )
    if audience.skills and Role.CITIZEN in audience.roles:
        yield AudienceContradictory(
            "Citizens have no skills here. Leave out the role citizen, or the skills.",
            field="/audience/skills",
        )
    if audience.visited is not None and not is_about_a_place(draft):
        yield AudienceContradictory(
            "A run of it would be about no place, where everybody is new. Leave out `visited`, or "
            "have `places` name one place by its id and nothing else.",
            field="/audience/visited",
        )
    yield from _faults_of_names(session, audience, grant)
    yield from _faults_of_conditions(session, draft, grant)


def faults_of_memory(
    audience: Audience, kept: Mapping[Did, timedelta]
) -> Iterator[GeoservicesError]:
    """Find what an audience is to have done, or not, so long ago that nobody knows any more."""
    for condition, field in _numbered(audience):
        if condition.within > kept[condition.did]:
            yield ConditionOutOfReach(
                f"What people did of `{condition.did}` is kept for {kept[condition.did].days} days "
                "here, so that nobody knows of longer. Say no more than that.",
                field=f"{field}/within",
            )


def kept_of(retention: RetentionSettings) -> dict[Did, timedelta]:
    """Return how long is kept what people do."""
    return {
        Did.CHECKED_IN: retention.check_ins,
        Did.OPENED: retention.notifications,
        Did.REDEEMED: retention.redemptions,
        Did.SIGNED_UP: retention.sign_ups,
        Did.DONE: retention.task_steps,
    }


def caught(
    check: Callable[P, object], *args: P.args, **named: P.kwargs
) -> Iterator[GeoservicesError]:
    """Yield what a check refuses, if it refuses anything."""
    try:
        check(*args, **named)
    except GeoservicesError as refused:
        yield refused


def _numbered(audience: Audience) -> Iterator[tuple[Condition, str]]:
    """Go through the conditions, each with where it stands in the document."""
    for name, conditions in (("has", audience.has), ("has_not", audience.has_not)):
        for number, one in enumerate(conditions):
            yield one, f"/audience/{name}/{number}"


def _faults_of_conditions(
    session: Session, draft: Draft, grant: Grant
) -> Iterator[GeoservicesError]:
    audience = draft.said.definition.audience
    for one, field in _numbered(audience):
        if one.did is Did.DONE and Role.CITIZEN in audience.roles:
            yield AudienceContradictory(
                "Citizens do no tasks. Leave out the role citizen, or the condition.",
                field=f"{field}/did",
            )
        if one.did is Did.CHECKED_IN and not _has_places(draft):
            yield ConditionOutOfReach(
                "The campaign is for no place where anybody could check in. Name places, or leave "
                "the condition out.",
                field=f"{field}/did",
            )
        if one.of is None and one.did in LISTED and grant.actor.reach is not None:
            yield ConditionOutOfReach(
                "You manage only some places, and without `of` this counts at all. Name a "
                f"listing of the kind {LISTED[one.did]}.",
                field=f"{field}/of",
            )
        if one.of is not None and not _is_within_reach(session, one, one.of, grant):
            kind = LISTED.get(one.did)
            known = f"listing of the kind {kind}" if kind else "campaign"
            yield ConditionOutOfReach(
                "Nobody checks in at a listing. Leave `of` out: it is the campaign's places."
                if one.did is Did.CHECKED_IN
                else f"You manage no such {known}.",
                field=f"{field}/of",
            )
    for number, one in enumerate(audience.has):
        if one.did is Did.OPENED and one.of is None:
            yield AudienceContradictory(
                "Nobody opens a message of this campaign before it has told them something. Name "
                "another campaign in `of`.",
                field=f"/audience/has/{number}/of",
            )
    if (found := contradiction(audience)) is not None:
        number, other = found
        yield AudienceContradictory(
            f"Whoever did this did what `has_not` rules out: `{other.did}` within "
            f"{other.within.total_seconds() / 86_400:.3g} days. Leave one of the two out, or look "
            "less far back in `has_not` than in `has`.",
            field=f"/audience/has/{number}",
        )


def _faults_of_names(
    session: Session, audience: Audience, grant: Grant
) -> Iterator[GeoservicesError]:
    """Find what is named that the organisation does not have, or that is nothing."""
    known = queries.found_teams(session, audience.team_ids, grant.organisation_id)
    for number, team_id in enumerate(audience.team_ids):
        if team_id not in known:
            yield AudienceContradictory(
                "Your organisation has no such team.", field=f"/audience/team_ids/{number}"
            )
    for number, language in enumerate(audience.languages):
        yield from caught(normal_language, language, field=f"/audience/languages/{number}")
    if audience.interests and set(audience.roles) != {Role.CITIZEN}:
        yield AudienceContradictory(
            "Members choose no interests. Leave out the roles but citizen, or the interests.",
            field="/audience/interests",
        )
    offered = interest_queries.topics_by_key(
        session, [TopicKey(grant.organisation_id, one) for one in audience.interests]
    )
    for number, key in enumerate(audience.interests):
        if TopicKey(grant.organisation_id, key) not in offered:
            yield AudienceContradictory(
                f"Your organisation has no topic “{key}”. Offer it with PUT /v1/topics/{key}.",
                field=f"/audience/interests/{number}",
            )


def _has_places(draft: Draft) -> bool:
    return draft.said.definition.places is not None or draft.listing is not None


def _is_within_reach(session: Session, condition: Condition, subject: UUID, grant: Grant) -> bool:
    """Tell whether somebody manages what a condition names, and it is of the kind that it needs."""
    kind = LISTED.get(condition.did)
    listing_id: UUID | None = subject
    if condition.did is Did.OPENED:
        campaign = queries.campaign_by_id(session, subject)
        if campaign is None or campaign.organisation_id != grant.organisation_id:
            return False
        listing_id = campaign.listing_id
    elif kind is None:
        return False
    if listing_id is None:
        return grant.actor.reach is None
    listing = listings.by_id(session, [listing_id]).get(listing_id)
    return (
        listing is not None
        and listing.organisation_id == grant.organisation_id
        and kind in {None, listing.kind}
        and access_queries.is_reached(session, listing.place_id, grant)
    )
