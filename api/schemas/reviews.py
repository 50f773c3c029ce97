"""What is told of a campaign before it is published."""

from typing import Self

from pydantic import Field

from api.schemas.common import Out
from geoservices.campaigns.estimating import in_words
from geoservices.campaigns.reviewing import Review, Shown, Weight
from geoservices.campaigns.screens import Device, OnScreen, on_screens


class FindingOut(Out):
    """Something to know of a campaign; what is `refused` keeps it from being published."""

    weight: Weight
    code: str = Field(description="Of a problem, or of a warning")
    in_words: str
    field: str | None = Field(description="Of the campaign, as a JSON Pointer")


class RunsEstimateOut(Out):
    """What the runs of a campaign come to, by its own windows, cooldown, cap and shares."""

    people: int | None = Field(
        description="How many each run would tell; null is fewer than are told of"
    )
    in_a_week: int | None = Field(
        description="How many runs the timetable has in the seven days from its next one on; null "
        "if there is none, as nobody knows how often something else sets it off"
    )
    messages_a_day: int | None = Field(
        description="How many these come to; null also where that is fewer than are told of"
    )


class EstimateOut(Out):
    """What a campaign would have sent in the last seven days to people who agreed to be counted."""

    messages_a_day: int | None = Field(description="How many; null is fewer than are told of")
    people: int | None = Field(description="How many are told; null is fewer than are told of")
    runs: RunsEstimateOut | None = Field(description="What its runs come to; null if it has none")
    in_words: str


class ReviewOut(Out):
    """All that was found."""

    may_be_published: bool
    findings: list[FindingOut]
    estimate: EstimateOut

    @classmethod
    def of(cls, review: Review) -> Self:
        """Tell of a review."""
        found = [FindingOut.model_validate(one) for one in review.findings]
        return cls(
            may_be_published=all(one.weight is not Weight.REFUSED for one in found),
            findings=found,
            estimate=EstimateOut(
                messages_a_day=review.estimate.messages_a_day,
                people=review.estimate.people,
                runs=RunsEstimateOut.model_validate(review.estimate.runs)
                if review.estimate.runs
                else None,
                in_words=in_words(review.estimate),
            ),
        )


class OnScreenOut(Out):
    """What one kind of device shows of it until it is opened."""

    device: Device
    title: str = Field(description="What is cut ends in …")
    body: str

    @classmethod
    def of(cls, shown: OnScreen) -> Self:
        """Tell what is shown."""
        return cls(device=shown.device, title=shown.text.title, body=shown.text.body)


class ShownOut(Out):
    """What one variant says, its placeholders filled."""

    variant: str
    weight: int = Field(
        description="How many people are told this, in proportion to the other variants"
    )
    language: str
    title: str
    body: str
    on_screens: list[OnScreenOut] = Field(
        description="What devices show of it until it is opened, about: sizes of letters differ"
    )

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """Tell what is shown."""
        return cls(
            variant=shown.variant,
            weight=shown.weight,
            language=shown.language,
            title=shown.text.title,
            body=shown.text.body,
            on_screens=[OnScreenOut.of(one) for one in on_screens(shown.text)],
        )
