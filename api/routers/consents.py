"""What people agree to: the words, the agreement, its end, and receipts of both."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.bodies import StrictRoute
from api.dependencies import CallerDep, CurrentPerson, Now, SessionDep, SettingsDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.consents import (
    ConsentIn,
    ConsentOut,
    ConsentReceiptOut,
    ConsentTextOut,
    KeysOut,
)
from geoservices import withdrawing
from geoservices.access.rights import Role
from geoservices.accounts import consents, queries, receipts, service
from geoservices.accounts.models import Credential, Purpose
from geoservices.accounts.service import ConsentTextChanged
from geoservices.errors import Forbidden, NotFound

router = APIRouter(prefix="/consents", tags=["consents"], route_class=StrictRoute)


@router.get("")
def list_consents(person: CurrentPerson, session: SessionDep) -> list[ConsentOut]:
    """See what may be asked of this person, in plain words, and what they agreed to."""
    last = queries.last_consents(session, person.id)
    return [
        ConsentOut.of(purpose, last.get(purpose))
        for purpose, text in consents.TEXTS.items()
        if Role(person.role) in text.roles
    ]


@router.put("/{purpose}", responses=problem_responses(ConsentTextChanged, Forbidden, NotFound))
def give_consent(
    purpose: Purpose,
    body: ConsentIn,
    caller: CallerDep,
    person: CurrentPerson,
    session: SessionDep,
    at: Now,
) -> ConsentOut:
    """Agree to one purpose in its present words; agreeing to the same words again changes nothing.

    Where the person had agreed to older words, that consent ends and this one takes its place.
    Each leaves a receipt.
    """
    consent = service.give_consent(
        session,
        person,
        purpose,
        text_version=body.text_version,
        language=body.language,
        by=Credential.DEVICE if caller.device else Credential.SIGN_IN,
        at=at,
    )
    return ConsentOut.of(purpose, consent)


@router.delete("/{purpose}", status_code=204)
def withdraw_consent(
    purpose: Purpose, caller: CallerDep, person: CurrentPerson, session: SessionDep, at: Now
) -> Response:
    """Withdraw a consent: processing stops, what no other one covers is deleted, a receipt stays.

    Withdrawing what was not given changes nothing.
    """
    by = Credential.DEVICE if caller.device else Credential.SIGN_IN
    withdrawing.withdraw_consent(session, person, purpose, by=by, at=at)
    return Response(status_code=204)


@router.get("/receipts")
def list_consent_receipts(
    request: Request,
    person: CurrentPerson,
    session: SessionDep,
    settings: SettingsDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[ConsentReceiptOut]:
    """See what the person agreed to and withdrew, newest first, each signed by the service."""
    rows = queries.receipts_of(session, person.id, after=instant_and_id(cursor), limit=limit + 1)
    key = receipts.signing_key(settings.codes.secret)
    told = [receipts.facts_of(row, public_url=settings.public_url) for row in rows[:limit]]
    return Page(
        items=[ConsentReceiptOut.of(facts, receipts.sign(facts, key)) for facts in told],
        next=next_address(request, rows, limit, lambda row: (row.occurred_at, row.id)),
    )


@router.get("/receipts/keys")
def read_receipt_keys(settings: SettingsDep) -> KeysOut:
    """Get what checks that a receipt is this service's: the public keys, as a JWK set."""
    return KeysOut(
        keys=[
            receipts.public_key(receipts.signing_key(secret)) for secret in settings.codes.secrets
        ]
    )


@router.get("/texts/{purpose}/{version}", responses=problem_responses(NotFound))
def read_consent_text(
    purpose: Purpose, version: Annotated[str, Path(max_length=40)]
) -> ConsentTextOut:
    """Read the words of a text of now or of before."""
    found = consents.published(purpose, version)
    texts = {language: one.text for language, one in found.items()}
    return ConsentTextOut(purpose=purpose, version=version, texts=texts)
