"""Requests to an identity provider.

Who runs the service names the provider, but what the provider's own documents name is called as
well. So an address is checked as any that somebody else named (`geoservices.fetching`).
"""

from collections.abc import Sequence
from typing import Final

from geoservices import fetching
from geoservices.fetching import Answer, Bounds, NotFetched
from geoservices.oidc.refusals import ProviderUnavailable
from geoservices.settings.entering import OidcSettings
from geoservices.settings.providers import ProviderSettings

MAX_BODY: Final = 262_144
"""Room for a provider's document and for the keys of many."""
OK: Final = 200
FORM: Final = "Content-Type: application/x-www-form-urlencoded"


class Fetcher:
    """Asks one provider."""

    def __init__(self, settings: OidcSettings, provider: ProviderSettings) -> None:
        self._fetcher = fetching.Fetcher(
            Bounds(
                timeout=settings.timeout,
                max_body=MAX_BODY,
                ca_file=settings.ca_file,
                allow_loopback=settings.allow_loopback,
                allow_private=provider.allow_private,
            )
        )

    def allows(self, url: str) -> bool:
        """Tell whether an address is one that may be called, or that browsers may be sent to."""
        return self._fetcher.allows(url)

    def fetch(self, url: str, *, form: str | None = None, headers: Sequence[str] = ()) -> Answer:
        """Get an address, or post a form to it.

        Raises:
            ProviderUnavailable: There was no answer in time, or one that is too long; or too many
                others wait for one.
        """
        try:
            return self._fetcher.fetch(
                url, form=form, headers=["Accept: application/json", *headers]
            )
        except NotFetched as error:
            raise ProviderUnavailable(error.reason) from None
