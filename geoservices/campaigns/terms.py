"""What a definition asks for when something sets it off."""

from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.rules import CampaignClass, Terms, Trigger
from geoservices.campaigns.windows import Weekly


def terms_of(
    definition: Definition,
    trigger: Trigger,
    *,
    campaign_class: CampaignClass,
    purpose: str,
    weekly: Weekly,
) -> Terms:
    """Return what the gates ask of a definition.

    Args:
        definition: The campaign's.
        trigger: What set it off this time.
        campaign_class: The campaign's.
        purpose: What people must have agreed to.
        weekly: The definition's windows, in their zone.
    """
    return Terms(
        trigger=trigger,
        campaign_class=campaign_class,
        purpose=purpose,
        min_confidence=definition.min_confidence,
        only_when_open=definition.only_when_open,
        cooldown=definition.cooldown,
        cooldown_per=definition.cooldown_per,
        weekly=weekly,
        cap=definition.cap,
    )
