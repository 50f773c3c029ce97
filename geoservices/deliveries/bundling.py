"""Bundles: what one person is told at one moment is one push, and stays several in the inbox."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.bulk_queries import store_plain
from geoservices.campaigns.rules import CampaignClass
from geoservices.channels import queries as channels
from geoservices.deliveries import bundle_queries as queries
from geoservices.deliveries.bundle_queries import Member, Unsent
from geoservices.deliveries.claiming import Claimable, Obstacle, is_over, nothing_left
from geoservices.notifications.bundles import Words, most_urgent, words
from geoservices.notifications.models import NewNotification, Notification, NotificationKind
from geoservices.subscriptions import queries as subscriptions
from geoservices.trips import update_rows

TAKES_IN: Final = timedelta(minutes=10)
"""What has waited to be pushed for longer stays as it is."""
Group = tuple[UUID, UUID | None, bool]
"""To whom, because of which place, and whether it is critical."""


class InBundle(NamedTuple):
    """That a notification is in a bundle."""

    id: UUID
    bundle_id: UUID


class Loose(NamedTuple):
    """A notification that may be bundled with others to the same person and of the same origin."""

    notification: NewNotification
    origin: UUID | None


def bundle(
    session: Session, loose: Sequence[Loose], *, broadcast: bool, at: datetime
) -> list[NewNotification]:
    """Bundle what is to be pushed to one person at once, and return what is to be delivered.

    What is critical is never part of what is not. Who has no browser has no use for a bundle, and
    what somebody wants no push for is in none. A bundle has no words of its own: what it says is
    made of what is still in it whenever it is sent or read. What was to be pushed because of the
    same place just before, and has not been, takes in what comes now.

    Args:
        session: Its transaction holds the people.
        loose: What may be bundled.
        broadcast: Whether it gives way to what is told to one person.
        at: Now.
    """
    groups: dict[Group, list[NewNotification]] = defaultdict(list)
    for one, origin in loose:
        critical = one.campaign_class == CampaignClass.CRITICAL
        groups[one.person_id, origin, critical].append(one)
    before = _unsent(session, groups, broadcast=broadcast, at=at)
    joining = {key: group for key, group in groups.items() if len(group) > 1 or key in before}
    if not joining:
        return [one for one, _ in loose]
    wanted = channels.wanted_as_push(
        session, [one.id for group in joining.values() for one in group]
    )
    browsers = subscriptions.subscriptions_of_people(session, {key[0] for key in joining})
    made: list[NewNotification] = []
    inside: list[InBundle] = []
    pushed_as: dict[UUID, tuple[UUID, datetime]] = {}
    for key, group in joining.items():
        members = [one for one in group if one.id in wanted]
        earlier = before.get(key)
        alone = len(members) == 1 and earlier is None
        if not members or alone or not browsers.get(key[0]):
            continue
        if earlier is not None and earlier.is_bundle:
            bundle_id = earlier.id
        else:
            new = _bundle_of(members, at)
            made.append(new)
            bundle_id = new.id
        if earlier is not None:
            pushed_as[earlier.id] = bundle_id, max(one.expires_at for one in members)
            if not earlier.is_bundle:
                inside.append(InBundle(earlier.id, bundle_id))
        for member in members:
            member.bundle_id = bundle_id
            inside.append(InBundle(member.id, bundle_id))
    store_plain(session, Notification, made)
    update_rows(session, Notification.__tablename__, inside, lasting=())
    if pushed_as:
        queries.push_as(session, pushed_as, at=at)
        outbox.ring(session)
    on_their_way = {bundle_id for bundle_id, _ in pushed_as.values()}
    unbundled = [one for one, _ in loose if one.bundle_id is None]
    return [*unbundled, *(one for one in made if one.id not in on_their_way)]


def words_of(
    session: Session, notifications: Sequence[Notification], *, at: datetime
) -> dict[UUID, Words]:
    """Return what each bundle among some notifications says, by its id."""
    bundles = [one.id for one in notifications if one.kind == NotificationKind.BUNDLE]
    members = queries.members_of(session, bundles, at=at) if bundles else {}
    return {id_: _words(there) for id_, there in members.items()}


def with_words(
    session: Session, taken: Sequence[Claimable], *, at: datetime
) -> list[tuple[Claimable, Obstacle | None]]:
    """Return deliveries with what they say, and why one of them has nothing left to say, if so.

    A bundle is as urgent as what is still in it. With one message left it says what that says, and
    opens it.
    """
    bundles = [one.notification_id for one in taken if one.kind == NotificationKind.BUNDLE]
    members = queries.members_of(session, bundles, at=at) if bundles else {}
    told: list[tuple[Claimable, Obstacle | None]] = []
    for one in taken:
        if one.kind != NotificationKind.BUNDLE:
            told.append((one, None))
            continue
        there = [
            member
            for member in members.get(one.notification_id, ())
            if member.wanted and is_over(member.told, at=at) is None
        ]
        if not there:
            told.append((one, nothing_left()))
        else:
            said = _words(there)
            now = one._replace(
                title=said.title,
                body=said.body,
                campaign_class=most_urgent([member.campaign_class for member in there]),
            )
            if len(there) == 1:
                now = now._replace(opens=there[0].id, task_id=there[0].task_id)
            told.append((now, None))
    return told


def _unsent(
    session: Session,
    groups: Mapping[Group, Sequence[NewNotification]],
    *,
    broadcast: bool,
    at: datetime,
) -> dict[Group, Unsent]:
    places = {place_id for _, place_id, _ in groups if place_id is not None}
    if not places:
        return {}
    found = queries.unsent(
        session,
        {person_id for person_id, _, _ in groups},
        places,
        since=at - TAKES_IN,
        besides=[one.id for group in groups.values() for one in group],
        broadcast=broadcast,
    )
    return {(one.person_id, one.place_id, one.is_critical): one for one in found}


def _bundle_of(members: Sequence[NewNotification], at: datetime) -> NewNotification:
    return NewNotification(
        id=uuid4(),
        kind=NotificationKind.BUNDLE,
        person_id=members[0].person_id,
        campaign_class=most_urgent([one.campaign_class for one in members]),
        title="",
        body="",
        created_at=at,
        expires_at=max(one.expires_at for one in members),
    )


def _words(there: Sequence[Member]) -> Words:
    if len(there) == 1:
        return Words(there[0].title, there[0].body)
    return words(
        [one.title for one in there], [one.place for one in there], language=there[0].language
    )
