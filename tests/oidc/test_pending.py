"""Sign-ins under way."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.oidc import pending
from geoservices.oidc.refusals import ReturnRefused, SignInNotBegun

KEY = b"a key of 43 characters, as the settings have it"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HERE = "https://geo.devon.example"


def unsealed(sealed: str, **changes: object) -> pending.PendingSignIn:
    """Open a pending sign-in of Devon's a minute after noon, or otherwise."""
    told = {"provider": "devon", "state": "", "at": NOON + timedelta(minutes=1), **changes}
    return pending.unseal(KEY, sealed, **told)  # type: ignore[arg-type]


def test_a_pending_sign_in_comes_back_as_it_was() -> None:
    """Within ten minutes, with the state that the provider repeats."""
    begun = pending.begin("devon", return_to="/notifications?a=b#c", at=NOON)
    sealed = pending.seal(KEY, begun)

    assert unsealed(sealed, state=begun.state) == begun
    assert begun.nonce not in sealed
    assert len({begun.state, begun.nonce, begun.verifier}) == 3
    assert 43 <= len(begun.verifier) <= 128


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "another"},
        {"state": ""},
        {"state": "\u00e4"},
        {"provider": "dorset"},
        {"at": NOON + timedelta(minutes=10)},
    ],
)
def test_another_pending_sign_in_is_none(changes: dict[str, object]) -> None:
    """With another state, another provider, or too late."""
    begun = pending.begin("devon", return_to="/", at=NOON)

    with pytest.raises(SignInNotBegun):
        unsealed(pending.seal(KEY, begun), **{"state": begun.state, **changes})


def test_a_pending_sign_in_that_was_changed_is_none() -> None:
    """One bit is enough; so is another key."""
    begun = pending.begin("devon", return_to="/", at=NOON)
    sealed = pending.seal(KEY, begun)
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]

    for wrong in (changed, pending.seal(KEY + b"x", begun), "", "?", sealed[:-8]):
        with pytest.raises(SignInNotBegun):
            unsealed(wrong, state=begun.state)


@given(st.text())
def test_whatever_a_browser_sends_is_refused(text: str) -> None:
    """And breaks nothing."""
    with pytest.raises(SignInNotBegun):
        unsealed(text)


PIECES = st.sampled_from(
    ["/", "\\", "//", "a", ":", "@", "?", "#", ".", "%2f", "\t", "\n", "e.org"]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_nobody_is_sent_elsewhere(path: str) -> None:
    """What passes leads to this very host, as URLs are read by Python and by browsers."""
    try:
        pending.begin("devon", return_to=path, at=NOON)
    except ReturnRefused:
        return
    # Browsers take a backslash for a slash, and leave tabs and newlines out (WHATWG URL 4.4).
    seen = path.replace("\\", "/").translate({9: None, 10: None, 13: None})
    assert urlsplit(urljoin(HERE, seen))[:2] == urlsplit(HERE)[:2]


@pytest.mark.parametrize(
    "path",
    ["https://e.org", "//e.org", "/\\e.org", "/\t/e.org", "e.org", "", "javascript:x", "/" * 600],
)
def test_addresses_of_others_are_refused(path: str) -> None:
    """The ways that are known."""
    with pytest.raises(ReturnRefused):
        pending.begin("devon", return_to=path, at=NOON)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/notifications/7?a=b&c=/d#e"])
def test_paths_of_ours_are_taken(path: str) -> None:
    """With a query and a fragment too."""
    assert pending.begin("devon", return_to=path, at=NOON).return_to == path
