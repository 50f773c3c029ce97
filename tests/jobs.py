"""The workers' code, imported into the tests' own process."""

import pytest

from geoservices.codes.links import make_code_key
from geoservices.push.vapid import make_vapid_key

# Settings are read once, when the application is imported; what is used of them is set later.
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("GEOSERVICES_DATABASE_URL", "postgresql://unused")
    patch.setenv("GEOSERVICES_BROKER_URL", "redis://127.0.0.1:1/0")
    patch.setenv("GEOSERVICES_PUSH__VAPID_PRIVATE_KEY", make_vapid_key())
    patch.setenv("GEOSERVICES_CODES__KEY", make_code_key())
    patch.setenv("GEOSERVICES_PUSH__VAPID_CONTACT", "mailto:push@council.example")
    from workers import runtime
    from workers.app import app

__all__ = ["app", "runtime"]
