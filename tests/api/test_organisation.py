"""What an organisation says of itself, over HTTP."""

from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Organisation
from tests.api import asking
from tests.factories import make_listing, make_place

PATH = "/v1/organisation"
UNSEEN = {"synchronize_session": False}
"""What another transaction changes."""
BILINGUAL = [
    {
        "texts": {
            "en-GB": {"title": "Hot drink", "body": "At {place}."},
            "cy": {"title": "Diod boeth", "body": "Yn {place}."},
        }
    }
]


def test_admins_change_it_bit_by_bit(admin: Client, manager: Client) -> None:
    """What is left out stays, the language is written in one way, and managers only look."""
    before = manager.get(PATH).json()

    changed = admin.patch(PATH, json={"name": "Cyngor", "language": "CY-gb"})
    moved = admin.patch(PATH, json={"time_zone": "Europe/Dublin"})
    refused = manager.patch(PATH, json={"name": "Ours"})

    assert (before["slug"], before["language"]) == ("devon", "en-GB")
    assert changed.json() == before | {"name": "Cyngor", "language": "cy-GB"}
    assert moved.json() == changed.json() | {"time_zone": "Europe/Dublin"}
    assert refused.status_code == 403
    assert manager.get(PATH).json() == moved.json()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"time_zone": "Europe/Exeter"}, "time-zone-unknown", "/time_zone"),
        ({"language": "welsh please"}, "language-refused", "/language"),
        ({"name": ""}, "invalid-request", "/name"),
        ({"slug": "cornwall"}, "invalid-request", "/slug"),
    ],
)
def test_what_cannot_be_is_refused(
    admin: Client, body: dict[str, str], code: str, field: str
) -> None:
    """With the member at fault, and nothing is changed."""
    before = admin.get(PATH).json()

    refused = admin.patch(PATH, json={"name": "Other"} | body)

    assert (refused.status_code, refused.json()["type"]) == (422, f"/problems/{code}")
    assert refused.json()["field"] == field
    assert admin.get(PATH).json() == before


def test_what_another_admin_changed_meanwhile_stays(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two change different things at the same moment."""
    hold = accounts.hold_organisation

    def wait_for_the_other(session: Session, organisation_id: UUID) -> None:
        renamed = update(Organisation).where(Organisation.id == organisation_id)
        session.execute(renamed.values(name="Cyngor"), execution_options=UNSEEN)
        hold(session, organisation_id)

    monkeypatch.setattr(accounts, "hold_organisation", wait_for_the_other)
    moved = admin.patch(PATH, json={"time_zone": "Europe/Dublin"}).json()

    assert (moved["name"], moved["time_zone"]) == ("Cyngor", "Europe/Dublin")


def test_a_language_in_which_campaigns_say_nothing_is_refused(
    admin: Client, session: Session, organisation: Organisation
) -> None:
    """It says which; drafts and what has ended do not count, and another name may be given."""
    listing = make_listing(session, make_place(session, organisation))
    session.commit()

    def make(name: str, *, published: bool = True, **changes: object) -> str:
        body = asking.campaign(listing.id, name=name, **changes)
        campaign: str = admin.post("/v1/campaigns", json=body).json()["id"]
        if published:
            assert admin.put(f"/v1/campaigns/{campaign}/publication").status_code == 200
        return campaign

    make("Both", content=BILINGUAL)
    make("Draft", published=False)
    english, later = make("English"), make("Later", schedule={"starts_at": "2090-01-01T00:00:00Z"})
    ended = make("Ended")
    admin.delete(f"/v1/campaigns/{ended}/publication")

    refused = admin.patch(PATH, json={"name": "Cyngor", "language": "cy"})
    renamed = admin.patch(PATH, json={"name": "Cyngor", "language": "en-GB"})
    for one in (english, later):
        said = asking.campaign(listing.id, content=BILINGUAL)
        assert admin.put(f"/v1/campaigns/{one}", json=said).status_code == 200
    changed = admin.patch(PATH, json={"language": "cy"})

    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "/problems/campaigns-without-text",
    )
    assert refused.json()["campaigns"] == [
        {"id": english, "name": "English"},
        {"id": later, "name": "Later"},
    ]
    assert (renamed.json()["name"], renamed.json()["language"]) == ("Cyngor", "en-GB")
    assert changed.json()["language"] == "cy"
