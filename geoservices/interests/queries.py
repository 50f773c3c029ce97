"""What is asked of topics, and of who wants to hear of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.database import among
from geoservices.interests.models import Interest, Topic


class TopicKey(NamedTuple):
    """Whose topic, and which; they are listed in the order of these."""

    organisation_id: UUID
    key: str


class AfterTopic(NamedTuple):
    """The last entry of a page of topics."""

    key: str
    organisation_id: UUID


def topics(
    session: Session, organisation_id: UUID | None, *, after: AfterTopic | None, limit: int
) -> Sequence[Topic]:
    """Return topics in the order of their keys, of one organisation or of all."""
    found = select(Topic)
    if organisation_id is not None:
        found = found.where(Topic.organisation_id == organisation_id)
    if after is not None:
        found = found.where(tuple_(Topic.key, Topic.organisation_id) > after)
    return session.scalars(found.order_by(Topic.key, Topic.organisation_id).limit(limit)).all()


def topics_by_key(session: Session, keys: Iterable[TopicKey]) -> dict[TopicKey, Topic]:
    """Return those of the topics that there are."""
    wanted = set(keys)
    found = session.scalars(
        select(Topic).where(
            among(Topic.organisation_id, {one.organisation_id for one in wanted}),
            among(Topic.key, {one.key for one in wanted}),
        )
    )
    by_key = {TopicKey(one.organisation_id, one.key): one for one in found}
    return {key: topic for key, topic in by_key.items() if key in wanted}


def hold_topics(session: Session, keys: Iterable[TopicKey]) -> set[TopicKey]:
    """Return those of the topics that there are, and keep them until the transaction ends."""
    wanted = set(keys)
    rows = session.execute(
        select(Topic.organisation_id, Topic.key)
        .where(
            among(Topic.organisation_id, {one.organisation_id for one in wanted}),
            among(Topic.key, {one.key for one in wanted}),
        )
        .order_by(Topic.organisation_id, Topic.key)
        .with_for_update(read=True, key_share=True)
    )
    return {TopicKey(*row) for row in rows} & wanted


def count_topics(session: Session, organisation_id: UUID) -> int:
    """Count an organisation's topics."""
    ours = select(func.count()).where(Topic.organisation_id == organisation_id)
    return session.scalars(ours).one()


def save_topic(session: Session, key: TopicKey, names: Mapping[str, str], *, at: datetime) -> Topic:
    """Store a topic, or other names of one that there is; return it."""
    return session.scalars(
        insert(Topic)
        .values(organisation_id=key.organisation_id, key=key.key, names=names, created_at=at)
        .on_conflict_do_update(index_elements=["organisation_id", "key"], set_={"names": names})
        .returning(Topic)
        .execution_options(populate_existing=True)
    ).one()


def delete_topic(session: Session, key: TopicKey) -> None:
    """Delete a topic, with who wanted to hear of it."""
    session.execute(
        delete(Topic).where(Topic.organisation_id == key.organisation_id, Topic.key == key.key)
    )


def interests_of(session: Session, person_id: UUID) -> list[tuple[Interest, Topic]]:
    """Return what a person wants to hear of, in the order of the topics' keys."""
    rows = session.execute(
        select(Interest, Topic)
        .join(
            Topic,
            (Topic.organisation_id == Interest.organisation_id) & (Topic.key == Interest.topic),
        )
        .where(Interest.person_id == person_id)
        .order_by(Topic.key, Topic.organisation_id)
    )
    return [(interest, topic) for interest, topic in rows]


def replace_interests(
    session: Session, person_id: UUID, keys: Collection[TopicKey], *, at: datetime
) -> None:
    """Have a person want to hear of these topics and no others; the transaction holds both."""
    chosen = tuple_(Interest.organisation_id, Interest.topic)
    session.execute(
        delete(Interest).where(Interest.person_id == person_id, chosen.not_in(list(keys)))
    )
    if keys:
        rows = [
            {
                "person_id": person_id,
                "organisation_id": one.organisation_id,
                "topic": one.key,
                "chosen_at": at,
            }
            for one in keys
        ]
        session.execute(insert(Interest).values(rows).on_conflict_do_nothing())


def forget(session: Session, person_id: UUID) -> None:
    """Forget what a person wants to hear of."""
    session.execute(delete(Interest).where(Interest.person_id == person_id))


def interested(
    session: Session,
    person_ids: Iterable[UUID],
    organisation_ids: Iterable[UUID],
    keys: Iterable[str],
) -> dict[tuple[UUID, UUID], frozenset[str]]:
    """Return which of some topics people want to hear of, by person and organisation."""
    rows = session.execute(
        select(Interest.person_id, Interest.organisation_id, func.array_agg(Interest.topic))
        .where(
            among(Interest.person_id, person_ids),
            among(Interest.organisation_id, organisation_ids),
            among(Interest.topic, keys),
        )
        .group_by(Interest.person_id, Interest.organisation_id)
    )
    return {(person_id, owner): frozenset(topics) for person_id, owner, topics in rows}
