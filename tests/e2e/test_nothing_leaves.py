"""Whatever is said on the machine, nothing of it leaves that we have not written: names, numbers, markup, control characters."""

from __future__ import annotations

import json
import queue
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.e2e.hostile import FORBIDDEN, NUMBER, Machine, machine, says
from tests.e2e.programs import ROOT, Program, clean_environ, command
from tests.monitor_blueprint.bus import Systemd, bus, systemd
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn, Reply

__all__ = ["bus", "systemd"]

pytestmark = pytest.mark.slow
TOKEN = "the-administrators-token"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
StartMonitor = Callable[[Mapping[str, str]], Program]


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / "machine"
    folder.mkdir()
    with machine(folder) as found:
        yield found


def drained(waiting: queue.Queue[object]) -> list[object]:
    found = []
    while not waiting.empty():
        found.append(waiting.get_nowait())
    return found


class Out:
    """All that came out, by where."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def take(self, where: str, text: str) -> None:
        self.texts[where] = self.texts.get(where, "") + text

    def check(self) -> None:
        """Nothing forbidden is in any of it, neither as it was said nor as JSON, HTML or an address would write it."""
        found = [
            f"{where}: {mark!r} in {line[:300]!r}"
            for where, text in self.texts.items()
            for line in text.split("\n")
            for mark in FORBIDDEN
            if mark in line or json.dumps(mark)[1:-1] in line
        ]
        assert found == []


def collect(out: Out, hostile: Machine, program: Program, slack: HttpStandIn, mail: MailStandIn, heartbeat: HttpStandIn) -> None:
    for number, post in enumerate(drained(slack.posts)):  # type: ignore[arg-type]
        out.take(f"slack {number}", json.loads(post.body)["text"])  # type: ignore[attr-defined]
        out.take(f"slack {number} raw", post.body + repr(post.headers) + post.path)  # type: ignore[attr-defined]
    for number, each in enumerate(drained(mail.mails)):  # type: ignore[arg-type]
        out.take(f"mail {number}", each.text + str(each.parsed["Subject"]))  # type: ignore[attr-defined]
        out.take(f"mail {number} page", each.page)  # type: ignore[attr-defined]
        out.take(f"mail {number} raw", each.content.decode())  # type: ignore[attr-defined]
    for post in drained(heartbeat.posts):  # type: ignore[arg-type]
        out.take("heartbeat", post.path + post.body + repr(post.headers))  # type: ignore[attr-defined]
    for name in ("health_check.log", "cron.log"):
        out.take(name, (hostile.directory / "log" / name).read_text(encoding="utf-8"))
    out.take("stdout", program.stdout.read_text(encoding="utf-8"))
    out.take("stderr", program.stderr.read_text(encoding="utf-8"))
    for address in ("/metrics", "/health", "/api/system/stats/", f"/{NUMBER}", f"/incidents/{NUMBER}"):
        answer = requests.get(program.url + address, headers=ADMIN, timeout=30)
        out.take(address, answer.text)
    out.take("/ of nobody", requests.get(program.url, timeout=30).text)


def test_nothing_leaves(hostile: Machine, systemd: Systemd, start_monitor: StartMonitor, tmp_path: Path) -> None:
    """From every kind of check, every piece of evidence and every channel, through everything that comes out."""
    # What D-Bus cannot say at all is left out.
    said = {key: says(key).replace("\x00", "") for key in ("active", "sub", "Result")}
    systemd.has("gunicorn_flask.service", **said | {"active": "failed"}, MainPID=0)
    systemd.has("nginx.service", **said, MainPID=0)
    answers = iter([Reply(503, says("slack"), {"X-Reason": "Zq7slackheader", "Retry-After": "1"})])
    replies = iter([f"451 4.7.1 Zq7smtp {NUMBER} try again later"])
    out = Out()
    with (
        HttpStandIn(lambda _: next(answers, Reply())) as slack,
        MailStandIn(lambda _: next(replies, "250 OK")) as mail,
        HttpStandIn(lambda _: Reply(500, says("heartbeat"), {"X-Reason": "Zq7heartbeat"})) as heartbeat,
    ):
        environ = hostile.environ() | mail.environ | {
            "SLACK_WEBHOOK": slack.url,
            "HEARTBEAT_URL": heartbeat.url,
            "PAGER_KIND": "refuses",
            "MONITOR_ADMIN_TOKEN": TOKEN,
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/bus",
        }  # fmt: skip
        program = start_monitor(environ)
        program.reports.until_checked()
        first = slack.next_post()
        out.take("slack first", first.body)
        hostile.go_on()
        second = by_hand(environ)
        hostile.fail()
        third = by_hand(environ | {"PAGER_KIND": "raises"})
        for done in (second, third):
            assert done.returncode == 2, done.stderr
            out.take("health-check", done.stdout + done.stderr)
        as_json = command("health-check", "--json", environ=environ)
        out.take("health-check --json", as_json.stdout + as_json.stderr)
        out.take("slack sent", slack.next_post().body)
        out.take("mail sent", mail.next_mail().text)
        page = requests.get(program.url, headers=ADMIN, timeout=30).text
        history = command("history", "1", environ=environ).stdout + command("status", environ=environ).stdout
        collect(out, hostile, program, slack, mail, heartbeat)
    out.check()
    sent = out.texts["slack sent"]
    log = out.texts["health_check.log"]
    # What is told is enough to know where to look.
    assert "실패한 서비스: " in json.loads(sent)["text"]
    for line in (
        "ERROR: gunicorn_flask: 중지됨 (failed/other)",
        "ERROR: Django 자체 점검 실패: database",
        "ERROR: Site-status: 응답 이상 (HTTP 500)",
        "ERROR: Django 자체 점검 실패: 이름 비공개 항목 3개",
        "메모리 부족(OOM) 종료: 최근 60분간 2건 (비공개)",
        "오류 로그 급증: 최근 5분간 ",
        "Plugin-raises: 확인 불가 (fault in the probe: KeyError)",
        "apt-get: exit code 1",
    ):
        assert line in log, line
    assert "systemd: gunicorn_flask.service: Main process exited, code=exited, status=3" in out.texts["slack first"] + sent
    # And the administrators of the machine are not kept from it.
    for mark in ("Zq7program", "Zq7entry", "Zq7probe", "Zq7nginxerror"):
        assert mark in history + page, mark


def by_hand(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return command("health-check", environ=environ)


def test_nothing_kept_from_before_leaves(hostile: Machine, start_monitor: StartMonitor) -> None:
    """What an earlier version kept, and a damaged database, tell nothing either."""
    now = datetime.now(UTC)
    state = hostile.directory / "state"
    plain = {"reason": says("old"), "state": says("old")}
    result = {
        "check": "Old",
        "kind": "backup",
        "readings": [{"aspect": "age", "status": 2, "facts": plain}],
        "at": now.isoformat(),
    }
    body = f"[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Old\n시각: 2025-12-06 14:35:01\n- Old: {says('oldmessage')}"
    message = {
        "id": "nn-1",
        "subject": "[CRITICAL] NeuroNova 서비스 장애 발생! Old",
        "body": body,
        "at": now.isoformat(),
        "incident": 1,
    }
    settings = f'[monitor]\nlog_dir = "{hostile.directory}/log"\nstate_dir = "{state}"\n'
    old = '[[check]]\nname = "Old"\nkind = "backup"\ninterval_s = 100000\n'
    (hostile.directory / "monitor.toml").write_text(settings + old)
    environ = hostile.environ() | {"MONITOR_ADMIN_TOKEN": TOKEN}
    # The schema, by the program itself.
    command("silences", environ=environ)
    with closing(sqlite3.connect(state / "monitor.db")) as database, database:
        at = round(now.timestamp() * 1000)
        row = ("Old", at, 2, json.dumps(result, ensure_ascii=False), "{}", at, at)
        database.execute("INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        event = {"kind": "opened", "at": now.isoformat(), "incident": 1, "opened_at": now.isoformat(), "checks": ["Old"]}
        waiting = (1, "nn-1", 1, at, json.dumps(event), json.dumps(message, ensure_ascii=False))
        database.execute("INSERT INTO event (number, id, incident, at, body, message) VALUES (?, ?, ?, ?, ?, ?)", waiting)
        database.execute("INSERT INTO receiver (channel, name, cursor) VALUES ('slack', '', 0)")
    out = Out()
    with HttpStandIn() as slack, MailStandIn() as mail, HttpStandIn() as heartbeat:
        program = start_monitor(environ | {"SLACK_WEBHOOK": slack.url})
        program.reports.until_checked()
        post = slack.next_post()
        out.take("slack first", post.body)
        assert post.text.splitlines()[:3] == body.splitlines()[:3]
        collect(out, hostile, program, slack, mail, heartbeat)
    out.check()


def test_no_damage_leaves(hostile: Machine, tmp_path: Path) -> None:
    """SQLite quotes what stands in a damaged file."""
    state = hostile.directory / "state"
    state.mkdir()
    with closing(sqlite3.connect(state / "monitor.db")) as database, database:
        database.execute("CREATE TABLE state (x)")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = ?, name = ?", (says("schema"), says("table")))
    done = command("health-check", environ=hostile.environ())
    out = Out()
    out.take("health-check", done.stdout + done.stderr)
    out.take("log", (hostile.directory / "log" / "health_check.log").read_text(encoding="utf-8"))
    out.check()
    assert "corrupt database moved to " in done.stdout + done.stderr


def test_no_fault_of_ours_leaves(hostile: Machine) -> None:
    """Where a command ends by an exception, its text is not shown: a timer's output is in the journal."""
    program = (
        "from monitor_blueprint.cli import program\n"
        "from monitor_blueprint.cli.checks import health_check\n"
        "def fail(**options): raise ValueError(__import__('os').environ['SAID'])\n"
        "health_check.callback = fail\n"
        "program.run(['health-check'])\n"
    )
    environ = clean_environ(hostile.environ() | {"SAID": says("fault").replace("\x00", "")})
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("ValueError (")
    out = Out()
    out.take("stderr", done.stdout + done.stderr)
    out.check()
