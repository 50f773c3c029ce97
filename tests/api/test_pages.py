"""Pages for people: plain, safe, and none of them checks anybody in."""

import re
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api import code_page
from api.app import UNVERSIONED
from geoservices.accounts.models import Organisation
from geoservices.checkins.models import CheckIn
from geoservices.codes.links import CodeKind, CodeProblem
from geoservices.codes.models import Code
from geoservices.settings.service import Settings
from tests.api.asking import now
from tests.api.scanned import screen_link, static_link
from tests.factories import make_code, make_place


@pytest.fixture
def poster(session: Session, organisation: Organisation) -> Code:
    """A code at a place with an awkward name."""
    place = make_place(session, organisation, name='Tŷ <b>"R&D"</b>')
    place.website = "https://library.example/?a=1&b=2"
    code = make_code(session, place)
    session.commit()
    return code


def path_of(link: str, settings: Settings) -> str:
    """What a browser asks the service for."""
    return link.removeprefix(settings.public_url)


def test_a_link_leads_to_a_page_that_names_the_place(
    anyone: Client, session: Session, poster: Code, settings: Settings
) -> None:
    """With its name as text; looking stores nothing."""
    answer = anyone.get(path_of(static_link(poster, settings), settings))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "This code is for Tŷ &lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt;" in answer.text
    assert 'href="https://library.example/?a=1&amp;b=2"' in answer.text
    assert "You are not checked in" in answer.text
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


def test_a_phone_may_write_the_link_in_small_letters(
    anyone: Client, poster: Code, settings: Settings
) -> None:
    """The token has no case."""
    link = static_link(poster, settings)
    token = link.rpartition("/")[2]

    assert anyone.get(f"/C/{token.lower()}").status_code == 200


@pytest.mark.parametrize(
    ("asked", "language", "said"),
    [
        ("cy-GB,cy;q=0.9,en;q=0.8", "cy", "Nid ydych wedi’ch cofrestru"),
        ("en-US", "en-GB", "You are not checked in"),
        ("fr", "en-GB", "You are not checked in"),
    ],
)
def test_a_links_page_is_in_the_browsers_language(
    anyone: Client, poster: Code, settings: Settings, asked: str, language: str, said: str
) -> None:
    """It and that of a code that is unknown; caches are told that there are others."""
    path = path_of(static_link(poster, settings), settings)
    for page in (anyone.get(one, headers={"Accept-Language": asked}) for one in (path, "/C/none")):
        assert page.headers["content-language"] == language
        assert page.headers["vary"] == "Accept-Language"
        assert f'<html lang="{language}"' in page.text
        assert said in page.text


def test_every_language_has_a_word_for_all_that_can_come_of_a_code() -> None:
    """Another place is told of where somebody checks in, and never by the page."""
    for language, words in code_page.WORDS.items():
        told = {*words.useless, *words.for_now}
        assert told == {None, *CodeProblem} - {CodeProblem.OTHER_PLACE}, language


@pytest.mark.parametrize("website", ["javascript:alert(1)", "library.example", None])
def test_only_a_web_address_becomes_a_link(
    anyone: Client, session: Session, poster: Code, settings: Settings, website: str | None
) -> None:
    """Imports take what their source has."""
    place = make_place(session, session.get_one(Organisation, poster.organisation_id))
    place.website = website
    code = make_code(session, place)
    session.commit()

    page = anyone.get(path_of(static_link(code, settings), settings)).text
    links = re.findall(r'<a href="(.*?)"', page)
    assert [link.partition("#")[0] for link in links] == ["/check-in"]


def test_a_screens_code_of_before_says_what_to_do(
    anyone: Client, session: Session, poster: Code, settings: Settings
) -> None:
    """The page takes longer to open than the code lives."""
    poster.kind = CodeKind.ROTATING
    session.commit()
    fresh, old = (
        anyone.get(path_of(screen_link(poster, settings, now() - timedelta(minutes=ago)), settings))
        for ago in (0, 5)
    )

    assert (fresh.status_code, old.status_code) == (200, 200)
    assert "scan the screen again" not in fresh.text
    assert "scan the screen again" in old.text


def test_codes_of_which_nothing_can_come_have_pages_too(
    anyone: Client, session: Session, poster: Code, settings: Settings
) -> None:
    """Unknown ones, and those that were withdrawn or are over."""
    path = path_of(static_link(poster, settings), settings)
    unknown = anyone.get(path[:-4] + "AAAA")
    poster.valid_until = now()
    session.commit()
    expired = anyone.get(path)
    poster.revoked_at = now()
    session.commit()
    revoked = anyone.get(path)

    assert (unknown.status_code, "We do not know this code" in unknown.text) == (404, True)
    assert (expired.status_code, "This code is too old" in expired.text) == (410, True)
    assert (revoked.status_code, "not used any more" in revoked.text) == (410, True)


def test_pages_load_nothing_of_anyone_elses(
    anyone: Client, poster: Code, settings: Settings
) -> None:
    """No script or style stands in a page, none is another's, and no other site frames it."""
    pages = [
        anyone.get(path)
        for path in (
            path_of(static_link(poster, settings), settings),
            *("/C/none", "/screen"),
        )
    ]

    for page in pages:
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-store"
        assert "style=" not in page.text
        assert "<script>" not in page.text
        assert 'lang="en-GB"' in page.text


@pytest.mark.parametrize(
    ("file", "media_type"),
    [
        ("pages.css", "text/css"),
        ("screen.js", "text/javascript"),
        ("bell.svg", "image/svg+xml"),
    ],
)
def test_what_pages_load_is_served(anyone: Client, file: str, media_type: str) -> None:
    """As its type, which browsers insist on."""
    answer = anyone.get(f"/pages/{file}")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)


def test_the_head_of_what_anybody_may_read_is_there_too(anyone: Client) -> None:
    """As programs ask for it that preview links: the same, without content."""
    paths = {
        path
        for router in UNVERSIONED
        for route in router.routes
        if isinstance(route, APIRoute) and "{" not in (path := route.path)
    } | {"/C/nothing", "/problems/not-found", "/problems/nothing"}

    for path in sorted(paths):
        whole, head = anyone.get(path), anyone.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        same = ("content-type", "content-length", "content-security-policy", "cache-control")
        assert [head.headers.get(one) for one in same] == [whole.headers.get(one) for one in same]
    assert anyone.head("/v1/places").status_code == 405
