"""A worker knows every kind of listing from its start, whatever its jobs import."""

import os
import subprocess
import sys
from pathlib import Path

from geoservices.codes.links import make_code_key
from geoservices.listings.models import ListingKind
from geoservices.push.vapid import make_vapid_key

ROOT = Path(__file__).parents[2]
KNOWN = """
from workers.app import app
app.loader.import_default_modules()
from geoservices.listings.models import Listing
print(*sorted(Listing.__mapper__.polymorphic_map))
"""


def test_a_worker_can_load_listings_of_every_kind() -> None:
    """In a process of its own: here the tests have imported them all."""
    environment = {
        **os.environ,
        "GEOSERVICES_DATABASE_URL": "postgresql://unused",
        "GEOSERVICES_BROKER_URL": "redis://127.0.0.1:1/0",
        "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY": make_vapid_key(),
        "GEOSERVICES_PUSH__VAPID_CONTACT": "mailto:push@council.example",
        "GEOSERVICES_CODES__KEY": make_code_key(),
    }

    told = subprocess.run(
        [sys.executable, "-c", KNOWN], cwd=ROOT, env=environment, capture_output=True, check=True
    )

    assert told.stdout.decode().split() == sorted(ListingKind)
