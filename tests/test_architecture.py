"""Rules of the house that a machine can check, so that nobody has to remember them."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles

from workers.schedule import SCHEDULE

ROOT = Path(__file__).parent.parent
PACKAGES = ("geoservices", "api", "workers", "geodata", "local")
STARTED_BY_NAME = {"api.main"}
"""Modules that a command names and nothing imports; `__main__` goes without saying."""
STATEMENTS = {"select", "insert", "update", "delete"}
LONGEST_FILE = 400
MEDIAN_FILE = 120
LONGEST_FUNCTION_P95 = 40
MEDIAN_FUNCTION = 12
LONGEST_ROUTE = 10
LONGEST_JOB = 10

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of the project's own."""

    path: Path

    @property
    def name(self) -> str:
        """Its dotted name; a package's is that of its folder."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def text(self) -> str:
        """Its source."""
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its source, parsed."""
        return ast.parse(self.text)

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def imports(self) -> Iterator[str]:
        """The dotted names it imports, or names in a string as Celery's `include` does."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"[a-z_]+(?:\.[a-z_]+)+", node.value)


MODULES = [Module(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
OUTSIDE = [Module(path) for folder in ("alembic", "bench") for path in (ROOT / folder).glob("*.py")]


def calls(node: ast.AST) -> Iterator[str]:
    """The dotted names of everything a piece of code calls."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            yield ast.unparse(call.func)


def statements(function: Function) -> int:
    """How many statements a function's body has, those within blocks too, without its docstring."""
    counted = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return counted - (ast.get_docstring(function) is not None)


def decorated(module: Module, wanted: str) -> Iterator[tuple[Function, ast.Call]]:
    """The functions whose decorator's name matches, each with that decorator."""
    for function in module.functions():
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and re.fullmatch(
                wanted, ast.unparse(decorator.func)
            ):
                yield function, decorator


def test_imports_keep_their_contracts() -> None:
    """import-linter, as CI runs it."""
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_no_module_is_left_over() -> None:
    """Each is imported by another one, or a command starts it."""
    used = {name for module in [*MODULES, *OUTSIDE] for name in module.imports()}
    packages = {module.name for module in MODULES if module.path.stem == "__init__"}

    orphans = [
        module.name
        for module in MODULES
        if module.path.stem != "__main__" and module.name not in used | packages | STARTED_BY_NAME
    ]

    assert orphans == []


def test_a_package_holds_one_docstring_and_nothing_else() -> None:
    """Whoever looks for a definition finds it in a file with a name."""
    full = [
        module.name
        for module in MODULES
        if module.path.stem == "__init__" and len(module.tree.body) > 1
    ]

    assert full == []
    assert [module.name for module in MODULES if not ast.get_docstring(module.tree)] == []


def test_statements_are_written_where_queries_are() -> None:
    """`select` and its kin in files of queries, and in the outbox, small enough for both."""
    elsewhere = [
        (module.name, alias.name)
        for module in MODULES
        if not module.path.name.endswith(("queries.py", "outbox.py"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
        if alias.name in STATEMENTS
    ]

    assert elsewhere == []


def test_connections_are_made_in_one_place() -> None:
    """So that each of them knows when the server is to be given up."""
    made = {
        module.name
        for module in MODULES
        if not module.name.startswith("local.")
        and {"psycopg.connect", "create_engine"} & set(calls(module.tree))
    }

    assert made == {"geoservices.database"}


def test_the_time_of_day_is_asked_of_the_clock() -> None:
    """So that whoever decides is given the time."""
    asked = [
        (module.name, name)
        for module in MODULES
        for name in calls(module.tree)
        if re.fullmatch(r"(datetime\.)?(datetime|date)\.(now|utcnow|today)", name)
    ]

    assert asked == [("geoservices.clock", "datetime.now")]


def test_files_stay_short() -> None:
    """The file that nobody splits gets split."""
    assert [module.name for module in MODULES if module.text.count("\n") > LONGEST_FILE] == []


def test_what_is_public_says_what_it_does_and_returns() -> None:
    """A docstring on each class, function and method, and a return type on every function."""
    silent = [
        f"{module.name}.{thing.name}"
        for module in MODULES
        for thing in public(module.tree)
        if not ast.get_docstring(thing)
    ]
    untyped = [
        f"{module.name}.{function.name}"
        for module in MODULES
        for function in module.functions()
        if function.returns is None
    ]

    assert silent == []
    assert untyped == []


def test_files_and_functions_keep_their_budgets() -> None:
    """By the median, and by the longest twentieth."""
    files = [module.text.count("\n") for module in MODULES if module.path.stem != "__init__"]
    functions = [
        (function.end_lineno or 0) - function.lineno + 1
        for module in MODULES
        for function in module.functions()
    ]

    assert median(files) <= MEDIAN_FILE
    assert median(functions) <= MEDIAN_FUNCTION
    assert quantiles(functions, n=20)[-1] <= LONGEST_FUNCTION_P95


def test_routes_translate_and_jobs_repeat() -> None:
    """Neither has room to decide anything."""
    routes = [
        (statements(function), module.name, function.name)
        for module in MODULES
        if module.name.startswith("api.routers.")
        for function, _ in decorated(module, r"router\.(get|post|put|patch|delete)")
    ]
    jobs = [
        (statements(function), module.name, function.name)
        for module in MODULES
        if module.name.startswith("workers.jobs.")
        for function, _ in decorated(module, r"app\.task")
    ]

    assert len(routes) > 20
    assert len(jobs) >= 4
    assert median(count for count, *_ in routes) <= 4
    assert max(routes)[0] <= LONGEST_ROUTE, max(routes)
    assert max(jobs)[0] <= LONGEST_JOB, max(jobs)


def public(node: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """What a module or class offers, methods of its classes too; overridden ones said it above."""
    for thing in node.body:
        if not isinstance(thing, Function | ast.ClassDef) or thing.name.startswith("_"):
            continue
        if "override" not in {ast.unparse(decorator) for decorator in thing.decorator_list}:
            yield thing
        if isinstance(thing, ast.ClassDef):
            yield from public(thing)


def jobs_by_name() -> dict[str, str]:
    """The module of each job by the name it goes by on the wire."""
    named: dict[str, str] = {}
    for module in MODULES:
        for function, decorator in decorated(module, r"(app\.task|.*shared_task)"):
            names = [word.value for word in decorator.keywords if word.arg == "name"]
            assert len(names) == 1, f"{module.name}.{function.name} has no explicit name"
            [name] = names
            assert isinstance(name, ast.Constant)
            named[str(name.value)] = module.name
    return named


def test_jobs_are_named_noun_verb_after_their_module() -> None:
    """The name is on the wire, so a function may be renamed and a job may not."""
    named = jobs_by_name()

    for name, module in named.items():
        noun, _, verb = name.partition(".")
        assert re.fullmatch(r"[a-z_]+", verb), name
        assert module == f"workers.jobs.{noun}"


def test_only_jobs_that_exist_are_sent_or_scheduled() -> None:
    """A name misspelt would be dropped by every worker."""
    relay = next(module for module in MODULES if module.name == "workers.relay")
    rung = {
        call.args[0].value
        for call in ast.walk(relay.tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "Bell"
        and isinstance(call.args[0], ast.Constant)
    }
    scheduled = {entry["task"] for entry in SCHEDULE.values()}

    assert len(rung) == 10
    assert rung.isdisjoint(scheduled)
    assert rung | scheduled == set(jobs_by_name())


def test_alembic_is_no_package() -> None:
    """With an `__init__.py`, importing the library of that name would find this folder."""
    assert not (ROOT / "alembic" / "__init__.py").exists()
