"""How the web app is served, whichever pages it has."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import problems, web


def serve(folder: Path) -> TestClient:
    """A service that has nothing but the app."""
    app = FastAPI()
    problems.install(app, refused=lambda *_: None)
    web.install(app, folder)
    return TestClient(app)


@pytest.fixture
def app(tmp_path: Path) -> TestClient:
    """A build with one script, which lies there compressed too."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<head></head><h1>Nearby</h1>")
    (tmp_path / "parts.json").write_text('{"/": ["assets/a-1.js", "assets/a-2.css"]}')
    (tmp_path / "addresses.json").write_text('["/", "/places/{placeId}"]')
    (tmp_path / "secret.txt").write_text("nobody's business")
    for ending, content in (("", "plain"), (".br", "brotli"), (".gz", "gzip")):
        (assets / f"index-abc.js{ending}").write_text(content)
    (tmp_path / "service-worker.js").write_text("worker")
    (assets / "mark-abc.svg").write_text("<svg/>")
    return serve(tmp_path)


def test_the_same_page_stands_at_each_address(app: TestClient) -> None:
    """With the policy of pages, and asked for anew each time; nothing stands elsewhere.

    It names what it loads at that address.
    """
    parts = (
        '<link rel="modulepreload" crossorigin href="/assets/a-1.js">'
        '<link rel="stylesheet" crossorigin href="/assets/a-2.css">'
    )
    for path, links in (("/", parts), ("/places/1", ""), ("/places/a%20b", "")):
        page = app.get(path)
        assert (page.status_code, page.text) == (200, f"<head>{links}</head><h1>Nearby</h1>")
        assert page.headers["Cache-Control"] == "no-cache"
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert app.head(path).headers["Content-Length"] == page.headers["Content-Length"]
    assert app.get("/places").status_code == 404
    assert app.post("/").status_code == 405


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", "brotli"),
        ("gzip;q=1.0, br;q=0", "gzip", "gzip"),
        ("GZIP; q=0.8, br; q=0.000", "gzip", "gzip"),
        ("identity", None, "plain"),
        ("", None, "plain"),
    ],
)
def test_a_file_is_sent_as_the_browser_takes_it(
    app: TestClient, accepted: str, encoding: str | None, content: str
) -> None:
    """And is kept for ever: another content has another name."""
    with app.stream("GET", "/assets/index-abc.js", headers={"Accept-Encoding": accepted}) as sent:
        assert b"".join(sent.iter_raw()).decode() == content
    assert sent.headers.get("Content-Encoding") == encoding
    assert sent.headers["Content-Type"].startswith("text/javascript")
    assert sent.headers["Vary"] == "Accept-Encoding"
    assert "immutable" in sent.headers["Cache-Control"]


def test_the_service_worker_serves_all_pages_and_is_always_fresh(app: TestClient) -> None:
    """It stands at the root, which sets its scope, and a cache never stands in for it."""
    answer = app.get("/service-worker.js")

    assert answer.text == "worker"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "name", ["none.js", "..%2fsecret.txt", "%2e%2e/secret.txt", ".", "index-abc.js%00"]
)
def test_no_other_file_is_sent(app: TestClient, name: str) -> None:
    """Whatever the address says."""
    answer = app.get(f"/assets/{name}")

    assert answer.status_code == 404
    assert "nobody" not in answer.text


def test_without_a_build_it_says_how_to_make_one(tmp_path: Path) -> None:
    """To whoever opens the first page."""
    answer = serve(tmp_path).get("/")

    assert answer.status_code == 503
    assert "python -m local.web build" in answer.text
    assert serve(tmp_path).get("/service-worker.js").status_code == 404


def test_what_is_built_anew_meanwhile_takes_nothing_away(app: TestClient, tmp_path: Path) -> None:
    """The page goes on with the files that it names, until the service is started again."""
    for file in (tmp_path / "assets").iterdir():
        file.unlink()

    assert app.get("/assets/mark-abc.svg").text == "<svg/>"
