"""When the web app is built anew, and what its client knows of the API."""

from pathlib import Path

import pytest

from local import web


def test_it_is_built_anew_when_something_of_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is changed, renamed or added; not what is made from them."""
    monkeypatch.setattr(web, "WEB", tmp_path)
    for folder in ("src", "dist", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.ts").write_text("1")
    digests = [web.digest(web.sources())]
    (tmp_path / "dist" / "a.ts").write_text("2")
    (tmp_path / "node_modules" / "b.ts").write_text("2")
    assert web.digest(web.sources()) == digests[0]

    (tmp_path / "src" / "a.ts").write_text("2")
    digests.append(web.digest(web.sources()))
    (tmp_path / "src" / "a.ts").rename(tmp_path / "src" / "b.ts")
    digests.append(web.digest(web.sources()))
    (tmp_path / "vite.config.ts").write_text("3")
    digests.append(web.digest(web.sources()))

    assert len(set(digests)) == 4


def test_what_a_script_runs_is_installed_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a fresh checkout nothing is; whatever else npm does brings the lock up to date itself."""
    done: list[object] = []
    monkeypatch.setattr(web, "install", lambda *, dev: done.append(dev))
    monkeypatch.setattr(web, "NODE", Path("/bin/echo"))

    assert web.main(["npm", "run", "format"]) == 0
    assert web.main(["npm", "--version"]) == 0

    assert done == [True]


def test_the_types_leave_out_what_is_the_same_everywhere() -> None:
    """Refusals and titles go; a member that is called `title` stays."""
    answers = {"200": {"description": "Yes."}, "404": {"description": "No."}}
    told = {
        "paths": {"/x": {"get": {"responses": answers}}},
        "components": {"properties": {"title": {"title": "Title", "type": "string"}}},
        "point": {"prefixItems": [{"type": "number"}], "minItems": 2, "maxItems": 2},
    }

    simple = web.without_refusals(told)

    assert list(simple["paths"]["/x"]["get"]["responses"]) == ["200"]
    assert simple["components"]["properties"] == {"title": {"type": "string"}}
    assert simple["point"] == {"items": {"type": "number"}}


def test_the_lock_names_no_registry() -> None:
    """Whoever builds it asks the one that they use."""
    lock = (web.WEB / "package-lock.json").read_text("utf-8")

    assert '"resolved"' not in lock
    assert "registry." not in lock
