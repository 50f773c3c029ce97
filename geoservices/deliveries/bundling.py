"""Bundles: what one person is told at one moment is one push, and stays several in the inbox."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.bulk_queries import store_all
from geoservices.campaigns.rules import CampaignClass
from geoservices.channels import queries as channels
from geoservices.deliveries import bundle_queries as queries
from geoservices.deliveries.bundle_queries import Member
from geoservices.deliveries.claiming import Claimable, Obstacle, is_over, nothing_left
from geoservices.notifications.bundles import Words, most_urgent, words
from geoservices.notifications.models import Notification, NotificationKind
from geoservices.subscriptions import queries as subscriptions
from geoservices.trips import update_rows


class InBundle(NamedTuple):
    """That a notification is in a bundle."""

    id: UUID
    bundle_id: UUID


class Loose(NamedTuple):
    """A notification that may be bundled with others to the same person and of the same origin."""

    notification: Notification
    origin: UUID | None


def bundle(session: Session, loose: Sequence[Loose], *, at: datetime) -> list[Notification]:
    """Bundle what is to be pushed to one person at once, and return what is to be delivered.

    What is critical is never part of what is not. Who has no browser has no use for a bundle, and
    what somebody wants no push for is in none. A bundle has no words of its own: what it says is
    made of what is still in it whenever it is sent or read.
    """
    groups: dict[tuple[UUID, UUID | None, bool], list[Notification]] = defaultdict(list)
    for one, origin in loose:
        critical = one.campaign_class == CampaignClass.CRITICAL
        groups[one.person_id, origin, critical].append(one)
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return [one for one, _ in loose]
    wanted = channels.wanted_as_push(session, [one.id for group in several for one in group])
    browsers = subscriptions.subscriptions_of_people(
        session, {group[0].person_id for group in several}
    )
    made: list[tuple[Notification, list[Notification]]] = []
    for group in several:
        pushed = [one for one in group if one.id in wanted]
        if len(pushed) > 1 and browsers.get(group[0].person_id):
            made.append((_bundle_of(pushed, at), pushed))
    store_all(session, [one for one, _ in made])
    for one, members in made:
        for member in members:
            member.bundle_id = one.id
    inside = [InBundle(member.id, one.id) for one, members in made for member in members]
    update_rows(session, Notification.__tablename__, inside, lasting=())
    alone = [one for one, _ in loose if one.bundle_id is None]
    return [*alone, *(one for one, _ in made)]


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

    A bundle of which one message is left says what that says, and opens it.
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
            opens = there[0].id if len(there) == 1 else one.notification_id
            told.append((one._replace(title=said.title, body=said.body, opens=opens), None))
    return told


def _bundle_of(members: Sequence[Notification], at: datetime) -> Notification:
    return Notification(
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
