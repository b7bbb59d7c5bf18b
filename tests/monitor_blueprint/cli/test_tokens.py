"""Named tokens on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor_blueprint.cli import main
from monitor_blueprint.console.gate import MOST_TOKENS, Gate
from monitor_blueprint.domain.access import Role
from monitor_blueprint.storage.store import Store
from tests.monitor_blueprint.conftest import Script
from tests.monitor_blueprint.running import configure


@pytest.fixture(autouse=True)
def _configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))
    monkeypatch.setenv("SUDO_USER", "lee")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["token", *arguments])


def test_a_token_is_shown_once(tmp_path: Path) -> None:
    done = run("add", "django", "--role", "read")
    assert done.exit_code == 0
    assert "다시 볼 수 없으니" in done.stderr
    token = done.stdout.strip()
    with Store(tmp_path / "state" / "monitor.db") as store:
        visitor = Gate(store, "", "").by_token(token, "", datetime.now(UTC))
        assert visitor is not None
        assert (visitor.name, visitor.role) == ("django", Role.READ)
    listed = run("list").output
    assert listed.startswith("django  read  만듦: ")
    assert "lee" in listed
    assert token not in listed
    assert token not in CliRunner().invoke(main, ["status", "--json"]).output


def test_a_revoked_token(tmp_path: Path) -> None:
    token = run("add", "django", "--role", "operate").stdout.strip()
    assert run("revoke", "django").output == "토큰 django을(를) 폐기했습니다\n"
    assert run("list").output == "이름 있는 토큰이 없습니다\n"
    assert run("revoke", "django").exit_code == 1
    with Store(tmp_path / "state" / "monitor.db") as store:
        assert Gate(store, "", "").by_token(token, "", datetime.now(UTC)) is None
        kinds = [entry.kind for entry in store.reads.story.between(datetime.min.replace(tzinfo=UTC), datetime.now(UTC))]
    assert kinds == ["token_added", "token_revoked"]


@pytest.mark.parametrize("arguments", [("admin", "--role", "read"), ("a b", "--role", "read"), ("x",), ("x", "--role", "root")])
def test_what_cannot_be_added(arguments: tuple[str, ...]) -> None:
    assert run("add", *arguments).exit_code == 2
    assert run("list").output == "이름 있는 토큰이 없습니다\n"


def test_a_name_is_taken(tmp_path: Path) -> None:
    first = run("add", "django", "--role", "read").stdout.strip()
    done = run("add", "django", "--role", "operate")
    assert (done.exit_code, done.stdout) == (1, "")
    with Store(tmp_path / "state" / "monitor.db") as store:
        visitor = Gate(store, "", "").by_token(first, "", datetime.now(UTC))
        assert visitor is not None
        assert visitor.role is Role.READ
        assert len(store.reads.access.tokens()) < MOST_TOKENS
