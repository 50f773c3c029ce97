"""What the pages say is what the code does."""

import ast
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from api.app import NOUNS, UNVERSIONED
from api.problems import catalogue, status_of
from geoservices.access.rights import MEMBERS, RIGHTS, Right, Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import Gate
from geoservices.checkins.verification import Doubt, Evidence
from geoservices.codes.links import CodeProblem
from geoservices.deliveries.progress import PushProgress
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.letters.models import LetterKind, LetterState
from geoservices.mail.sending import Sent
from geoservices.notifications.folders import Folder
from geoservices.offers.rules import Redeeming, Renewal
from geoservices.pings.screening import REFUSALS, Verdict
from geoservices.push.gateway import OutcomeKind
from geoservices.subscriptions.health import Health
from geoservices.visits.transitions import Phase, Reason, TransitionKind
from local.configuration import Configuration
from tests.settings_names import Setting, settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
PACKAGES = ("geoservices", "api", "workers", "geodata")

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
DECISION = re.compile(r"\[decision\s+(\d+)\]\([^)]*?(\d{4})-", re.IGNORECASE)
NAMED = re.compile(r"GEOSERVICES_[A-Z][A-Z_]*[A-Z]")
WITH_VALUE = re.compile(r"`(GEOSERVICES_[A-Z_]+)`\s+\(`?([^`)]+)`?\)")
OF_THE_MAKEFILE = {"GEOSERVICES_VENV", "GEOSERVICES_TEST_THOROUGH"}
SECTIONS = ["Context", "Decision", "Consequences", "Alternatives"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every file that a page links to exists, and so does the heading within it."""
    for file, heading in LINK.findall(_prose(page)):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        assert target.is_relative_to(ROOT), file
        assert not heading or heading in _anchors(target), f"{file}#{heading}"


def test_every_page_can_be_found() -> None:
    """The index leads to every page beside it, apart from itself."""
    index = (DOCS / "index.md").read_text("utf-8")

    missing = {page.name for page in DOCS.glob("*.md") if f"]({page.name})" not in index}

    assert missing <= {"index.md"}


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.name)
def test_every_setting_is_explained_with_its_default(setting: Setting) -> None:
    """operations.md has a row for it, with the default as the environment would spell it."""
    default = "required" if setting.default is None else f"`{setting.default}`"

    row = f"| `{setting.name}` | {default} | "

    assert row in (DOCS / "operations.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_setting_that_does_not_exist(page: Path) -> None:
    """Every variable that a page names is one that something reads."""
    local = {f"GEOSERVICES_{field.upper()}" for field in Configuration.model_fields}
    known = {setting.name for setting in settings()} | local | OF_THE_MAKEFILE

    assert set(NAMED.findall(page.read_text("utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_values_told_in_passing_are_the_defaults(page: Path) -> None:
    """Where a page says what a setting is, it is that."""
    defaults = {setting.name: setting.default for setting in settings()}
    told = dict(WITH_VALUE.findall(page.read_text("utf-8")))

    for name in told.keys() & defaults.keys():
        assert _number(told[name]) == _number(defaults[name] or ""), name


def test_every_route_is_listed() -> None:
    """http-api.md has every method and path, and none that does not exist."""
    routers = [("/v1", noun.router) for noun in NOUNS] + [("", router) for router in UNVERSIONED]
    routes = {
        f"{method} {prefix}{route.path}"
        for prefix, router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    listed = re.findall(
        r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", _section(DOCS / "http-api.md", "Every route")
    )

    assert set(listed) == routes
    assert len(listed) == len(routes)


def test_every_status_has_advice() -> None:
    """http-api.md says what to do about each status that a problem can have."""
    advised = re.findall(r"\b[45]\d\d\b", _section(DOCS / "http-api.md", "Errors"))

    assert {str(status_of(error)) for error in catalogue().values()} <= set(advised)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("http-api.md", Verdict),
        ("http-api.md", Evidence),
        ("http-api.md", ReceiptKind),
        ("http-api.md", Purpose),
        ("check-ins.md", Evidence),
        ("check-ins.md", Doubt),
        ("offers.md", Redeeming),
        ("offers.md", Renewal),
        ("check-ins.md", CodeProblem),
        ("presence.md", TransitionKind),
        ("presence.md", Reason),
        ("presence.md", Phase),
        ("channels.md", Purpose),
        ("channels.md", Folder),
        ("channels.md", PushProgress),
        ("channels.md", LetterKind),
        ("channels.md", LetterState),
        ("channels.md", Sent),
        ("push.md", DeliveryState),
        ("push.md", OutcomeKind),
        ("push.md", Health),
    ],
)
def test_every_word_of_a_closed_list_is_explained(page: str, words: type[StrEnum]) -> None:
    """A page that explains some values of an enumeration explains them all."""
    text = (DOCS / page).read_text("utf-8")

    assert [word for word in words if word not in text] == []


def test_the_roles_have_the_rights_that_are_told() -> None:
    """organisations.md has a row for each right, and a column for each role of a member's."""
    section = _section(DOCS / "organisations.md", "Roles and rights")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    roles = [Role(name) for name in rows[0][2:]]
    told = {
        row[0].strip("`"): {role for role, cell in zip(roles, row[2:], strict=True) if cell}
        for row in rows[2:]
    }

    assert set(roles) == MEMBERS
    assert told == {
        right.value: {role for role in MEMBERS if right in RIGHTS[role]} for right in Right
    }


def test_the_gates_are_told_in_their_order() -> None:
    """architecture.md lists the gates as the campaigns ask them."""
    text = " ".join((DOCS / "architecture.md").read_text("utf-8").split())

    assert " → ".join(gate.value.replace("-", " ") for gate in Gate) in text


def test_every_problem_is_on_the_page_of_problems() -> None:
    """problems.md, which is generated, has every code that the code base can answer with."""
    page = DOCS / "problems.md"
    if not page.exists():
        pytest.skip("docs/problems.md has not been generated")

    text = page.read_text("utf-8")

    assert [code for code in _codes() if f"`{code}`" not in text] == []


def test_every_reason_to_refuse_a_ping_is_told() -> None:
    """presence.md has each code of the screening."""
    text = (DOCS / "presence.md").read_text("utf-8")

    assert [one.code for one in REFUSALS if f"`{one.code}`" not in text] == []


def test_every_log_event_is_told() -> None:
    """operations.md names each event that a line can have."""
    told = _section(DOCS / "operations.md", "Logs")
    events = _events()

    assert events
    assert [event for event in events if f"`{event}`" not in told] == []


def test_decisions_are_numbered_and_whole() -> None:
    """Numbers have no gap, the title repeats the number, and each page has its sections."""
    pages = sorted((DOCS / "decisions").glob("*.md"))

    for number, page in enumerate(pages, start=1):
        text = page.read_text("utf-8")
        assert page.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number:04}: ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_decisions_are_named_by_their_numbers(page: Path) -> None:
    """Whoever reads "decision 44" and follows the link gets to that one."""
    named = DECISION.findall(page.read_text("utf-8"))

    assert [(told, number) for told, number in named if int(told) != int(number)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_has_the_targets_that_pages_name(page: Path) -> None:
    """`make something` on a page is something that the Makefile knows."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)

    assert set(named) <= set(targets)


def _prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def _section(page: Path, heading: str) -> str:
    """Return what stands under a heading, up to the next of its level."""
    _, _, rest = page.read_text("utf-8").partition(f"\n## {heading}\n")
    assert rest, heading
    return rest.partition("\n## ")[0]


def _anchors(page: Path) -> set[str]:
    """Return the fragments by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _trees(packages: Iterable[str]) -> Iterator[ast.Module]:
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(file.read_text("utf-8"))


def _codes() -> list[str]:
    """Return every code that a class states as its own."""
    return [
        statement.value.value
        for tree in _trees(("geoservices", "api"))
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
        and [ast.unparse(target) for target in statement.targets] == ["code"]
    ]


def _events() -> list[str]:
    """Return the name of every event that is logged."""
    return [
        node.args[0].value
        for tree in _trees(PACKAGES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("log.")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
