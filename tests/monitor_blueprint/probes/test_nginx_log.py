from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.domain.text import Private
from monitor_blueprint.probes import Observation, nginx_log
from tests.monitor_blueprint.probes.looking import NOW, looking, private

START = NOW.timestamp()


def request(status: int, path: str = "/api/predict", at: str = "14:35:01") -> str:
    return f'203.0.113.9 - - [06/Dec/2025:{at} +0900] "POST {path} HTTP/1.1" {status} 157 "-" "curl/7.88.1"\n'


def complaint(level: str, text: str = "connect() failed (111: Connection refused)") -> str:
    return (
        f"2025/12/06 14:35:01 [{level}] 123#123: *1 {text}, client: 203.0.113.9, server: _, "
        'request: "GET /x?name=Kim HTTP/1.1", upstream: "http://127.0.0.1:8000/x?name=Kim"\n'
    )


class Nginx:
    """The two logs, and the looks at them."""

    def __init__(self, folder: Path) -> None:
        self.access, self.error = folder / "access.log", folder / "error.log"
        self.access.write_text(request(500) * 100)
        self.error.write_text(complaint("emerg"))
        self.options = nginx_log.Options(access=str(self.access), error=str(self.error))
        self.seen = Observation(())

    def look(self, at: float = 0.0) -> tuple[Reading, Reading]:
        self.seen = nginx_log.probe(self.options, looking(START + at, checkpoint=self.seen.checkpoint))
        share, errors = self.seen.readings
        return share, errors

    def write(self, access: str = "", error: str = "") -> None:
        with self.access.open("a") as file:
            file.write(access)
        with self.error.open("a") as file:
            file.write(error)


@pytest.fixture
def nginx(tmp_path: Path) -> Nginx:
    running = Nginx(tmp_path)
    running.look()
    return running


def test_old_lines_are_history(nginx: Nginx) -> None:
    """What was in the logs before is history."""
    share, errors = nginx.seen.readings
    assert (share.facts["requests"], share.status) == (0, Status.OK)
    assert (errors.facts["lines"], errors.status) == (0, Status.OK)


def test_share_of_5xx_has_limits(nginx: Nginx) -> None:
    """The share of 5xx is held against limits, and may be a consequence."""
    nginx.write(request(200) * 30 + request(502) * 10)
    share, _ = nginx.look(300)
    assert (share.aspect, share.value, share.unit) == ("share", 25.0, "%")
    assert share.thresholds is not None
    assert (share.thresholds.warning, share.thresholds.critical) == (5, 20)
    assert share.is_symptom


def test_it_began_with_the_first_that_failed(nginx: Nginx) -> None:
    """Of the run that is too much: one that failed long before is not of it, and a look in between changes nothing."""
    nginx.write(request(200) * 20 + request(500, at="14:36:00") + request(200) * 30 + request(502, at="14:37:07") * 2)
    assert nginx.look(130)[0].status is Status.OK
    nginx.write(request(502, at="14:37:20") * 30)
    share, _ = nginx.look(300)
    assert (share.began_at, share.is_counted) == (datetime(2025, 12, 6, 5, 37, 7, tzinfo=UTC), True)
    nginx.write(request(200) * 100)
    assert nginx.look(900)[0].began_at is None


def test_a_line_without_a_moment_is_of_now(nginx: Nginx) -> None:
    nginx.write('{"status": 502, "path": "/"}\n' * 30)
    assert nginx.look(300)[0].began_at == NOW + timedelta(seconds=300)
    nginx.write('{"status": 502, "time": "2025-12-06T14:41:00+09:00"}\n' * 30)
    assert nginx.look(1200)[0].began_at == datetime(2025, 12, 6, 5, 41, tzinfo=UTC)


def test_few_requests_are_not_judged(nginx: Nginx) -> None:
    """A share of few requests is not judged."""
    nginx.write(request(502) * 19)
    share, _ = nginx.look(300)
    assert (share.aspect, share.value, share.status) == ("quiet", None, Status.OK)


def test_looks_in_quick_succession_count_together(nginx: Nginx) -> None:
    nginx.write(request(502) * 19)
    nginx.look(10)
    nginx.write(request(502))
    share, _ = nginx.look(20)
    assert share.value == 100.0


def test_requests_leave_the_window(nginx: Nginx) -> None:
    nginx.write(request(502) * 30)
    nginx.look(10)
    nginx.write(request(200) * 30)
    share, _ = nginx.look(311)
    assert share.value == 0.0


def test_absence_begins_at_the_end(nginx: Nginx) -> None:
    """After a long absence, it begins at the end again."""
    nginx.write(request(502) * 30)
    share, _ = nginx.look(3600)
    assert share.facts["requests"] == 0


def test_rotation_loses_no_request(nginx: Nginx) -> None:
    """Requests around a rotation are all counted."""
    nginx.write(request(200) * 10)
    nginx.access.rename(nginx.access.with_name("access.log.1"))
    nginx.access.write_text(request(502) * 10)
    share, _ = nginx.look(300)
    assert share.value == 50.0


def test_json_log_is_read() -> None:
    """A JSON log is read as well."""
    lines = ['{"time": "x", "status": "503", "path": "/"}', '{"status":200}', "no request at all"]
    assert nginx_log.status_codes(lines) == [503, 200]


def test_request_forges_no_status() -> None:
    """A request that looks like a status is not taken for one."""
    line = '1.2.3.4 - - [x] "GET /\\x22 500 \\x22 HTTP/1.1" 200 5 "-" "] \\x22x\\x22 500 "'
    assert nginx_log.status_codes([line]) == [200]


def test_many_errors_are_warning(nginx: Nginx) -> None:
    """A few errors are fine, and more are a warning."""
    nginx.write(error=complaint("error") * 4 + complaint("warn") * 50)
    assert nginx.look(60)[1].status is Status.OK
    nginx.write(error=complaint("crit"))
    _, errors = nginx.look(120)
    assert (errors.status, errors.facts["lines"], errors.facts["level"]) == (Status.WARNING, 5, "crit")


@pytest.mark.parametrize("level", ["alert", "emerg"])
def test_alert_is_warning_at_once(nginx: Nginx, level: str) -> None:
    nginx.write(error=complaint(level, "worker process 7 exited on signal 9"))
    assert nginx.look(60)[1].status is Status.WARNING


def test_last_error_hides_the_client(nginx: Nginx) -> None:
    """The last error is shown without client and query."""
    nginx.write(error=complaint("error"))
    last = private(nginx.look(60)[1].facts["last_text"])
    assert last.startswith("*1 connect() failed (111: Connection refused)")
    assert "203.0.113.9" not in last
    assert "Kim" not in last


def test_errors_leave_the_window(nginx: Nginx) -> None:
    """An error is forgotten after five minutes."""
    nginx.write(error=complaint("emerg"))
    nginx.look(60)
    _, errors = nginx.look(361)
    assert (errors.status, errors.facts["last_text"]) == (Status.OK, Private(""))


def test_missing_logs_are_probe_error(tmp_path: Path) -> None:
    options = nginx_log.Options(access=str(tmp_path / "a"), error=str(tmp_path / "b"))
    assert not nginx_log.is_possible(options)
    with pytest.raises(ProbeError, match="No such file"):
        nginx_log.probe(options, looking())


def test_level_is_the_worst_that_counts(nginx: Nginx) -> None:
    """Also in a look that finds nothing new: the alert says why it is one."""
    nginx.write(error=complaint("emerg"))
    nginx.look(60)
    nginx.write(error=complaint("error"))
    for at in (120, 180):
        _, errors = nginx.look(at)
        assert (errors.status, errors.facts["level"], errors.facts["lines"]) == (Status.WARNING, "emerg", 2)
    _, errors = nginx.look(360)
    assert (errors.status, errors.facts["level"], errors.facts["lines"]) == (Status.OK, "error", 1)


def test_rare_looks_see_all(nginx: Nginx) -> None:
    """What came since the last look counts, and over how long is said."""
    nginx.write(request(200) * 30 + request(502) * 10, complaint("error") * 29)
    share, errors = nginx.look(1800)
    assert (share.aspect, share.value, share.facts["minutes"]) == ("share", 25.0, 30)
    assert (errors.status, errors.facts["lines"], errors.facts["minutes"]) == (Status.OK, 29, 30)
    nginx.write(error=complaint("error") * 30)
    assert nginx.look(3600)[1].status is Status.WARNING


def test_simultaneous_looks_count_together(nginx: Nginx) -> None:
    nginx.write(request(200) * 10)
    nginx.look(60)
    nginx.write(request(502) * 10)
    share, _ = nginx.look(60)
    assert (share.value, share.facts["minutes"]) == (50.0, 5)


def own(status: int, client: str = "127.0.0.1", agent: str = "neuronova-monitor") -> str:
    return f'{client} - - [06/Dec/2025:14:35:01 +0900] "GET /api/health/ HTTP/1.1" {status} 157 "-" "{agent}"\n'


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "unix:"])
def test_own_requests_are_no_visitors(nginx: Nginx, client: str) -> None:
    """Neither the failed ones, which would be told twice, nor the good ones, which would hide the visitors' failures."""
    nginx.write(own(502, client) * 100 + own(200, client) * 100 + request(200) * 30 + request(502) * 10)
    share, _ = nginx.look(300)
    assert (share.facts["requests"], share.facts["failed"]) == (40, 10)


@pytest.mark.parametrize(
    "line",
    [
        own(500, client="203.0.113.9"),
        own(500, agent="neuronova-monitor/2"),
        own(500, agent="curl/7.88.1"),
        '{"status": 500, "agent": "neuronova-monitor", "client": "203.0.113.9"}',
    ],
)
def test_nobody_else_is_the_monitor(line: str) -> None:
    assert nginx_log.status_codes([line]) == [500]


def test_own_requests_are_known_in_json() -> None:
    line = '{"status": 500, "agent": "neuronova-monitor", "client": "127.0.0.1"}'
    assert nginx_log.status_codes([line]) == []
