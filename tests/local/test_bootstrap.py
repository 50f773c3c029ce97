"""Setting up: what must be there, and what may be missing."""

import pytest

from local import apt, bootstrap, environment
from local.console import CannotGoOn


@pytest.fixture(autouse=True)
def _refusing_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which all but the browsers is there, and nothing can be installed."""

    def refuse(**_: object) -> None:
        raise CannotGoOn("This machine has no apt.")

    monkeypatch.setattr(apt, "install", refuse)
    monkeypatch.setattr(environment, "is_ready", lambda *_, **__: True)
    monkeypatch.setattr(bootstrap, "find_postgres", object)
    monkeypatch.setattr(bootstrap, "missing_browsers", lambda: ["firefox-esr"])


def test_without_browsers_the_checks_run_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing is said, and that tests are skipped for it."""
    bootstrap.set_up(dev=True, embedded=True)

    told = capsys.readouterr().err
    assert "This machine has no apt." in told
    assert "the tests that need them are skipped" in told


def test_the_demo_asks_for_no_browser(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever runs it has one."""
    bootstrap.set_up(dev=False, embedded=True)

    assert capsys.readouterr().err == ""


def test_without_a_server_nothing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests stand on it."""
    monkeypatch.setattr(bootstrap, "find_postgres", lambda: None)

    with pytest.raises(CannotGoOn):
        bootstrap.set_up(dev=True, embedded=True)
