"""What leaves the machine is held to be ours: by mypy where it goes out, and by who may say of a text that it is public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "monitor_blueprint"
# Who may say of a text that it is public; each of them fills templates of ours, or reads back what said so itself.
MAKERS = {
    "domain/text.py",
    "storage/encoding.py",
    "text/backlog.py",
    "text/lateness.py",
    "text/message_templates.py",
    "text/messages.py",
    "text/outline.py",
    "text/places.py",
    "text/render.py",
}
# In these a template may be chosen from the catalogue at run time.
SPEAKERS = ("text/", "domain/text.py")

HEAD = """
import logging
from datetime import UTC, datetime
from monitor_blueprint.alerts.heartbeat import Heartbeat
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import Event, ProbeError, Reading
from monitor_blueprint.domain.text import Document, Private, Public, configured, fill, joined
from monitor_blueprint.engine.self_check import Problem
from monitor_blueprint.log import Log
from monitor_blueprint.text import messages
from monitor_blueprint.text.health_log import HealthLog
from monitor_blueprint.text.log_report import Line
from monitor_blueprint.web import answers, metrics

def use(outside: str, hidden: Private, ours: Public, log: HealthLog, heart: Heartbeat, own: Log, event: Event) -> object:
    at = datetime.now(UTC)
"""
REFUSED = {
    "a subject": 'return Message("1", outside, ours, at)',
    "a body": 'return Message("1", ours, outside, at)',
    "a private body": 'return Message("1", ours, hidden, at)',
    "a body put together": 'return Message("1", ours, ours + outside, at)',
    "a body with something in it": 'return Message("1", ours, f"{ours}", at)',
    "a body by format": 'return Message("1", ours, ours.format(outside), at)',
    "evidence": 'return messages.alert(event, "1", {}, [("journal", outside)])',
    "a line of the log": "log.write(logging.INFO, outside)",
    "a private line of the log": "log.write(logging.INFO, hidden)",
    "a line of the runs": "log.write_run(logging.INFO, outside)",
    "a line of a report": "line: Line = (logging.INFO, outside)\n    return line",
    "a fact": 'return Reading("http", facts={"reason": outside})',
    "a filled template": 'return fill("{x}", x=outside)',
    "a private text in a template": 'return fill("{x}", x=hidden)',
    "a joined text": 'return joined(", ", [outside])',
    "a heartbeat": "heart.success(outside)",
    "a failing heartbeat": "heart.fail(outside)",
    "a line of the journal": "own.warning(outside)",
    "a failure in the journal": 'own.error(f"{outside}")',
    "why a probe could not look": "return ProbeError(outside)",
    "a detail that is not marked": "return ProbeError(ours, outside)",
    "a label of a metric": "return metrics._labels(outside)",
    "an open document": 'document: Document = {"problems": [outside]}\n    return document',
    "an answer": 'return answers.open_json({"error": outside})',
    "a problem": "return Problem(outside, ours)",
    "a problem's sentence": "return Problem(ours, outside)",
}
ALLOWED = (
    'return Reading("http", facts={"reason": ours, "reason_text": hidden, "count": 1, "share": 0.5, "is_cut": True})',
    'log.write(logging.INFO, fill("{x} {y}", x=ours, y=1))',
    'return Message("1", ours, joined("\\n", [ours, configured("x")]), at)',
    "heart.success(ours)",
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy finds in each snippet, by its name; asked once for all of them."""
    folder = tmp_path_factory.mktemp("snippets")
    snippets = {**REFUSED, **{f"allowed {number}": text for number, text in enumerate(ALLOWED)}}
    names = {f"snippet_{number}": name for number, name in enumerate(snippets)}
    for stem, name in names.items():
        (folder / f"{stem}.py").write_text(f"{HEAD}    {snippets[name]}\n    return None\n")
    options = [
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--no-error-summary",
        "--no-warn-unreachable",
        "--hide-error-context",
    ]
    report, problems, _ = api.run([*options, *map(str, folder.glob("*.py"))])
    assert problems == ""
    found: dict[str, list[str]] = {name: [] for name in snippets}
    for line in report.splitlines():
        stem = Path(line.partition(":")[0]).stem
        if ": error: " in line:
            found[names[stem]].append(line)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_no_other_text_goes_out(findings: dict[str, list[str]], name: str) -> None:
    """Of a kind that is wrong in its place, and for no other reason."""
    assert len(findings[name]) == 1, findings[name]


@pytest.mark.slow
def test_what_is_ours_goes_out(findings: dict[str, list[str]]) -> None:
    assert [found for name, found in findings.items() if name.startswith("allowed") and found] == []


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def modules() -> dict[str, Path]:
    return {str(path.relative_to(PACKAGE)): path for path in PACKAGE.rglob("*.py")}


def test_who_makes_a_text_public() -> None:
    """Few, and each of them known."""
    assert {name for name, path in modules().items() if any(calls(path, "Public"))} == MAKERS


def test_templates_are_constants() -> None:
    """A template that came from anywhere would be public, whatever it says."""
    wrong = []
    for name, path in modules().items():
        constants = {
            target.id
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in calls(path, "fill"):
            template = call.args[0]
            if not is_constant(template, constants) and not name.startswith(SPEAKERS):
                wrong.append(f"{name}:{call.lineno}")
    assert wrong == []


def is_constant(template: ast.expr, constants: set[str]) -> bool:
    if isinstance(template, ast.IfExp):
        return is_constant(template.body, constants) and is_constant(template.orelse, constants)
    if isinstance(template, ast.Attribute):
        return isinstance(template.value, ast.Name) and template.value.id == "ko"
    return isinstance(template, ast.Constant) or (isinstance(template, ast.Name) and template.id in constants)


def test_aspects_stand_in_the_code() -> None:
    """They are labels of the metrics: no name that was found somewhere."""
    for name, path in modules().items():
        if name.startswith("probes/"):
            for call in calls(path, "Reading"):
                aspect = call.args[0] if call.args else next(each.value for each in call.keywords if each.arg == "aspect")
                assert isinstance(aspect, ast.Constant | ast.Name | ast.IfExp), f"{name}:{call.lineno}"


def test_no_traceback_is_logged() -> None:
    """It ends with what the exception says, and that may quote anything."""
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        assert "exc_info=" not in text, name
        assert ".exception(" not in text, name
        assert "print_exc" not in text, name


def test_one_module_writes_to_the_journal() -> None:
    """The library's loggers take any text."""
    loggers = {name for name, path in modules().items() if "logging.getLogger(" in path.read_text(encoding="utf-8")}
    assert loggers == {"alerts/heartbeat.py", "gunicorn_conf.py", "log.py"}
