"""A machine whose time zone is changed while the programs run: nobody restarts them for that."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ZONES = Path("/usr/share/zoneinfo")
# Private to the process: nobody else sees what is mounted.
PRIVATE = ["unshare", "--mount", "--map-root-user"]
PROGRAM = """
import logging, subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from ml_server import telemetry
from monitor_blueprint.text import render
from monitor_blueprint.text.health_log import HealthLog

AT = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
log = HealthLog(Path(sys.argv[1]), sys.stderr)
for zone in sys.argv[2:]:
    subprocess.run(["mount", "--bind", zone, "/etc/localtime"], check=True)
    log.write(logging.INFO, "x")
    dated = subprocess.run(["date", "+%H"], capture_output=True, text=True, check=True).stdout.strip()
    logged = (Path(sys.argv[1]) / "health_check.log").read_text().splitlines()[-1][12:14]
    served = telemetry._local_time(int(AT.timestamp()) + len(zone))[11:13]
    print(render.local(AT), render.zone(AT), render.guide_time(AT)[11:13], logged == dated, served)
"""


def can_mount() -> bool:
    if not (shutil.which("unshare") and (ZONES / "Asia/Seoul").exists() and Path("/etc/localtime").exists()):
        return False
    command = [*PRIVATE, "mount", "--bind", str(ZONES / "Asia/Seoul"), "/etc/localtime"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a mount of its own")
def test_change_of_the_zone_is_seen(tmp_path: Path) -> None:
    zones = [str(ZONES / name) for name in ("Asia/Seoul", "America/New_York", "Asia/Kathmandu")]
    done = subprocess.run(
        [*PRIVATE, sys.executable, "-c", PROGRAM, str(tmp_path), *zones],
        cwd=Path(__file__).parents[3],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "2025-12-06 14:35:01 KST KST (UTC+09:00) 14 True 14",
        "2025-12-06 00:35:01 EST EST (UTC-05:00) 00 True 00",
        "2025-12-06 11:20:01 +0545 +0545 (UTC+05:45) 11 True 11",
    ]
