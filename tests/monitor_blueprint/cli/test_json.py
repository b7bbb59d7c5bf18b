"""What the commands print as JSON is what the API answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor_blueprint import create_monitor
from monitor_blueprint.cli import main
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.probes import Observation
from tests.monitor_blueprint.conftest import Script
from tests.monitor_blueprint.running import TOKEN, configure
from tests.monitor_blueprint.web.asking import Api

HOSTILE = Private("said by the site \x1b[31m\x9b2J\u202e<script>")
DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone"), "reason_text": HOSTILE}),))


@pytest.fixture(autouse=True)
def _ailing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    """Flask is down, Disk is silenced."""
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))
    monkeypatch.setenv("MONITOR_ADMIN_TOKEN", TOKEN)
    monkeypatch.setenv("SUDO_USER", "lee")
    script["Flask"] = lambda context: DOWN
    assert run("health-check").exit_code == 2
    assert run("silence", "Disk", "1h", "--why", "deployment\x1b[31m").exit_code == 0
    assert run("note", "1", "cable pulled \u202e").exit_code == 0
    assert run("ack").exit_code == 0


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def same(printed: Any, answered: Any) -> None:
    """But for the moments at which they were asked."""
    for document in (printed, answered):
        document.pop("at", None)
    assert printed == answered


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("status",), "/status"),
        (("history",), "/incidents"),
        (("history", "1"), "/incidents/1"),
        (("silences",), "/silences"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_commands_print_what_the_api_answers(arguments: tuple[str, ...], path: str) -> None:
    done = run(*arguments, "--json")
    assert done.stdout.isascii() or "\x1b" not in done.stdout
    assert not set("\x1b\x9b\u202e") & set(done.stdout)
    app = create_monitor()
    try:
        same(json.loads(done.stdout), Api(app).get(path))
    finally:
        own = app.extensions["neuronova_monitor"]
        own.store.close()
        own.log.close()


def test_status_ends_with_its_code() -> None:
    """Nobody runs the schedule here."""
    done = run("status", "--json")
    assert (done.exit_code, json.loads(done.stdout)["stale"]) == (3, "stopped")


def test_an_incident_that_is_not_there() -> None:
    assert run("history", "9", "--json").exit_code == 1
    assert run("note", "9", "x").exit_code == 1


def test_who_lets_go() -> None:
    assert run("unack").output == "장애 1번 담당 해제\n"
    assert json.loads(run("history", "--json").stdout)["incidents"][0]["is_acknowledged"] is False
    assert "담당 해제: lee" in run("history", "1").output
    assert "메모 (lee): cable pulled" in run("history", "1").output


def test_moments_have_their_zone() -> None:
    (silence,) = json.loads(run("silences", "--json").stdout)["silences"]
    ends_at = datetime.fromisoformat(silence["ends_at"])
    assert timedelta(minutes=59) < ends_at - datetime.now(UTC) <= timedelta(hours=1)
    assert (silence["by"], silence["why"]) == ("lee", "deployment")
