"""What an organisation says of itself, changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Organisation
from geoservices.accounts.service import check_time_zone
from geoservices.campaigns import definitions
from geoservices.campaigns import queries as campaigns
from geoservices.campaigns.timetables import next_of
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.languages import look_up, normal_language

MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationDraft:
    """What an organisation is to say of itself; None stays. `language` is a BCP 47 tag."""

    name: str | None = None
    time_zone: str | None = None
    language: str | None = None


class CampaignsWithoutText(GeoservicesError):
    """Campaigns that are published say nothing in the language."""

    kind = ErrorKind.CONFLICT
    code = "campaigns-without-text"
    title = "Some campaigns say nothing in this language"

    def __init__(self, language: str, lacking: Sequence[tuple[UUID, str]]) -> None:
        self.lacking = lacking
        super().__init__(
            f"People who chose no language are told in the organisation's. Give a text in "
            f"{language} to each variant of these {len(lacking)} campaigns, or end them.",
            field="/language",
        )

    def extra(self) -> Mapping[str, object]:
        """Name the first of them."""
        first = self.lacking[:MOST_NAMED]
        return {"campaigns": [{"id": str(id_), "name": name} for id_, name in first]}


def change_organisation(
    session: Session, organisation_id: UUID, draft: OrganisationDraft, *, at: datetime
) -> Organisation:
    """Have an organisation say something else of itself.

    Days that are over stay counted by the time zone of before. Timetables that name no zone go by
    the new one from now on.

    Raises:
        TimeZoneUnknown: The time zone is no IANA name.
        LanguageRefused: The language is no tag of one.
        CampaignsWithoutText: It is another, in which a campaign that may still tell says nothing.
    """
    accounts.hold_organisation(session, organisation_id)
    organisation = accounts.organisation_by_id(session, organisation_id)
    if draft.language is not None:
        language = normal_language(draft.language, field="/language")
        if language != organisation.language:
            _check_campaigns(session, organisation_id, language, at=at)
        organisation.language = language
    if draft.time_zone is not None:
        check_time_zone(draft.time_zone)
        if draft.time_zone != organisation.time_zone:
            _follow_clocks(session, organisation_id, draft.time_zone, at=at)
        organisation.time_zone = draft.time_zone
    organisation.name = draft.name or organisation.name
    session.flush()
    return organisation


def _follow_clocks(
    session: Session, organisation_id: UUID, time_zone: str, *, at: datetime
) -> None:
    # Looked for by the new clocks, a run that is due by the old ones would not be found.
    for _campaign, version in campaigns.not_over(session, organisation_id, at=at):
        if version.runs_next_at is not None:
            definition = definitions.read(version.definition)
            version.runs_next_at = next_of(definition, time_zone=time_zone, after=at)


def _check_campaigns(
    session: Session, organisation_id: UUID, language: str, *, at: datetime
) -> None:
    telling = campaigns.not_over(session, organisation_id, at=at)
    lacking = sorted(
        (campaign.name, campaign.id)
        for campaign, version in telling
        if any(
            look_up(variant.texts, language) is None
            for variant in definitions.read(version.definition).content
        )
    )
    if lacking:
        raise CampaignsWithoutText(language, [(id_, name) for name, id_ in lacking])
