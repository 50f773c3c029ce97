"""A campaign's run goes on: the next people are decided about, and told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import telling
from geoservices.campaigns import running
from geoservices.campaigns.deciding import limits_of
from geoservices.campaigns.rules import CampaignClass
from geoservices.campaigns.running import Step
from geoservices.campaigns.speaking import Message
from geoservices.settings.service import Settings

PEOPLE_AT_ONCE: Final = 500
"""So many people are gone through in one transaction."""


def take_step(
    session: Session,
    run_id: UUID,
    *,
    settings: Settings,
    at: datetime,
    limit: int = PEOPLE_AT_ONCE,
) -> Step:
    """Decide about the next people of a run, and have them told; twice tells nobody twice.

    What is critical waits behind nothing; all else gives way to what somebody is told because of
    what they did.
    """

    def tell(messages: Sequence[Message], campaign_class: CampaignClass) -> None:
        broadcast = campaign_class is not CampaignClass.CRITICAL
        telling.tell(session, messages, together=False, broadcast=broadcast, at=at)

    limits = limits_of(settings.campaigns)
    return running.take_step(session, run_id, limits=limits, at=at, limit=limit, tell=tell)
