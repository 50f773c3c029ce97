"""Which goals a campaign can reach, by what its listing is."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from geoservices.campaigns.definitions import GoalKind
from geoservices.campaigns.drafts import Draft
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.events.models import Event, SigningUp
from geoservices.listings.models import ListingKind

NEEDS: Final[Mapping[GoalKind, ListingKind]] = {
    GoalKind.REDEEMED: ListingKind.OFFER,
    GoalKind.SIGNED_UP: ListingKind.EVENT,
    GoalKind.ATTENDED: ListingKind.EVENT,
    GoalKind.DONE: ListingKind.TASK,
}
"""What the listing has to be for anybody to reach a goal; the others fit any."""
SOONEST_FORGOTTEN: Final = timedelta(days=3)
"""Sign-ups are deleted a week after the occurrence, and have to be counted before."""


class GoalOutOfReach(GeoservicesError):
    """Nobody could reach the goal, or nobody could tell."""

    kind = ErrorKind.INVALID
    code = "goal-out-of-reach"
    title = "The goal cannot be reached"


def faults_of_goal(draft: Draft) -> Iterator[GeoservicesError]:
    """Find why a draft's goal cannot be reached."""
    goal, listing = draft.said.definition.goal, draft.listing
    if goal is None:
        return
    needed = NEEDS.get(goal.kind)
    if needed is not None and (listing is None or needed != listing.kind):
        said = "has no listing" if listing is None else f"is about one of the kind {listing.kind}"
        yield GoalOutOfReach(
            f"The goal `{goal.kind}` is for a listing of the kind {needed}, and the campaign "
            f"{said}. Choose another goal, such as `opened`.",
            field="/goal/kind",
        )
        return
    if isinstance(listing, Event):
        yield from _faults_of_event(goal.kind, listing)
    if goal.kind is GoalKind.SIGNED_UP and goal.within > SOONEST_FORGOTTEN:
        yield GoalOutOfReach(
            f"Sign-ups are kept too short a time to be counted for longer than "
            f"{SOONEST_FORGOTTEN.days} days. Say less, or choose the goal `attended`.",
            field="/goal/within",
        )
    if goal.kind is GoalKind.DONE and goal.target is not None:
        yield GoalOutOfReach(
            "A task is done or not, so there is no share of it. Leave `target` out.",
            field="/goal/target",
        )


def _faults_of_event(kind: GoalKind, event: Event) -> Iterator[GeoservicesError]:
    if kind is GoalKind.SIGNED_UP and event.sign_up != SigningUp.OPEN:
        yield GoalOutOfReach(
            "Nobody can sign up for the event. Open it for that, or choose another goal.",
            field="/goal/kind",
        )
    if kind is GoalKind.ATTENDED and event.length is None:
        yield GoalOutOfReach(
            "Nobody can tell who came to the event, as it does not say how long it takes. Give it "
            "a length or an end, or choose the goal `checked-in`.",
            field="/goal/kind",
        )
