"""What a manager says of a task."""

from dataclasses import dataclass
from typing import ClassVar

from geoservices.listings.drafts import ListingDraft
from geoservices.tasks.models import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft(ListingDraft):
    """What is said of a task besides."""

    makes: ClassVar[type[Task]] = Task
