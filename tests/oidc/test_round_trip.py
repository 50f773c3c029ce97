"""Signing in and out with a certified provider, over real connections."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.accounts.models import Device, Person, SignIn
from geoservices.database import SessionFactory, transaction
from geoservices.oidc import service
from geoservices.oidc.models import Identity, Spent
from geoservices.oidc.refusals import ProviderRefusal, ProviderUnavailable
from local.configuration import HOST, free_port
from tests.api.asking import now
from tests.eventually import eventually
from tests.factories import make_device
from tests.oidc.conftest import Site, serving, settings_for
from tests.oidc.identity import IdentityProvider, begin, make_key, sign_in, tell_name

SOON = timedelta(seconds=60)


def test_a_member_signs_in(site: Site, identity: IdentityProvider, browser: Client) -> None:
    """Anna becomes a member by her group, and the browser is hers for ten hours."""
    back = sign_in(browser, site.url, "anna")

    known_again = browser.get(f"{site.url}/v1/consents")
    [made] = site.sign_ins()
    with site.sessions() as rows:
        person = rows.scalars(select(Person)).one()
        known = rows.scalars(select(Identity)).one()
    assert (back.status_code, back.headers["location"]) == (303, "/notifications")
    assert (person.name, person.role, known.subject) == ("Anna Adams", "staff", "anna")
    assert (known.issuer, known.person_id) == (identity.issuer, person.id)
    assert (made.kind, made.label, made.person_id) == ("oidc", "Devon", person.id)
    assert made.provider_session
    assert made.expires_at - made.created_at == timedelta(hours=10)
    assert known_again.status_code == 200
    assert "oidc" not in browser.cookies


def test_the_browser_gets_cookies_that_no_script_reads(site: Site, browser: Client) -> None:
    """The pending one's on the way there, the member's on the way back."""
    there = browser.get(f"{site.url}/v1/oidc/devon/start", follow_redirects=False)
    back = sign_in(browser, site.url, "anna")

    for answer, name in ((there, "oidc="), (back, "member=")):
        [cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith(name)]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
    assert "code_challenge_method=S256" in there.headers["location"]
    assert "nonce=" in there.headers["location"]


def test_another_site_leads_to_the_front_door_and_no_further(site: Site, browser: Client) -> None:
    """Somebody who is signed in at the provider would otherwise be so here without wanting it."""
    ends = {
        told: browser.get(
            f"{site.url}/v1/oidc/devon/start",
            headers={"Sec-Fetch-Site": told},
            follow_redirects=False,
        ).headers["location"]
        for told in ("cross-site", "same-site", "same-origin", "none")
    }

    assert ends["cross-site"] == ends["same-site"] == "/sign-in"
    assert ends["same-origin"].startswith("http")
    assert ends["none"].startswith("http")


def test_whoever_comes_again_is_who_they_were(
    site: Site, identity: IdentityProvider, browse: Callable[[], Client]
) -> None:
    """The role is what the provider says now; so is the name. Nobody is made twice."""
    sign_in(browse(), site.url, "anna")
    identity.know(anna={"name": "Anna Brown", "groups": ["council-staff", "council-managers"]})
    sign_in(browse(), site.url, "anna")

    with site.sessions() as rows:
        person = rows.scalars(select(Person)).one()
        known = rows.scalars(select(Identity)).one()
    assert (person.name, person.role) == ("Anna Brown", "manager")
    assert known.signed_in_at > known.created_at
    assert len(site.holding()) == 2


def test_nothing_of_what_the_provider_said_is_in_the_log(
    site: Site, browser: Client, logged: Callable[[], str]
) -> None:
    """Neither code nor state, and no token, whether the sign-in comes to something or not."""
    back = tell_name(browser, begin(browser, site.url), "anna")
    assert back.next_request is not None
    told = dict(back.next_request.url.params)
    pending = browser.cookies["oidc"]
    for _ in range(2):
        browser.get(back.headers["location"], follow_redirects=False)

    assert '"oidc_refused"' in logged()
    for secret in (told["code"], told["state"], pending, browser.cookies["member"]):
        assert secret not in logged()


def test_nobody_gets_in_without_a_role(site: Site, browser: Client) -> None:
    """Ben is known to the provider, and nothing of him is kept."""
    back = sign_in(browser, site.url, "ben")

    with site.sessions() as rows:
        people = rows.scalars(select(Person)).all()
    assert back.status_code == 403
    assert back.json()["type"] == "/problems/oidc-no-role"
    assert people == []
    assert "member" not in browser.cookies


def test_whose_role_is_gone_is_signed_out_everywhere(
    site: Site, identity: IdentityProvider, browse: Callable[[], Client]
) -> None:
    """Sign-ins end and devices too, though the answer is a refusal."""
    sign_in(browse(), site.url, "anna")
    with site.sessions() as rows, rows.begin():
        make_device(rows, rows.scalars(select(Person)).one())
    identity.know(anna={"groups": ["choir"]})
    back = sign_in(browse(), site.url, "anna")

    with site.sessions() as rows:
        device = rows.scalars(select(Device)).one()
    assert back.status_code == 403
    assert site.holding() == set()
    assert device.revoked_at is not None


def test_whoever_becomes_an_auditor_keeps_nothing_that_could_change_something(
    site: Site, devon: SessionFactory
) -> None:
    """Devices and sign-ins of before end, as where an admin makes somebody one."""
    settings = settings_for("https://login.devon.example", roles={"a": "staff", "b": "auditor"})
    for group in ("a", "b", "b"):
        with transaction(devon) as rows:
            claims = {"sub": "anna", "groups": [group]}
            service.welcome(rows, settings, claims, lifetime=timedelta(1), at=now())

    assert [one.revoked_at is None for one in site.sign_ins()] == [False, True, True]


def test_a_member_whom_an_admin_disabled_stays_out(
    site: Site, browse: Callable[[], Client]
) -> None:
    """Whatever the provider says."""
    sign_in(browse(), site.url, "anna")
    with site.sessions() as rows, rows.begin():
        rows.scalars(select(Person)).one().disabled_at = now()
    back = sign_in(browse(), site.url, "anna")

    assert back.status_code == 403
    assert back.json()["type"] == "/problems/oidc-member-disabled"
    assert len(site.sign_ins()) == 1


@pytest.mark.parametrize(("role", "is_limited"), [("manager", True), ("staff", False)])
def test_a_manager_stays_limited_to_their_places(
    devon: SessionFactory,
    role: str,
    is_limited: bool,  # noqa: FBT001
) -> None:
    """Who is a manager no more is limited to none."""
    claims = {"sub": "anna", "groups": ["a"]}
    for given in ("manager", role):
        settings = settings_for("https://login.devon.example", roles={"a": given})
        with transaction(devon) as rows:
            service.welcome(rows, settings, claims, lifetime=timedelta(1), at=now())
            person = rows.scalars(select(Person)).one()
            if given == "manager" and person.reach is None:
                person.reach = {"tags": ["library"], "area": None}

    with devon() as rows:
        person = rows.scalars(select(Person)).one()
    assert (person.reach is not None) == is_limited
    assert person.name == "anna"


def test_an_answer_counts_once(site: Site, browse: Callable[[], Client]) -> None:
    """Sent again with the same cookie it is refused, and by us: the provider is not asked."""
    browser, thief = browse(), browse()
    back = tell_name(browser, begin(browser, site.url), "anna")
    address = back.headers["location"]
    thief.cookies.set("oidc", browser.cookies["oidc"])
    first = browser.get(address, follow_redirects=False)
    again = thief.get(address)

    with site.sessions() as rows:
        [spent] = rows.scalars(select(Spent)).all()
    assert (first.status_code, again.status_code) == (303, 422)
    assert again.json()["type"] == "/problems/oidc-not-begun"
    assert len(site.holding()) == 1
    assert spent.expires_at > now()


def test_nobody_is_signed_in_by_the_answer_of_another_browser(
    site: Site, browse: Callable[[], Client]
) -> None:
    """A link with somebody else's code signs nobody in, with none pending or with their own."""
    attacker, without, with_own = browse(), browse(), browse()
    address = tell_name(attacker, begin(attacker, site.url), "anna").headers["location"]
    begin(with_own, site.url)

    answers = [victim.get(address, follow_redirects=False) for victim in (without, with_own)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert site.sign_ins() == []


def test_only_the_provider_named_may_answer(site: Site, browser: Client) -> None:
    """RFC 9207: an answer with another issuer, or without the one that it should have."""
    address = tell_name(browser, begin(browser, site.url), "anna").headers["location"]
    head, _, _issuer = address.partition("&iss=")

    answers = [
        browser.get(f"{head}{end}", follow_redirects=False)
        for end in ("&iss=https%3A%2F%2Felsewhere.example", "")
    ]

    assert [answer.json()["type"] for answer in answers] == ["/problems/oidc-token-refused"] * 2
    assert site.sign_ins() == []


def test_a_person_who_is_refused_by_the_provider_reads_why(
    site: Site, identity: IdentityProvider, browser: Client
) -> None:
    """In a browser it is a page, with nothing in it of what came in the address."""
    begin(browser, site.url)
    state = _state_of(browser, site)
    answer = browser.get(
        f"{site.url}/v1/oidc/devon/callback",
        params={
            "error": "access_denied",
            "error_description": "<b>no</b>",
            "state": state,
            "iss": identity.issuer,
        },
        headers={"Accept": "text/html,*/*"},
    )

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "did not let you in" in answer.text
    assert "<b>" not in answer.text


def _state_of(browser: Client, site: Site) -> str:
    there = browser.get(f"{site.url}/v1/oidc/devon/start", follow_redirects=False)
    assert there.next_request is not None
    return str(there.next_request.url.params["state"])


def test_the_provider_signs_people_out(
    site: Site, identity: IdentityProvider, browse: Callable[[], Client]
) -> None:
    """Anna ends her session with it in one browser; her other browser stays signed in.

    Her device stays hers too: signing out of a browser at work takes nobody's phone away.
    """
    browser, other = browse(), browse()
    sign_in(browser, site.url, "anna")
    sign_in(other, site.url, "anna")
    with site.sessions() as rows, rows.begin():
        make_device(rows, rows.scalars(select(Person)).one())
    first, second = site.sign_ins()

    asked = browser.get(f"{site.url}/v1/oidc/devon/end")
    ended = browser.post(
        f"{identity.issuer}/session/end/confirm",
        data={"xsrf": _field(asked.text, "xsrf"), "logout": "yes"},
        follow_redirects=False,
    )
    eventually(lambda: site.holding() == {second.id}, within=SOON)

    with site.sessions() as rows:
        device = rows.scalars(select(Device)).one()
    assert ended.headers["location"].startswith(f"{site.url}/sign-in")
    assert first.provider_session != second.provider_session
    assert browser.get(f"{site.url}/v1/consents").status_code == 401
    assert other.get(f"{site.url}/v1/consents").status_code == 200
    assert device.revoked_at is None


def _field(page: str, name: str) -> str:
    _, _, rest = page.partition(f'name="{name}" value="')
    return rest.partition('"')[0]


def test_roles_may_come_from_elsewhere(
    devon: SessionFactory, port: int, tmp_path: Path, browser: Client
) -> None:
    """From a claim within a claim, which the provider tells only where it is asked for."""
    identity = IdentityProvider(
        free_port(),
        tmp_path,
        f"http://{HOST}:{port}",
        claims=("realm_access",),
        claims_by_userinfo=True,
    )
    identity.know(anna={"realm_access": {"roles": ["council-it"]}})
    settings = settings_for(identity.issuer, roles_claim="realm_access.roles")
    with identity.running(), serving(devon, port, settings) as site:
        back = sign_in(browser, site.url, "anna")
        with site.sessions() as rows:
            person = rows.scalars(select(Person)).one()

    assert back.status_code == 303
    assert person.role == "admin"


def test_a_new_key_is_asked_for_once_a_minute(
    devon: SessionFactory,
    port: int,
    tmp_path: Path,
    browse: Callable[[], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token signed with a key nobody has heard of is refused, and a minute later taken."""
    ahead = timedelta(0)
    monkeypatch.setattr(clock, "now", lambda: now() + ahead)
    identity = IdentityProvider(free_port(), tmp_path, f"http://{HOST}:{port}")
    identity.know(anna={"groups": ["council-staff"]})
    with serving(devon, port, settings_for(identity.issuer)) as site:
        with identity.running():
            before = sign_in(browse(), site.url, "anna")
        identity.keys.insert(0, make_key())
        with identity.running():
            within = sign_in(browse(), site.url, "anna")
            ahead = timedelta(seconds=61)
            after = sign_in(browse(), site.url, "anna")

    assert [one.status_code for one in (before, within, after)] == [303, 403, 303]


def test_two_windows_at_once_make_one_member(devon: SessionFactory) -> None:
    """Whoever comes for the first time twice at once is one person, with two sign-ins."""
    settings = settings_for("https://login.devon.example")
    claims = {"sub": "anna", "groups": ["council-staff"]}
    started = Barrier(4)

    def come(_number: int) -> str | ProviderRefusal:
        with transaction(devon) as session:
            started.wait()
            return service.welcome(session, settings, claims, lifetime=timedelta(1), at=now())

    with ThreadPoolExecutor(4) as threads:
        tokens = set(threads.map(come, range(4)))

    with devon() as rows:
        people = rows.scalars(select(Person)).all()
        sign_ins = rows.scalars(select(SignIn)).all()
    assert len(tokens) == len(sign_ins) == 4
    assert len(people) == 1


def test_an_organisation_that_is_not_there_lets_nobody_in(session: Session) -> None:
    """The settings may name one that nobody has made yet."""
    claims = {"sub": "anna", "groups": ["council-staff"]}
    with pytest.raises(ProviderUnavailable) as refused:
        service.welcome(
            session,
            settings_for("https://login.devon.example"),
            claims,
            lifetime=timedelta(1),
            at=now(),
        )

    assert refused.value.reason == "no-such-organisation"


def test_a_provider_that_is_away_says_so(devon: SessionFactory, port: int, browser: Client) -> None:
    """And is not waited for again at once."""
    with serving(devon, port, settings_for("http://127.0.0.1:9")) as site:
        answers = []
        for _ in range(2):
            started = time.monotonic()
            answers.append(browser.get(f"{site.url}/v1/oidc/devon/start"))
            taken = time.monotonic() - started

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].json()["type"] == "/problems/oidc-provider-unavailable"
    assert taken < 10
