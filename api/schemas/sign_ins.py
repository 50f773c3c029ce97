"""Signing in, passwords and second factors on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Name, Out, Text
from geoservices.accounts.models import SignInKind
from geoservices.credentials.rules import LONGEST, SHORTEST
from geoservices.oidc.provider import Provider

Username = Annotated[
    Text, StringConstraints(min_length=1, max_length=254), Field(examples=["anna.smith"])
]
# Blanks at its ends are part of a password.
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST, strip_whitespace=False),
    Field(json_schema_extra={"format": "password"}),
]
NewPassword = Annotated[
    Password,
    Field(
        description=f"{SHORTEST} to {LONGEST} characters of any kind, and not easily guessed",
        examples=["plinth owl gravel cello"],
    ),
]
Code = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=40),
    Field(description="Six digits of the app, or a recovery code", examples=["123456"]),
]


class SignInIn(In):
    """A member who wants to be let in."""

    username: Username
    password: Password
    code: Code | None = None
    credential: Literal["cookie", "bearer"] = Field(
        description="How further requests are known: by a cookie in browsers, or a bearer token"
    )


class SignInOut(Out):
    """Where a member is signed in."""

    id: UUID
    kind: SignInKind
    label: str = Field(description="What the program called itself, or what a token was made for")
    created_at: datetime
    last_used_at: datetime = Field(description="To within five minutes")
    expires_at: datetime
    current: bool = Field(description="Whether it is the one that asks")


class SignedInOut(Out):
    """A sign-in just made; the token is shown this once."""

    sign_in: SignInOut
    token: str | None = Field(description="Null where a cookie was set")
    csrf_token: str | None = Field(description="Null where a token is shown")
    second_factor_demanded: bool = Field(
        description="Whether a second factor must be set up before anything else"
    )


class SignOutOut(Out):
    """What is left to do for whoever signed out here."""

    end_at: str | None = Field(
        description="Where a browser goes on to sign out of the identity provider as well; null "
        "where none was involved"
    )


def sign_out_out(provider: Provider | None) -> SignOutOut:
    """Return what is left to do where a sign-in came from a provider, or from none."""
    return SignOutOut(end_at=f"/v1/oidc/{provider.settings.slug}/end" if provider else None)


class InvitationIn(In):
    """How an invited member shall sign in."""

    username: Username | None = Field(
        default=None, description="Needed at first; afterwards it changes the one there is"
    )


class InvitationOut(Out):
    """A link by which a member sets a password; it is shown this once."""

    username: str
    link: str | None = Field(description="Null where it was sent to the member by e-mail")
    expires_at: datetime


class PasswordResetIn(In):
    """Whose password shall be set anew."""

    username: Username


class PasswordLinkIn(In):
    """What stood in a link, and the password chosen."""

    token: Annotated[Text, StringConstraints(min_length=1, max_length=100)]
    password: NewPassword


class PasswordSetOut(Out):
    """Whose password was set."""

    username: str


class PasswordChangeIn(In):
    """Another password."""

    current: Password
    new: NewPassword


class PasswordIn(In):
    """The password once more."""

    password: Password


class SecondFactorOut(Out):
    """Whether the account asks for a code."""

    confirmed_at: datetime | None = Field(description="Since when; null if it does not")
    recovery_codes_left: int = Field(description="How many nobody has used")


class SharedSecretOut(Out):
    """What an authenticator app is told; it is shown this once."""

    secret: str = Field(description="To type in, base32")
    uri: str = Field(description="The same as the app scans it, an `otpauth:` URI")
    qr_svg: str = Field(description="That URI as a QR code, an SVG document")


class CodeIn(In):
    """What the app shows."""

    code: Code


class RecoveryCodesOut(Out):
    """Codes that stand in for a lost phone, each of them once; they are shown this once."""

    recovery_codes: list[Name]


class SecondFactorRemovalIn(In):
    """Proof of both factors."""

    password: Password
    code: Code
