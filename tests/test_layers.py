"""Who may import whom, who may know which library, and where Korean and SQL may stand: read from the code itself."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ml_server", "monitor_blueprint")

# From the inside out: a module imports what stands in its own row or above. A new module needs a place here.
LAYERS = (
    {"core"},
    {"systemd", "moments", "scrub", "kinds"},
    {"probes", "notifiers", "heartbeat"},
    {
        "outbox_rows",
        "transaction",
        "database",
        "history",
        "store",
        "messages",
        "wording",
        "environment",
        "config",
        "health_log",
        "lock",
        "evidence",
    },
    {"runner", "outbox", "report"},
    {"cycle"},
    {"scheduler", "watcher", "stats", "metrics", "deadman"},
    {"service"},
    {"views", "cli", "worker", "gunicorn_conf", ""},
)
STORE = {"database", "transaction", "history", "outbox_rows", "store"}
# Stricter than the rows: what these modules may import of the monitor at all.
ONLY = {
    "core": {"core"},
    "moments": set(),
    "systemd": set(),
    "scrub": set(),
    "kinds": set(),
    "probes": {"core", "kinds", "probes", "systemd", "scrub", "moments"},
    "notifiers": {"core", "kinds", "notifiers"},
    "heartbeat": set(),
    "lock": set(),
    "database": STORE | {"core", "moments"},
    "transaction": STORE | {"core", "moments", "notifiers"},
    "history": STORE | {"core", "moments"},
    "outbox_rows": STORE | {"core", "moments", "notifiers"},
    "store": STORE | {"core"},
    "messages": {"core"},
    "wording": {"core", "messages", "notifiers"},
    "runner": {"config", "core", "probes", "systemd"},
    "outbox": {"notifiers", "outbox_rows", "store"},
    "report": {"core", "messages", "wording", "health_log"},
    "watcher": {"systemd"},
    "scheduler": {"cycle", "health_log", "messages"},
    "stats": set(),
    "metrics": {"core", "store"},
    "views": {"core", "store", "messages", "wording", "stats", "metrics", "lock"},
}


@dataclass(frozen=True)
class Import:
    name: str
    is_lazy: bool


def imports_of(path: Path) -> list[Import]:
    """What a file imports when it runs; not what only type checkers read."""
    found: list[Import] = []
    _collect(ast.parse(path.read_text(encoding="utf-8")).body, found, is_lazy=False)
    return found


def _collect(body: list[ast.stmt], found: list[Import], *, is_lazy: bool) -> None:
    for node in body:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, is_lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from package import module` imports the module; `from module import name` does no harm with it.
            found.extend(Import(f"{node.module}.{alias.name}", is_lazy) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            _collect(node.orelse, found, is_lazy=is_lazy)
        else:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for inner in ("body", "orelse", "finalbody"):
                _collect(getattr(node, inner, []), found, is_lazy=is_lazy or is_function)
            for handler in getattr(node, "handlers", []):
                _collect(handler.body, found, is_lazy=is_lazy)


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Every file of a package, with the name of its part: "core/models.py" belongs to "core"."""
    for path in sorted((ROOT / package).rglob("*.py")):
        part = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        yield ("" if part == "__init__" else part), path


def parts_imported(path: Path) -> set[str]:
    names = [each.name.split(".") for each in imports_of(path) if each.name.split(".")[0] == "monitor_blueprint"]
    known = set().union(*LAYERS)
    # What is no module is a name of the package itself, whose place is the outermost.
    return {name[1] if name[1] in known or (ROOT / "monitor_blueprint" / f"{name[1]}.py").exists() else "" for name in names}


def row_of(part: str) -> int:
    return next((number for number, row in enumerate(LAYERS) if part in row), len(LAYERS))


MONITOR = [pytest.param(part, path, id=str(path.relative_to(ROOT))) for part, path in modules("monitor_blueprint")]
EVERYTHING = [
    *(path for package in PACKAGES for _, path in modules(package)),
    ROOT / "app.py",
    ROOT / "wsgi.py",
]


@pytest.mark.parametrize(("part", "path"), MONITOR)
def test_every_module_has_its_place(part: str, path: Path) -> None:
    assert part in set().union(*LAYERS), f"{path.name} is in no layer"


@pytest.mark.parametrize(("part", "path"), MONITOR)
def test_a_module_imports_nothing_that_is_further_out(part: str, path: Path) -> None:
    for imported in parts_imported(path):
        assert row_of(imported) <= row_of(part), f"{part} imports {imported}"


@pytest.mark.parametrize(("part", "path"), MONITOR)
def test_a_module_imports_only_what_it_is_meant_to_know(part: str, path: Path) -> None:
    assert parts_imported(path) <= ONLY.get(part, set().union(*LAYERS))


def test_the_core_needs_nothing_but_the_standard_library() -> None:
    for part, path in modules("monitor_blueprint"):
        if part == "core":
            for each in imports_of(path):
                package = each.name.split(".")[0]
                assert package in sys.stdlib_module_names or each.name.startswith("monitor_blueprint.core."), each


def test_the_core_has_no_clock_and_touches_nothing_outside() -> None:
    for part, path in modules("monitor_blueprint"):
        if part == "core":
            names = {each.name.split(".")[0] for each in imports_of(path)}
            assert not names & {"os", "time", "io", "pathlib", "socket", "subprocess", "threading", "random", "logging"}
            assert not re.search(r"\.(now|today|utcnow)\(|\bopen\(", path.read_text(encoding="utf-8"))


def test_the_two_programs_never_import_each_other() -> None:
    for package, other in (PACKAGES, PACKAGES[::-1]):
        for _, path in modules(package):
            assert other not in {each.name.split(".")[0] for each in imports_of(path)}, path


def test_wsgi_imports_each_program_only_when_it_is_asked_for() -> None:
    found = {each.name: each.is_lazy for each in imports_of(ROOT / "wsgi.py")}
    assert found["app.create_app"]
    assert found["monitor_blueprint.create_monitor"]
    assert {name for name, is_lazy in found.items() if not is_lazy} == {"typing.TYPE_CHECKING"}


def knowing(library: str) -> set[str]:
    """The files whose code names the library, in whatever way."""
    return {str(path.relative_to(ROOT)) for path in EVERYTHING if _names(library, path.read_text(encoding="utf-8"))}


def _names(library: str, source: str) -> bool:
    # As an import or as the text of one; comments and descriptions may speak of it.
    return bool(re.search(rf"^\s*(from|import) {library}\b|[\"']{library}[.\w]*[\"']", source, re.MULTILINE))


@pytest.mark.parametrize(
    ("library", "files"),
    [
        ("slack_sdk", {"monitor_blueprint/notifiers/slack.py"}),
        ("smtplib", {"monitor_blueprint/notifiers/email.py"}),
        ("apscheduler", {"monitor_blueprint/scheduler.py"}),
        ("sqlite3", {f"monitor_blueprint/{name}.py" for name in STORE - {"history"}}),
        ("jeepney", {"monitor_blueprint/systemd.py", "monitor_blueprint/watcher.py"}),
        ("fcntl", {"monitor_blueprint/lock.py", "monitor_blueprint/database.py"}),
        ("click", {"monitor_blueprint/cli.py"}),
        ("pickle", set()),
    ],
)
def test_a_library_is_known_to_the_files_that_are_there_for_it_and_to_no_other(library: str, files: set[str]) -> None:
    assert knowing(library) == files


def test_flask_is_known_to_what_speaks_http_only() -> None:
    assert knowing("flask") - {"app.py", "wsgi.py", "ml_server/routes.py"} == {
        "monitor_blueprint/__init__.py",
        "monitor_blueprint/views.py",
    }


# --- Korean and SQL

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s(OR\s\w+\s)?INTO|UPDATE\s\w+\sSET|DELETE\sFROM|CREATE\s(TABLE|INDEX)|PRAGMA\s)")


def test_korean_stands_in_the_catalogue_and_the_templates_and_nowhere_else_in_the_programs() -> None:
    texts = [
        path
        for root in (*PACKAGES, "systemd")
        for path in (ROOT / root).rglob("*")
        if path.suffix in (".py", ".html", ".sql", ".css", ".toml", ".json", ".service", ".timer")
    ]
    found = {
        path.relative_to(ROOT) for path in [*texts, ROOT / "app.py", ROOT / "wsgi.py"] if HANGUL.search(path.read_text("utf-8"))
    }
    templates = Path("monitor_blueprint/templates")
    assert {path for path in found if path.parent != templates} == {Path("monitor_blueprint/messages.py")}


def strings_of(path: Path) -> Iterator[str]:
    """The texts of a file's code; not the descriptions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    descriptions = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in descriptions:
            yield node.value


def test_sql_stands_in_the_modules_of_the_store_and_nowhere_else() -> None:
    found = {path for path in EVERYTHING if any(SQL.search(text) for text in strings_of(path))}
    assert {path.stem for path in found} == STORE
    assert {path.parent.name for path in found} == {"monitor_blueprint"}
