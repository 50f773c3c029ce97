"""Who may speak at a place, and in which words."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from geoservices.accounts.models import Organisation
from geoservices.campaigns.chances import Draw, lot, pick
from geoservices.campaigns.conditions import Whose
from geoservices.campaigns.definitions import Channel, Definition, Text, Variant
from geoservices.campaigns.lifecycle import counts_for
from geoservices.campaigns.models import Campaign, CampaignVersion, NewDecision
from geoservices.campaigns.occasions import Occasion
from geoservices.campaigns.place_queries import Listening
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.windows import Weekly
from geoservices.campaigns.wording import Figures, choose_text, fill
from geoservices.listings.models import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A version that may speak at a place, of a listing if it has one."""

    campaign: Campaign
    version: CampaignVersion
    definition: Definition
    listing: Listing | None
    organisation: Organisation

    @classmethod
    def of(cls, listening: Listening, definition: Definition) -> "Speaker":
        """Return it with what it is defined as."""
        return cls(
            campaign=listening.campaign,
            version=listening.version,
            definition=definition,
            listing=listening.listing,
            organisation=listening.organisation,
        )

    @property
    def whose(self) -> Whose:
        """Which campaign it is, and of which organisation."""
        return Whose(self.campaign.id, self.campaign.organisation_id)

    def listens_for(self, trigger: Trigger, occurred_at: datetime) -> bool:
        """Tell whether this version is the one that counts for something at an instant."""
        starts_at = self.definition.schedule.starts_at
        return (
            trigger in self.definition.triggers
            and (starts_at is None or occurred_at >= starts_at)
            and counts_for(
                in_force_from=self.version.in_force_from,
                in_force_until=self.version.in_force_until,
                published_at=self.campaign.published_at,
                occurred_at=occurred_at,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a decision is to send, in the person's language: `pushed`, or in the inbox alone."""

    decision: NewDecision
    campaign: Campaign
    listing: Listing | None
    text: Text
    pushed: bool = True


def weekly_of(definition: Definition, organisation: Organisation) -> Weekly:
    """Return a definition's weekly windows, in its own time zone or the organisation's."""
    schedule = definition.schedule
    return Weekly(windows=schedule.windows, time_zone=schedule.time_zone or organisation.time_zone)


def figures_of(
    listing: Listing | None, organisation: Organisation, *, place: str | None, time_zone: str
) -> Figures:
    """Return what stands in place of a text's placeholders, at a place of that name."""
    return Figures(
        place=place,
        listing=listing.title if listing else None,
        organisation=organisation.name,
        starts_at=listing.starts_at if listing else None,
        ends_at=listing.ends_at if listing else None,
        time_zone=time_zone,
    )


def variant_for(definition: Definition, *, campaign_id: UUID, person_id: UUID) -> Variant:
    """Return the way of saying it that the lot gives to somebody: always the same."""
    chance = lot(Draw.VARIANT, campaign_id, person_id)
    return definition.content[pick([one.weight for one in definition.content], chance)]


def say(decision: NewDecision, speaker: Speaker, occasion: Occasion) -> Message:
    """Return what a decision to tell somebody says, and note in it which variant that is."""
    person, place = occasion.person, occasion.place
    variant = variant_for(speaker.definition, campaign_id=speaker.campaign.id, person_id=person.id)
    _, text = choose_text(variant, language=person.language, default=speaker.organisation.language)
    decision.variant = variant.name
    figures = figures_of(
        speaker.listing,
        speaker.organisation,
        place=place.name if place else None,
        time_zone=place.time_zone if place else speaker.organisation.time_zone,
    )
    return Message(
        decision=decision,
        campaign=speaker.campaign,
        listing=speaker.listing,
        text=fill(text, figures),
        pushed=speaker.definition.channel is Channel.PUSH,
    )
