"""Organisations offer topics, and people choose what they want to hear of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import TELLING
from geoservices.accounts.models import Person
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError
from geoservices.interests import queries
from geoservices.interests.models import Interest, Topic
from geoservices.interests.queries import TopicKey
from geoservices.languages import normal_language
from geoservices.scopes import everywhere

MOST_TOPICS: Final = 100
"""Of one organisation; nobody chooses from more."""
MOST_INTERESTS: Final = 100
"""Of one person, of all organisations together."""


class TooManyTopics(GeoservicesError):
    """The organisation has as many topics as one may have; none was made."""

    kind = ErrorKind.CONFLICT
    code = "too-many-topics"
    title = "There are too many topics"

    def __init__(self) -> None:
        super().__init__(f"At most {MOST_TOPICS} are possible. Delete one, and try again.")


class TopicNameMissing(GeoservicesError):
    """The topic has no name in the organisation's own language."""

    kind = ErrorKind.INVALID
    code = "topic-name-missing"
    title = "The topic has no name that everybody is shown"

    def __init__(self, language: str) -> None:
        super().__init__(
            f"Name it in {language} too: that is shown to whoever reads none of the others.",
            field="/names",
        )


class TopicUnknown(GeoservicesError):
    """Something was chosen that no organisation offers."""

    kind = ErrorKind.INVALID
    code = "topic-unknown"
    title = "There is no such topic"

    def __init__(self, key: str, *, field: str) -> None:
        super().__init__(
            f"“{key}” is no topic of that organisation, or not any more. GET /v1/topics has those "
            "there are.",
            field=field,
        )


def offer_topic(
    session: Session, key: str, names: Mapping[str, str], *, grant: Grant, at: datetime
) -> Topic:
    """Offer a topic, or give it other names; who chose it keeps it.

    Args:
        session: The transaction.
        key: The organisation's own word for it.
        names: What people read, by language.
        grant: Of whoever offers it.
        at: Now.

    Raises:
        Forbidden: Only some places are within reach; a topic is for all of them.
        LanguageRefused: A name's language is no tag.
        TopicNameMissing: None is in the organisation's own language.
        TooManyTopics: There are as many as may be.
    """
    _check_reach(grant)
    said = {normal_language(tag, field=f"/names/{tag}"): name for tag, name in names.items()}
    own = accounts.organisation_by_id(session, grant.organisation_id).language
    if own not in said:
        raise TopicNameMissing(own)
    offered = TopicKey(grant.organisation_id, key)
    # Two who offer the last one wait for each other.
    accounts.hold_organisation(session, grant.organisation_id)
    known = queries.topics_by_key(session, [offered])
    if not known and queries.count_topics(session, grant.organisation_id) >= MOST_TOPICS:
        raise TooManyTopics
    return queries.save_topic(session, offered, said, at=at)


def withdraw_topic(session: Session, key: str, *, grant: Grant) -> None:
    """Offer a topic no more: nobody has it as an interest then; again changes nothing.

    Raises:
        Forbidden: Only some places are within reach.
    """
    _check_reach(grant)
    queries.delete_topic(session, TopicKey(grant.organisation_id, key))


def choose_interests(
    session: Session, person: Person, keys: Sequence[TopicKey], *, at: datetime
) -> list[tuple[Interest, Topic]]:
    """Have a citizen want to hear of these topics and no others; the same again changes nothing.

    Raises:
        Forbidden: They are a member of an organisation.
        ConsentMissing: They agreed to nothing that they could be told of; nothing is stored.
        TopicUnknown: One of them is none.
    """
    if Role(person.role) is not Role.CITIZEN:
        raise Forbidden("Members are told by role, team and skill. Choose as a citizen.")
    accounts.lock_people(session, [person.id])
    if keys:
        consents.require_consent(session, person.id, TELLING)
    # Topics are held against being deleted, which only their organisation may do itself.
    with everywhere(session):
        known = queries.hold_topics(session, keys)
    for number, one in enumerate(keys):
        if one not in known:
            raise TopicUnknown(one.key, field=f"/interests/{number}")
    queries.replace_interests(session, person.id, keys, at=at)
    return queries.interests_of(session, person.id)


def _check_reach(grant: Grant) -> None:
    if grant.actor.reach is not None:
        raise Forbidden("You manage only some places, and a topic is for all of them.")
