"""The pages that problem documents point to."""

from fastapi import APIRouter

from api.problems import catalogue, meaning_of, problem_responses, status_of
from api.reading import ReadRoute
from api.schemas.problems import ProblemTypeOut
from geoservices.errors import NotFound

router = APIRouter(tags=["problems"], route_class=ReadRoute)


@router.get("/problems/{code}", responses=problem_responses(NotFound))
def explain_problem(code: str) -> ProblemTypeOut:
    """See what a problem's code means."""
    error = catalogue().get(code)
    if error is None:
        raise NotFound("problem")
    return ProblemTypeOut(
        code=error.code, title=error.title, status=status_of(error), meaning=meaning_of(error)
    )
