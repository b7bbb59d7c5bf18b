"""What no linter can say of the code's structure: where Korean and SQL stand, and that the rules never ask for the time.

Who may import whom stands in `pyproject.toml` (`[tool.importlinter]`), and `make lint` holds the code to it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ml_server", "monitor_blueprint", "serving")
MODULES = [*(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), ROOT / "app.py", ROOT / "wsgi.py"]

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s(OR\s\w+\s)?INTO|UPDATE\s\w+\sSET|DELETE\sFROM|CREATE\s(TABLE|INDEX)|PRAGMA\s)")


def relative(paths: Iterator[Path]) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in paths}


def test_korean_stands_in_the_catalogue() -> None:
    """Nowhere else in the programs, the templates aside."""
    suffixes = (".py", ".html", ".txt", ".sql", ".css", ".toml", ".json", ".service", ".timer")
    texts = [path for root in (*PACKAGES, "systemd") for path in (ROOT / root).rglob("*") if path.suffix in suffixes]
    found = relative(path for path in [*texts, *MODULES] if HANGUL.search(path.read_text("utf-8")))
    catalogue = {str(path.relative_to(ROOT)) for path in (ROOT / "monitor_blueprint/text").glob("ko*.py")}
    assert {path for path in found if "/templates/" not in path} == catalogue


def test_sql_stands_in_the_storage() -> None:
    found = relative(path for path in MODULES if any(SQL.search(text) for text in strings_of(path)))
    assert found
    assert {Path(path).parent for path in found} == {Path("ml_server/storage"), Path("monitor_blueprint/storage")}


def test_the_rules_are_given_the_time() -> None:
    """That they import no clock says a contract; `datetime` they need."""
    for path in (ROOT / "monitor_blueprint/domain").rglob("*.py"):
        assert not re.search(r"\.(now|today|utcnow)\(|\bopen\(", path.read_text("utf-8")), path


def test_programs_are_imported_when_asked() -> None:
    """`wsgi.py` imports nothing at its top, so that serving one program never imports the other."""
    tree = ast.parse((ROOT / "wsgi.py").read_text("utf-8"))
    assert {node.module for node in tree.body if isinstance(node, ast.ImportFrom)} == {"typing"}


def test_types_are_learnt_at_import() -> None:
    """msgspec learns a type of ours when it is first asked for, and two threads that have it do so at once end the process."""
    for path in [path for path in MODULES if "/cli/" not in str(path)]:
        tree = ast.parse(path.read_text("utf-8"))
        at_import = [node for statement in tree.body if not isinstance(statement, _ROOMS) for node in ast.walk(statement)]
        learnt = {name for call in _calls(at_import, "msgspec.json.Decoder") for name in _names(call)}
        for call in _calls(ast.walk(tree), "msgspec.json.decode"):
            wanted = [keyword.value for keyword in call.keywords if keyword.arg == "type"]
            assert not [name for each in wanted for name in _names(each) if name[0].isupper() or name[0] == "_"], (
                path,
                call.lineno,
            )
        for call in _calls(ast.walk(tree), "msgspec.convert"):
            assert {name for name in _names(call.args[1]) if name.strip("_")[0].isupper()} <= learnt | _ALONE, (path, call.lineno)


_ROOMS = (ast.FunctionDef, ast.ClassDef)
# Asked for in one thread only: of `neuronova-model pack`.
_ALONE = {"Said", "AnyInput"}


def _calls(nodes: Iterable[ast.AST], name: str) -> Iterator[ast.Call]:
    return (node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == name)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - {"Any"}


def test_no_module_is_private() -> None:
    """A module that only its neighbours may know has no place; names are private, modules are rooms."""
    private = [path for path in MODULES if path.stem.startswith("_") and path.stem not in ("__init__", "__main__")]
    assert private == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_drawing_is_current(package: str) -> None:
    """`make drawing` mends it."""
    command = [sys.executable, "-c", "from importlinter.cli import import_linter; import_linter()", "drawgraph", package]
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / f"{package}.dot").read_text() == drawn


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
