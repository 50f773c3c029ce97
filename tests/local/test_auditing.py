"""Known vulnerabilities of what we depend on are found, by the real pip-audit."""

import json
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from local import auditing

LEAKY = {
    "id": "GHSA-test",
    "aliases": ["CVE-2026-1"],
    "summary": "It leaks.",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "leaky", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]},
            ],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """Knows of one package that leaks."""

    def do_POST(self) -> None:
        """Answer about one package."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = {"vulns": [LEAKY]} if asked["package"]["name"] == "leaky" else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a database of vulnerabilities answers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def locked(folder: Path, *packages: str) -> str:
    """A file of locked requirements."""
    file = folder / "requirements.txt"
    file.write_text("".join(f"{one} --hash=sha256:{'0' * 64}\n" for one in packages))
    return str(file)


def test_a_known_vulnerability_fails_the_check(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named with the version that mends it; what is sound is not."""
    sound = auditing.main(["--osv-url", database, locked(tmp_path, "sound==1.0")])
    said = capsys.readouterr().out
    leaky = auditing.main(["--osv-url", database, locked(tmp_path, "sound==1.0", "leaky==1.0")])

    assert (sound, said) == (0, "No vulnerability is known of 1 packages.\n")
    assert leaky == 1
    assert capsys.readouterr().out == "leaky 1.0: CVE-2026-1, mended in 1.1\n"


def test_what_does_not_touch_us_is_accepted_for_a_while(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until a day, and not for ever."""
    file = locked(tmp_path, "leaky==1.0")
    verdicts = []
    for until in (date(2100, 1, 1), date(2026, 1, 1)):
        monkeypatch.setattr(auditing, "ACCEPTED", {"CVE-2026-1": (until, "We never call it.")})
        verdicts.append(auditing.main(["--osv-url", database, file]))

    assert verdicts == [0, 1]


def test_without_the_internet_nothing_is_audited_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails nothing, unless it is required."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    away = ["--osv-url", "http://127.0.0.1:9/v1/query", locked(tmp_path, "sound==1.0")]

    assert auditing.main(away) == 0
    assert "nothing was audited" in capsys.readouterr().out
    assert auditing.main([*away, "--required"]) == 1
