"""E-mail addresses: checked by their form alone, and fit for a header."""

from email_validator import EmailNotValidError, validate_email

from geoservices.errors import ErrorKind, GeoservicesError


class AddressRefused(GeoservicesError):
    """It is no e-mail address that mail can be sent to; nothing was stored."""

    kind = ErrorKind.INVALID
    code = "email-address-refused"
    title = "No usable e-mail address"

    def __init__(self) -> None:
        super().__init__(
            "Give one address such as name@example.org, with ASCII letters before the @.",
            field="/address",
        )


def read_address(text: str) -> str:
    """Return an address in the ASCII form in which a server is told of it (RFC 5321, RFC 5890).

    Nobody is asked whether it exists: only its owner's answer to a letter proves that. Quoted
    local parts, addresses of numbers, and names that are no one's (RFC 6761) are refused, so that
    what is returned holds neither blanks nor control characters.

    Raises:
        AddressRefused: It is no such address, or longer than 254 characters.
    """
    try:
        found = validate_email(text, strict=True, allow_smtputf8=False, check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressRefused from error
    if found.ascii_email is None:
        raise AddressRefused
    return found.ascii_email
