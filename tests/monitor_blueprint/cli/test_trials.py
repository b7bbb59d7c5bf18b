from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from monitor_blueprint.cli.trials import Trial, trials
from monitor_blueprint.config import parse
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.probes.looking import nobody, serve
from tests.monitor_blueprint.standins import ScriptedMailServer, free_port


def tried(*checks: dict[str, Any]) -> list[Trial]:
    return list(trials(parse({"check": list(checks)}, {}, source="monitor.toml")))


def service(**options: str) -> dict[str, Any]:
    return {"name": "Web", "kind": "service", **options}


def test_a_misspelt_unit_is_named(systemd: Systemd) -> None:
    """And what was probably meant."""
    systemd.has("nginx.service")
    systemd.has("gunicorn_django.service")
    assert tried(service(unit="nginx")) == [Trial()]
    assert tried(service(unit="ngnix")) == [Trial(problem="Web: systemd 유닛 ngnix.service 없음 - 혹시 nginx.service?")]
    assert tried(service(unit="x")) == [Trial(problem="Web: systemd 유닛 x.service 없음")]


def test_a_unit_that_may_be_absent_is_a_note(systemd: Systemd) -> None:
    (trial,) = tried(service(unit="nginx", when_absent="skip"))
    assert trial == Trial(note="Web: systemd 유닛 nginx.service 없음 (없어도 되는 항목)")


def test_a_masked_unit_is_a_problem(systemd: Systemd) -> None:
    systemd.has("nginx.service", load="masked")
    assert tried(service(unit="nginx")) == [Trial(problem="Web: systemd 유닛 nginx.service 사용 불가 (masked)")]


def test_without_systemd_it_says_so() -> None:
    (trial,) = tried(service(unit="nginx"))
    assert trial.problem.startswith("systemd에 물을 수 없어 유닛을 확인하지 못함 (no system bus")


def test_a_unit_may_stand_for_others(systemd: Systemd) -> None:
    """It is said for which; and where it stands for none, that it proves nothing."""
    systemd.has("postgresql.service", sub="exited", ConsistsOf=["postgresql@15-main.service"])
    systemd.has("postgresql@15-main.service")
    systemd.has("nftables.service", sub="exited")
    (trial,) = tried(service(unit="postgresql"))
    assert trial.note.endswith("실제로 점검하는 유닛: postgresql@15-main.service")
    (trial,) = tried(service(unit="nftables"))
    assert "증명하지 못함" in trial.note


def test_a_device_must_be_mounted() -> None:
    (trial,) = tried({"name": "Data", "kind": "disk", "path": "/dev/disk/by-uuid/none"})
    assert trial.problem == "Data: /dev/disk/by-uuid/none 확인 불가 (not mounted)"


def test_a_place_must_be_mounted(tmp_path: Path) -> None:
    disk = {"name": "Data", "kind": "disk"}
    assert tried({**disk, "path": "/"}) == [Trial()]
    assert tried({**disk, "path": "/proc", "kind": "inodes"}) == [Trial()]
    (trial,) = tried({**disk, "path": str(tmp_path)})
    assert trial.problem.startswith(f"Data: {tmp_path}은(는) 마운트 지점이 아님")
    (trial,) = tried({**disk, "path": str(tmp_path / "none")})
    assert trial.problem == f"Data: {tmp_path}/none 확인 불가 (No such file or directory)"


def test_somebody_must_be_at_the_address() -> None:
    with serve() as site:
        assert tried(service(url=site.url)) == [Trial()]
        assert site.bodies == [], "nothing is asked of it"
    url = nobody()
    (trial,) = tried(service(url=f"{url}secret/path?token=abc"))
    assert trial.problem == f"Web: {url}secret/path에 응답하는 프로그램이 없음"


def test_a_certificates_server_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        tls = {"name": "TLS", "kind": "tls", "host": "127.0.0.1", "port": port}
        assert tried(tls) == [Trial()]
    assert tried(tls) == [Trial(problem=f"TLS: 127.0.0.1:{port}에 응답하는 프로그램이 없음")]


def test_the_own_mail_server_is_named() -> None:
    """Where no other one is: nobody may be there."""
    checks = {"check": [{"name": "CPU", "kind": "cpu"}]}
    environ = {"ALERT_EMAIL": "root", "SMTP_PORT": str(free_port())}
    address = f"localhost:{environ['SMTP_PORT']}"
    assert list(trials(parse(checks, environ, source="monitor.toml"))) == [
        Trial(note=f"email 알림을 받는 서버: {address}"),
        Trial(problem=f"email: {address}에 응답하는 프로그램이 없음"),
    ]
    with ScriptedMailServer({}) as mail:
        expected = [Trial(note=f"email 알림을 받는 서버: 127.0.0.1:{mail.port}"), Trial()]
        assert list(trials(parse(checks, mail.environ, source="monitor.toml"))) == expected
