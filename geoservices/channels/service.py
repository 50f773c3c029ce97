"""A person chooses by which ways they are told."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.consents import TELLING, TEXTS
from geoservices.accounts.models import Person, Purpose
from geoservices.channels import queries
from geoservices.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The ways for one purpose; the inbox has everything, whatever they are."""

    purpose: Purpose
    push: bool = True
    email: bool = False


def choices(session: Session, person: Person) -> list[Choice]:
    """Return what holds for every purpose that there is for people of this role."""
    chosen = {row.purpose: row for row in queries.choices_of(session, person.id)}
    return [
        Choice(purpose=purpose, push=row.push, email=row.email)
        if (row := chosen.get(purpose))
        else Choice(purpose=purpose)
        for purpose, text in TEXTS.items()
        if purpose in TELLING and Role(person.role) in text.roles
    ]


def choose(session: Session, person: Person, choice: Choice) -> None:
    """Store the ways for one purpose; choosing the same again changes nothing.

    Raises:
        Forbidden: Nothing is told for the purpose, or it is not for people of their role.
    """
    if choice.purpose not in TELLING:
        raise Forbidden(f"Nothing is told for the purpose {choice.purpose}.")
    if Role(person.role) not in TEXTS[choice.purpose].roles:
        raise Forbidden(f"The purpose {choice.purpose} is for staff; this is a citizen's device.")
    queries.save(session, person.id, choice.purpose, push=choice.push, email=choice.email)
