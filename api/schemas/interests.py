"""Topics, and what people want to hear of, on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from api.schemas.common import In, Out, Text
from api.schemas.definitions import Language, TopicWord, each_once
from geoservices.interests.models import Interest, Topic
from geoservices.interests.queries import TopicKey
from geoservices.interests.service import MOST_INTERESTS

Names = Annotated[
    dict[Language, Annotated[Text, StringConstraints(min_length=1, max_length=80)]],
    Field(
        min_length=1,
        max_length=20,
        description="What people read, by language; one of them the organisation's",
        examples=[{"en-GB": "Story time", "cy": "Amser stori"}],
    ),
]


class TopicIn(In):
    """What people read of a topic."""

    names: Names


class TopicOut(Out):
    """Something that an organisation tells people of."""

    organisation_id: UUID
    key: str = Field(description="The organisation's own word for it")
    names: dict[str, str] = Field(description="What people read, by language")


class InterestIn(In):
    """A topic: whose, and which."""

    organisation_id: UUID
    key: TopicWord


class InterestsIn(In):
    """All that a person wants to hear of, in place of what they chose before."""

    interests: Annotated[list[InterestIn], AfterValidator(each_once)] = Field(
        max_length=MOST_INTERESTS
    )

    def to_keys(self) -> list[TopicKey]:
        """Return what the domain takes."""
        return [TopicKey(one.organisation_id, one.key) for one in self.interests]


class InterestOut(TopicOut):
    """A topic that the person wants to hear of."""

    chosen_at: datetime

    @classmethod
    def of(cls, interest: Interest, topic: Topic) -> Self:
        """Tell of an interest."""
        return cls(
            organisation_id=topic.organisation_id,
            key=topic.key,
            names=topic.names,
            chosen_at=interest.chosen_at,
        )


class InterestsOut(Out):
    """All that a person wants to hear of."""

    interests: list[InterestOut]

    @classmethod
    def of(cls, chosen: list[tuple[Interest, Topic]]) -> Self:
        """Tell of a person's interests."""
        return cls(interests=[InterestOut.of(*one) for one in chosen])
