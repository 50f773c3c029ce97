"""Codes at places: made, printed, shown on screens and revoked by managers."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.qr import draw_link
from geoservices.accounts.models import Organisation
from geoservices.codes.links import CodeKind
from geoservices.codes.models import Code
from geoservices.places.models import Place
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import with_token
from tests.api.scanned import screen_link, screen_secret, static_link
from tests.factories import make_code, make_place
from tests.scanning import paint_pdf, paint_svg, scan


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.fixture
def codes(place: Place) -> str:
    """Where the place's codes are."""
    return f"/v1/places/{place.id}/codes"


def test_a_static_code_has_a_link_and_a_rotating_one_a_screen(
    manager: Client, codes: str, settings: Settings
) -> None:
    """Each has what it is used with; a code counts at once and has no end unless told."""
    static = manager.post(codes, json=asking.code()).json()
    rotating = manager.post(codes, json=asking.code(kind="rotating")).json()

    assert static["link"].startswith(f"{settings.public_url}/C/")
    assert static["screen"] is None
    assert rotating["screen"].startswith(f"{settings.public_url}/screen#gss_")
    assert rotating["link"] is None
    assert static["valid_until"] is None
    assert static["valid_from"] == static["created_at"]


def test_nothing_secret_is_stored(manager: Client, session: Session, codes: str) -> None:
    """The link is made from the row's id and a key, so it can be printed again and again."""
    made = manager.post(codes, json=asking.code()).json()
    again = manager.get(f"{codes}/{made['id']}").json()

    row = session.execute(select(*Code.__table__.columns)).one()
    token = made["link"].rpartition("/")[2]
    assert again == made
    assert not any(token in str(value) for value in row)


def test_the_same_code_again_is_the_first_one(
    manager: Client, session: Session, codes: str
) -> None:
    """Sent by a browser that lost the answer."""
    body = asking.code(id=str(uuid4()))

    first, second = (manager.post(codes, json=body) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert session.scalar(select(func.count()).select_from(Code)) == 1


@pytest.mark.parametrize(
    "changes",
    [{"label": "Back door"}, {"kind": "rotating"}, {"valid_until": "2100-01-01T00:00:00Z"}],
)
def test_an_id_used_for_another_code_is_taken(
    manager: Client, codes: str, changes: dict[str, str]
) -> None:
    """It names the first one."""
    body = asking.code(id=str(uuid4()))
    manager.post(codes, json=body)

    answer = manager.post(codes, json=body | changes)

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/id-taken"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"valid_until": "2020-01-01T00:00:00Z"}, id="over before it is made"),
        pytest.param(
            {"valid_from": "2100-01-01T00:00:00Z", "valid_until": "2100-01-01T00:00:00Z"},
            id="no time at all",
        ),
    ],
)
def test_a_code_must_not_end_before_it_begins(
    manager: Client, session: Session, codes: str, changes: dict[str, str]
) -> None:
    """Nothing is stored."""
    answer = manager.post(codes, json=asking.code(**changes))

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/code-ends-before-it-begins"
    assert session.scalar(select(func.count()).select_from(Code)) == 0


def test_codes_are_listed_newest_first_in_pages(manager: Client, codes: str) -> None:
    """Revoked ones too, with no address of theirs."""
    ids = [manager.post(codes, json=asking.code(label=str(n))).json()["id"] for n in range(3)]
    manager.delete(f"{codes}/{ids[1]}")

    page = manager.get(codes, params={"limit": 2}).json()
    rest = manager.get(page["next"]).json()

    found = page["items"] + rest["items"]
    assert [one["id"] for one in found] == ids[::-1]
    assert [one["link"] is None for one in found] == [False, True, False]
    assert rest["next"] is None


def test_revoking_twice_is_as_good_as_once(manager: Client, codes: str) -> None:
    """The first moment stays."""
    made = manager.post(codes, json=asking.code()).json()
    address = f"{codes}/{made['id']}"

    first = manager.delete(address)
    revoked = manager.get(address).json()
    second = manager.delete(address)

    assert (first.status_code, second.status_code) == (204, 204)
    assert revoked["revoked_at"] is not None
    assert manager.get(address).json() == revoked


def test_a_code_is_found_at_its_own_place_alone(
    manager: Client, session: Session, organisation: Organisation, codes: str
) -> None:
    """At another place of the same organisation it is not there."""
    other = make_place(session, organisation, name="Elsewhere")
    session.commit()
    made = manager.post(codes, json=asking.code()).json()

    answer = manager.get(f"/v1/places/{other.id}/codes/{made['id']}")

    assert answer.status_code == 404


def test_the_poster_says_what_the_code_says(manager: Client, codes: str) -> None:
    """On paper and in a drawing; it is marked as its type, and is the same each time."""
    made = manager.post(codes, json=asking.code()).json()

    pdf = manager.get(f"{codes}/{made['id']}/poster.pdf")
    svg = manager.get(f"{codes}/{made['id']}/poster.svg")

    assert pdf.headers["content-type"] == "application/pdf"
    assert svg.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert scan(paint_pdf(pdf.content)) == scan(paint_svg(svg.text)) == made["link"].upper()
    assert manager.get(f"{codes}/{made['id']}/poster.pdf").content == pdf.content


@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_what_changes_or_has_ended_has_no_poster(manager: Client, codes: str, form: str) -> None:
    """Nobody prints what can never be used."""
    rotating = manager.post(codes, json=asking.code(kind="rotating")).json()
    revoked = manager.post(codes, json=asking.code()).json()
    manager.delete(f"{codes}/{revoked['id']}")

    for made in (rotating, revoked):
        answer = manager.get(f"{codes}/{made['id']}/poster.{form}")
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/no-poster"


def test_a_screen_is_given_the_next_steps(
    anyone: Client, session: Session, place: Place, settings: Settings
) -> None:
    """Three minutes of them without a gap, the first one now, each with a code of its own."""
    code = make_code(session, place, CodeKind.ROTATING)
    session.commit()

    shown = with_token(anyone, screen_secret(code, settings)).get("/v1/screen").json()

    times = [
        (datetime.fromisoformat(one["shown_from"]), datetime.fromisoformat(one["shown_until"]))
        for one in shown["codes"]
    ]
    now = datetime.fromisoformat(shown["now"])
    assert (shown["place_name"], shown["label"]) == (place.name, "Front desk")
    assert times[0][0] <= now < times[0][1]
    assert all(until - begins == timedelta(seconds=30) for begins, until in times)
    assert all(times[n][1] == times[n + 1][0] for n in range(5))
    for (begins, _until), one in zip(times, shown["codes"], strict=True):
        drawn = draw_link(screen_link(code, settings, begins), correction="m")
        assert one["qr"] == {"size_modules": drawn.size, "path": drawn.path}


def test_a_screen_ends_with_its_code(
    anyone: Client, manager: Client, session: Session, place: Place, settings: Settings
) -> None:
    """And whoever copied its address has nothing."""
    code = make_code(session, place, CodeKind.ROTATING)
    session.commit()
    screen = with_token(anyone, screen_secret(code, settings))
    before = screen.get("/v1/screen")

    manager.delete(f"/v1/places/{place.id}/codes/{code.id}")

    assert before.status_code == 200
    assert screen.get("/v1/screen").status_code == 401


def test_a_posters_token_runs_no_screen(
    anyone: Client, session: Session, place: Place, settings: Settings
) -> None:
    """Nor does the secret made for a static code, should anybody come by one."""
    code = make_code(session, place)
    session.commit()
    secrets = [screen_secret(code, settings), static_link(code, settings).rpartition("/")[2]]

    answers = [with_token(anyone, secret).get("/v1/screen").status_code for secret in secrets]

    assert answers == [401, 401]
