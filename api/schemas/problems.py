"""What a problem's code means, on the wire."""

from pydantic import Field

from api.schemas.common import Out


class ProblemTypeOut(Out):
    """A sort of problem: the page that a problem document's `type` points to."""

    code: str
    title: str
    status: int = Field(description="The HTTP status of its problem documents")
    meaning: str
