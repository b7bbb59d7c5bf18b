"""A monitor that really runs, within the test's own process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from flask import Flask
from flask.testing import FlaskClient
from gunicorn.systemd import sd_notify

from monitor_blueprint import create_monitor
from monitor_blueprint.domain.text import Private
from monitor_blueprint.engine.monitor import Monitor

TOKEN = "the-administrators-token"
SCRIPTED = """
[[check]]
name = "Flask"
kind = "scripted"
line = "Flask"

[[check]]
name = "Disk"
kind = "scripted"
line = "Disk"
"""
UNIT = SCRIPTED.replace('line = "Flask"', 'line = "Flask"\nunit = "flask"')
ENDED = ("주 프로세스 종료: 종료 코드 78/CONFIG", "설정 오류: <x> 를 확인", "틀린 설정의 이름 보기: sudo x")


def configure(directory: Path, checks: str = SCRIPTED, settings: str = "") -> Path:
    """Write a configuration that keeps everything under the directory."""
    path = directory / "monitor.toml"
    path.write_text(f'[monitor]\nlog_dir = "{directory}/log"\nstate_dir = "{directory}/state"\n{settings}\n{checks}')
    return path


class Running:
    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.app: Flask = create_monitor({"NEURONOVA_CONFIG": str(path), "MONITOR_ADMIN_TOKEN": TOKEN, **environ})
        self.monitor = cast("Monitor", self.app.extensions["neuronova_monitor"])
        self.monitor.start(partial(sd_notify, logger=logging.getLogger(__name__)))

    @property
    def admin(self) -> FlaskClient:
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
        return client

    @property
    def anybody(self) -> FlaskClient:
        return self.app.test_client()

    def find(self) -> None:
        """Store how the unit of `UNIT` has ended, as evidence of the first incident."""
        piece = ("unit flask", Private("\n".join(ENDED)))
        self.monitor.store.run(lambda tx: tx.add_evidence(1, [piece], datetime.now(UTC)))

    def close(self) -> None:
        self.monitor.stop()
        self.monitor.store.close()
        self.monitor.log.close()
