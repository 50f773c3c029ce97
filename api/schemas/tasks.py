"""Tasks on the wire."""

from typing import Literal

from api.schemas.listings import ListingFields, ListingOut, ListingShown
from geoservices.listings.models import ListingKind
from geoservices.tasks.drafts import TaskDraft


class TaskIn(ListingFields):
    """What a manager says of a task."""

    kind: Literal[ListingKind.TASK]

    def to_draft(self) -> TaskDraft:
        """Return what the domain takes."""
        return TaskDraft(**self.model_dump(exclude={"id"}))


class TaskOut(ListingOut):
    """A task as its managers see it."""

    kind: Literal[ListingKind.TASK]


class TaskShown(ListingShown):
    """A task as people see it."""

    kind: Literal[ListingKind.TASK]
