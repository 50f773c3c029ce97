"""What an identity provider is to be told, and what is to be believed of it."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

MemberRole = Literal["staff", "team-lead", "manager", "admin", "kiosk", "auditor"]
"""What a member may be; `access.rights` says what each may do."""
MAX_ISSUER: Final = 500
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


def _issuer_shaped(issuer: str) -> str:
    parts = urlsplit(issuer)
    if not re.fullmatch(r"[!-~]+", issuer) or parts.scheme not in {"https", "http"}:
        raise ValueError("must be an https address")
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must name a host, and no user, query or fragment")
    return issuer


class ProviderSettings(BaseModel, frozen=True, extra="forbid"):
    """One identity provider, by which members of one organisation sign in."""

    slug: Slug
    """Its short name, which stands in addresses."""
    name: Annotated[str, Field(min_length=1, max_length=100)]
    """What people know it by."""
    organisation: Slug
    """The short name of the organisation whose members it knows."""
    issuer: Annotated[str, Field(max_length=MAX_ISSUER), AfterValidator(_issuer_shaped)]
    """As it calls itself, to the letter (OpenID Connect Core 1.0 section 2, `iss`)."""
    client_id: Annotated[str, Field(min_length=1, max_length=300)]
    client_secret: SecretStr
    scopes: tuple[str, ...] = ("openid", "profile")
    roles_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    """The claim with somebody's groups or roles; a path, as in `realm_access.roles`."""
    roles: Mapping[str, MemberRole] = {}
    """What each of its values makes somebody; where several do, what may do most."""
    default_role: MemberRole | None = None
    """What somebody is whom none of them names; without it they are refused."""
    allow_private: bool = False
    """Also call it at addresses of the organisation's own network (RFC 1918, RFC 4193)."""

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid in it")
        if not self.roles and self.default_role is None:
            raise ValueError("roles or default_role must be set, or nobody could sign in")
        return self
