"""The operator's commands, run as an operator runs them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from geoservices import base64url, clock
from geoservices.__main__ import main
from geoservices.access.rights import Role
from geoservices.accounts import service as accounts
from geoservices.accounts.models import Organisation, Person
from geoservices.credentials.links import LinkRefused
from geoservices.credentials.service import set_password
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries.models import Delivery
from geoservices.push.vapid import make_vapid_key
from geoservices.subscriptions.models import Subscription
from tests import notifying
from tests.commanding import run
from tests.factories import NOON
from tests.signing import PASSWORD, Visitor, make_desk

ACCOUNT = ["account", "--role", "admin", "--name", "Ann"]


@pytest.fixture
def operator(
    committed: SessionFactory, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> SessionFactory:
    """The environment of an operator, and sessions to see what they did."""
    monkeypatch.setitem(os.environ, "GEOSERVICES_DATABASE_URL", database_url)
    return committed


def run_by_itself(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m geoservices` with these arguments in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "geoservices", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_organisations_manager_gets_a_token_that_works(operator: SessionFactory) -> None:
    """Two commands; the token is the only thing the second one prints."""
    made = run_by_itself("organisation", "create", "devon", "--name", "Devon")
    again = run("organisation", "create", "devon", "--name", "Other")
    token = run("token", "--organisation", "devon", "--role", "manager", "--name", "Ann")

    assert (made.stdout, again.stdout) == (
        "devon: made\n",
        "devon: exists already, left as it is\n",
    )
    assert token.returncode == 0
    with operator() as session:
        assert session.scalars(select(Organisation.name)).all() == ["Devon"]
        printed = token.stdout.strip()
        tomorrow, far = (clock.now() + timedelta(days=days) for days in (1, 91))
        signed_in = accounts.authenticate_member(session, printed, at=tomorrow)
        assert signed_in is not None
        assert signed_in[1].role == Role.MANAGER
        assert accounts.authenticate_member(session, printed, at=far) is None


def test_the_first_administrator_is_sent_a_link(operator: SessionFactory) -> None:
    """Run again, it prints another one for the same member."""
    run("organisation", "create", "devon", "--name", "Devon")
    account = [*ACCOUNT, "--organisation", "devon", "--username"]
    links = [run(*account, name).stdout.strip() for name in ("ann", "ANN")]
    desk = make_desk(operator)
    for link in links[::-1]:
        assert link.startswith("http://127.0.0.1:8080/password#gsl_")
    set_password(desk, links[1].partition("#")[2], PASSWORD, at=clock.now())

    made = Visitor(desk).tries(username="ann", at=clock.now())
    with operator() as session:
        [member] = session.scalars(select(Person)).all()
        assert (member.name, member.role) == ("Ann", Role.ADMIN)
        assert made.sign_in.person_id == member.id
    with pytest.raises(LinkRefused):
        set_password(desk, links[0].partition("#")[2], PASSWORD, at=clock.now())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["token", "--organisation", "nowhere", "--role", "staff", "--name", "Ann"],
            "There is no such organisation",
            id="an unknown organisation",
        ),
        pytest.param(
            ["organisation", "create", "devon", "--name", "Devon", "--time-zone", "Europe/Exeter"],
            "no IANA time zone",
            id="an unknown time zone",
        ),
        pytest.param(
            [*ACCOUNT, "--organisation", "nowhere", "--username", "ann"],
            "There is no such organisation",
            id="an account nowhere",
        ),
    ],
)
@pytest.mark.usefixtures("operator")
def test_what_the_domain_refuses_is_said_in_a_line(arguments: list[str], said: str) -> None:
    """No traceback; the exit code says that it failed."""
    done = run(*arguments)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("geoservices: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("operator")
def test_a_process_that_was_refused_says_so_by_its_exit_code() -> None:
    """And in the one line."""
    done = run_by_itself("token", "--organisation", "nowhere", "--role", "staff", "--name", "Ann")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("days", ["0", "-1", "3651"])
def test_a_token_lasts_a_day_to_ten_years(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked before the database is."""
    done = main(["token", "--organisation", "x", "--role", "staff", "--name", "A", "--days", days])

    assert done == 1
    assert "--days takes 1 to 3650" in capsys.readouterr().err


def test_without_a_database_the_command_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the name of the variable."""
    monkeypatch.delenv("GEOSERVICES_DATABASE_URL", raising=False)

    done = main(["organisation", "create", "devon", "--name", "Devon"])

    assert done == 1
    assert "GEOSERVICES_DATABASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["vapid-key", "code-key"])
def test_a_key_is_32_bytes_and_new_each_time(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """It needs no database."""
    codes = [main([command]) for _ in range(2)]

    keys = capsys.readouterr().out.split()
    assert codes == [0, 0]
    assert len(set(keys)) == 2
    assert {len(base64url.decode(key)) for key in keys} == {32}


def test_a_citizen_cannot_be_given_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    """The role is not offered at all."""
    with pytest.raises(SystemExit):
        main(["token", "--organisation", "x", "--role", "citizen", "--name", "A"])

    assert "invalid choice" in capsys.readouterr().err


def test_the_keys_in_use_are_told(
    operator: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the settings that the service itself reads."""
    with transaction(operator) as session:
        world = notifying.make_world(session)
        world.subscribe()
    new, old = make_vapid_key(), notifying.PUSH.vapid_private_key.get_secret_value()
    monkeypatch.setenv("GEOSERVICES_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("GEOSERVICES_CODES__KEY", make_vapid_key())
    monkeypatch.setenv("GEOSERVICES_PUSH__VAPID_CONTACT", "mailto:push@council.example")
    monkeypatch.setenv("GEOSERVICES_PUSH__VAPID_PRIVATE_KEY", new)
    monkeypatch.setenv("GEOSERVICES_PUSH__VAPID_OLD_PRIVATE_KEYS", json.dumps([old]))

    done = run("push", "keys")

    told = done.stdout.splitlines()
    assert done.returncode == 0
    assert told[0].endswith("living subscriptions: 0  the present key")
    assert told[1] == f"{notifying.KEY[:12]}…  living subscriptions: 1  old key 1; still needed"
    assert not any(secret in line for line in told for secret in (new, old))


def test_an_operator_sees_push_services_and_says_that_one_is_to_be_believed(
    operator: SessionFactory,
) -> None:
    """What was doubted is then believed: the subscriptions that it calls gone end."""
    assert run("push", "services").stdout == "Nothing was pushed yet.\n"
    origin = "https://updates.push.services.mozilla.com"
    second = (clock.now() - NOON).total_seconds()
    with transaction(operator) as session:
        world = notifying.make_world(session)
        for _ in range(12):
            world.subscribe(second=second)
        world.tell(world.decision(), second=second)
        waiting = session.scalars(select(Delivery)).all()
        sendings = world.claim(*waiting, second=second)
        world.settle_all([(one, notifying.GONE) for one in sendings], second=second)

    doubted = run("push", "services").stdout
    trusted = run("push", "trust", origin)
    believed = run("push", "services").stdout

    assert doubted.startswith(f"{origin}  key {notifying.KEY[:12]}…  It says of 12 out of 12")
    assert (trusted.returncode, trusted.stdout[: len(origin)]) == (0, origin)
    assert believed.endswith("It takes our pushes.\n")
    with transaction(operator) as session:
        world = replace(world, session=session)
        again = world.claim(*session.scalars(select(Delivery)).all(), second=second + 600)
        world.settle_all([(one, notifying.GONE) for one in again], second=second + 601)
        assert None not in session.scalars(select(Subscription.ended_at)).all()


@pytest.mark.usefixtures("operator")
def test_a_push_service_that_is_not_known_cannot_be_believed() -> None:
    """A misspelt address would otherwise look as if it had worked."""
    done = run("push", "trust", "https://push.example")

    assert done.returncode == 1
    assert "Nothing was ever pushed to https://push.example" in done.stderr


def test_settings_that_are_wrong_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that was cut short is still a secret."""
    monkeypatch.setenv("GEOSERVICES_PUSH__VAPID_PRIVATE_KEY", "cut-short")

    done = main(["push", "keys"])

    said = capsys.readouterr().err
    assert done == 1
    assert "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY" in said
    assert "cut-short" not in said
    assert said.count("\n") == 1
