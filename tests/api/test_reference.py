"""The reference page works where there is no internet."""

import re

from httpx2 import Client


def test_the_reference_page_needs_nothing_from_elsewhere(anyone: Client) -> None:
    """Every address in it is this service's own, and answers."""
    page = anyone.get("/docs")

    addresses = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert page.status_code == 200
    assert len(addresses) == 3
    assert [a for a in addresses if not a.startswith("/")] == []
    assert [anyone.get(a).status_code for a in addresses] == [200, 200, 200]
