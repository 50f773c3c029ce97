"""What letters say, as plain text and as simple HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from geoservices.credentials.changes import Change

CHANGED: Final[Mapping[Change, str]] = {
    Change.PASSWORD_SET: "A password was set for {account}",
    Change.SECOND_FACTOR_ON: "A second factor was set up for {account}",
    Change.SECOND_FACTOR_OFF: "The second factor of {account} was removed",
}
"""What was changed, before when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One notification in a digest; `link` opens what it is about."""

    title: str
    body: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a letter says. The subject tells nothing of the person, as anyone near may see it."""

    subject: str
    text: str
    html: str


def digest(items: Sequence[Item], *, unsubscribe: str) -> Words:
    """Return what a digest says.

    Args:
        items: What has not been read, at least one, in the order in which it is told.
        unsubscribe: A page that ends such letters.
    """
    count = len(items)
    subject = "You have 1 unread message" if count == 1 else f"You have {count} unread messages"
    end = "You get this once a day at most, because you asked for it. To get no more of it:"
    text = [f"{_line(one.title)}\n{_plain(one.body)}\n{one.link}" for one in items]
    html = [
        f'<h2><a href="{escape(one.link)}">{escape(_line(one.title))}</a></h2>\n'
        f"<p>{_broken(escape(_plain(one.body)))}</p>"
        for one in items
    ]
    return Words(
        subject=subject,
        text="\n\n".join([*text, f"--\n{end}\n{unsubscribe}"]) + "\n",
        html=_page(
            subject, [*html, f'<p>{end}<br><a href="{escape(unsubscribe)}">No more letters</a></p>']
        ),
    )


def confirmation(link: str) -> Words:
    """Return what a letter says that asks whether an address is the person's.

    Args:
        link: A page that confirms it, for two days and once.
    """
    subject = "Please confirm your e-mail address"
    asked = (
        "Somebody, you we hope, wants to get letters at this address. To agree, open this page "
        "within two days:"
    )
    otherwise = "If it was not you, do nothing. You will get no letters."
    return Words(
        subject=subject,
        text=f"{asked}\n\n{link}\n\n{otherwise}\n",
        html=_page(
            subject,
            [
                f'<p>{asked}<br><a href="{escape(link)}">Confirm this address</a></p>',
                f"<p>{otherwise}</p>",
            ],
        ),
    )


def invitation(link: str, *, username: str, organisation: str) -> Words:
    """Return what a letter says that lets a member set the first password of their account.

    Args:
        link: A page that sets it, once.
        username: What they sign in with.
        organisation: Whose member they are.
    """
    return _password(
        "Your account",
        f"{_line(organisation)} has made an account for you. Your username is {username}. To "
        "choose a password, open this page:",
        link,
        "The link works once. If you expected no such letter, do nothing.",
    )


def password_reset(link: str, *, username: str, organisation: str) -> Words:
    """Return what a letter says that lets a member set another password.

    Args:
        link: A page that sets it, once.
        username: What they sign in with.
        organisation: Whose member they are.
    """
    return _password(
        "Choose a new password",
        f"Somebody, you we hope, has asked for a new password for {username} at "
        f"{_line(organisation)}. To choose one, open this page soon:",
        link,
        "The link works once. If it was not you, do nothing: your password stays as it is.",
    )


def account_changed(change: Change, *, username: str, organisation: str, at: datetime) -> Words:
    """Return what a letter says that tells a member what of their account was changed.

    It has no link: whoever gets it by mistake, or forges one, leads nobody anywhere by it.

    Args:
        change: What.
        username: What they sign in with.
        organisation: Whose member they are.
        at: When, by the organisation's clock.
    """
    subject, where = "Your account was changed", _line(organisation)
    account, when = f"{username} at {where}", f"{at.day} {at:%B %Y} at {at:%H:%M} ({at.tzname()})"
    told = [
        f"{CHANGED[change].format(account=account)} on {when}.",
        "If that was you, or an admin whom you asked, there is nothing to do.",
        f"If not, somebody else may be using your account. Tell an admin of {where} at once.",
    ]
    return Words(
        subject=subject,
        text="\n\n".join(told) + "\n",
        html=_page(subject, [f"<p>{escape(one)}</p>" for one in told]),
    )


def _password(subject: str, asked: str, link: str, otherwise: str) -> Words:
    return Words(
        subject=subject,
        text=f"{asked}\n\n{link}\n\n{otherwise}\n",
        html=_page(
            subject,
            [
                f'<p>{escape(asked)}<br><a href="{escape(link)}">Choose a password</a></p>',
                f"<p>{otherwise}</p>",
            ],
        ),
    )


def _line(text: str) -> str:
    """Return text on one line, without characters that are not to be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _plain(text: str) -> str:
    """Return text with its lines, without other characters that are not to be seen."""
    return "\n".join(_line(line) for line in text.splitlines())


def _broken(html: str) -> str:
    return html.replace("\n", "<br>\n")


def _page(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
