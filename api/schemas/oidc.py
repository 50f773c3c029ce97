"""Identity providers on the wire."""

from pydantic import Field

from api.schemas.common import Out
from geoservices.oidc.provider import Provider


class ProviderOut(Out):
    """An identity provider to sign in with."""

    slug: str = Field(description="Its short name, which stands in addresses")
    name: str = Field(description="What people know it by; for a button")
    organisation: str = Field(description="The short name of the organisation it is of")
    start: str = Field(description="Where a browser begins; `return_to` may follow in the query")


class SignedOut(Out):
    """What a provider's word has ended."""

    ended: int = Field(ge=0, description="How many sign-ins")


def provider_out(provider: Provider) -> ProviderOut:
    """Return a provider as it is told."""
    own = provider.settings
    return ProviderOut(
        slug=own.slug,
        name=own.name,
        organisation=own.organisation,
        start=f"/v1/oidc/{own.slug}/start",
    )
