"""Why a sign-in with an identity provider comes to nothing.

What went wrong with a token is for the log, as a word; whoever is at the browser can do nothing
with it, and whoever forged it should not learn from it.
"""

from geoservices.errors import ErrorKind, GeoservicesError


class ProviderRefusal(GeoservicesError):
    """A sign-in came to nothing; `reason` says why in a word, for the log."""

    reason: str


class ProviderUnavailable(ProviderRefusal):
    """The identity provider does not answer, or not as it should; members can try again later."""

    kind = ErrorKind.UNAVAILABLE
    code = "oidc-provider-unavailable"
    title = "The identity provider does not answer"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("Wait a minute and sign in again. If it stays so, tell whoever runs it.")


class SignInNotBegun(ProviderRefusal):
    """The browser began no such sign-in in the last ten minutes, or has ended it already."""

    kind = ErrorKind.INVALID
    code = "oidc-not-begun"
    title = "This sign-in was not begun here, or is over"
    reason = "not-begun"

    def __init__(self) -> None:
        super().__init__("Sign in again, from the start, in one window of one browser.")


class SignInDeclined(ProviderRefusal):
    """The identity provider did not let the person in."""

    kind = ErrorKind.FORBIDDEN
    code = "oidc-declined"
    title = "The identity provider did not let you in"
    reason = "declined"

    def __init__(self) -> None:
        super().__init__("Sign in again. If it stays so, ask whoever runs the provider.")


class TokenRefused(ProviderRefusal):
    """What the identity provider said does not prove who the person is."""

    kind = ErrorKind.FORBIDDEN
    code = "oidc-token-refused"
    title = "The identity provider's answer is not good"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("Sign in again. If it stays so, tell whoever runs this service.")


class NoRole(ProviderRefusal):
    """The identity provider knows the person, but gives them no role in this service."""

    kind = ErrorKind.FORBIDDEN
    code = "oidc-no-role"
    title = "You have no role in this service"
    reason = "no-role"

    def __init__(self) -> None:
        super().__init__("Ask whoever runs the provider to put you into a group that has one.")


class SignInDisabled(ProviderRefusal):
    """The member is disabled: an admin of their organisation lets them in nowhere."""

    kind = ErrorKind.FORBIDDEN
    code = "oidc-member-disabled"
    title = "You are let in nowhere for now"
    reason = "disabled"

    def __init__(self) -> None:
        super().__init__("Ask an admin of your organisation.")


class ReturnRefused(GeoservicesError):
    """Where to return to after signing in is not a page of this service."""

    kind = ErrorKind.INVALID
    code = "return-to-refused"
    title = "That is no page of this service"

    def __init__(self) -> None:
        super().__init__(
            "Name a path of this service that starts with one slash.", field="/return_to"
        )
