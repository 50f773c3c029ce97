"""The page of letters' links in a real browser: nothing happens until somebody presses."""

from collections.abc import Iterator
from datetime import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Purpose
from geoservices.channels.models import ChannelChoice
from geoservices.database import SessionFactory
from geoservices.letters import addresses, service
from geoservices.letters.links import make_unsubscribe_token
from geoservices.letters.models import EmailAddress, Letter
from geoservices.settings.service import Settings
from tests.api.asking import now
from tests.api.serving import serving
from tests.browsing import empty_page
from tests.factories import make_person
from tests.writing import token_in


@pytest.fixture
def site(application: FastAPI, sessions: SessionFactory) -> Iterator[str]:
    """Where a browser reaches the application on the test's own sessions."""
    application.state.sessions = sessions
    with serving(application) as address:
        yield address


@pytest.fixture
def given(session: Session, settings: Settings) -> EmailAddress:
    """An address that somebody gave and did not confirm."""
    person = make_person(session, Purpose.NEARBY, Purpose.EMAIL)
    session.add(ChannelChoice(person_id=person.id, purpose=Purpose.NEARBY, push=True, email=True))
    address = addresses.set_address(
        session, person, "anna@example.org", digest_at=time(17), settings=settings, at=now()
    )
    session.commit()
    return address


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser's empty page."""
    with empty_page(chromium) as page:
        yield page


def test_an_address_is_confirmed_by_pressing(
    page: Page, site: str, session: Session, settings: Settings, given: EmailAddress
) -> None:
    """Once; opened again, the link has been used."""
    ids = session.scalars(select(Letter.id)).all()
    [posting] = service.claim(session, ids, settings=settings, at=now())
    session.commit()
    link = f"{site}/email#{token_in(posting)}"

    page.goto(link)
    button = page.get_by_role("button", name="Yes, this address is mine")
    expect(button).to_be_visible()
    box = button.bounding_box()
    violations = Axe().run(page).response["violations"]
    session.refresh(given)
    opened = given.confirmed_at
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Your address is confirmed.")
    session.refresh(given)
    pressed = given.confirmed_at
    page.reload()
    button.click()

    expect(page.get_by_role("status")).to_contain_text("was used before")
    assert opened is None
    assert pressed is not None
    assert violations == []
    # Large enough for a thumb (WCAG 2.2, success criterion 2.5.5).
    assert box is not None
    assert box["height"] >= 44


def test_letters_are_ended_by_pressing(
    page: Page, site: str, session: Session, settings: Settings, given: EmailAddress
) -> None:
    """Programs that open every link end nothing."""
    key = settings.codes.key.get_secret_value().encode()
    page.goto(f"{site}/v1/email/unsubscribe?token={make_unsubscribe_token(key, given.id)}")
    button = page.get_by_role("button", name="Send me no more letters")
    expect(button).to_be_visible()
    choice = session.scalars(select(ChannelChoice)).one()
    session.refresh(choice)
    opened = choice.email
    button.click()
    expect(page.get_by_role("status")).to_contain_text("You will get no more letters.")
    session.refresh(choice)

    assert (opened, choice.email) == (True, False)


def test_a_link_that_is_not_whole_says_so(page: Page, site: str) -> None:
    """And offers nothing to press."""
    page.goto(f"{site}/email")

    expect(page.get_by_role("status")).to_contain_text("Part of this link is missing")
    expect(page.get_by_role("button")).to_be_hidden()
