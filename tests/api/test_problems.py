"""The pages that problem documents point to."""

from pathlib import Path

import pytest
from httpx2 import Client

from api.problems import catalogue, status_of
from api.problems_page import page
from geoservices.errors import GeoservicesError

PAGE = Path(__file__).parents[2] / "docs" / "problems.md"


def subclasses(of: type[GeoservicesError]) -> list[type[GeoservicesError]]:
    """Every class of refusals below one."""
    direct = of.__subclasses__()
    return direct + [deeper for one in direct for deeper in subclasses(one)]


def test_every_refusal_has_its_own_code_title_and_meaning() -> None:
    """Codes are public and never change, so no two refusals may share one."""
    errors = [error for error in subclasses(GeoservicesError) if hasattr(error, "code")]

    assert len({error.code for error in errors}) == len(errors) == len(catalogue())
    for error in errors:
        assert error.code == error.code.lower().replace("_", "-")
        assert error.title
        assert error.__doc__
        assert 400 <= status_of(error) < 600


def test_the_page_of_problems_is_up_to_date() -> None:
    """docs/problems.md is what `python -m api.problems_page` prints."""
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("code", ["not-found", "consent-missing", "body-too-large", "unavailable"])
def test_the_type_of_a_problem_leads_to_its_meaning(anyone: Client, code: str) -> None:
    """Without a token, since the problem may be that there is none."""
    answer = anyone.get(f"/problems/{code}")

    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert answer.json()["status"] == status_of(catalogue()[code])
    assert answer.json()["meaning"].endswith(".")


@pytest.mark.parametrize("code", ["x", "not_found", "NOT-FOUND", "%00", "internal-error%20"])
def test_an_unknown_code_is_itself_a_problem(anyone: Client, code: str) -> None:
    """There is no such page."""
    answer = anyone.get(f"/problems/{code}")

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


def test_following_the_type_of_a_refusal_works(anyone: Client) -> None:
    """The address in the document is the address of the page."""
    refused = anyone.get("/v1/visits").json()

    explained = anyone.get(refused["type"]).json()

    assert explained["title"] == refused["title"]
    assert explained["status"] == refused["status"]
