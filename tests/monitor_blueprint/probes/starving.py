"""A process that has used up its descriptors, and then runs every kind of check. Writes what came of it as JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from monitor_blueprint import probes
from monitor_blueprint.config import Check
from monitor_blueprint.domain.models import CheckPolicy, Reading
from monitor_blueprint.engine.runner import Runner, UnitSnapshot
from tests.monitor_blueprint.probes.looking import serve


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Leave not one descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        yield
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def checks(folder: Path, port: int) -> dict[str, Check]:
    """Every kind of check, of things that are well, absent, or would be the target's fault if they were so."""
    quick = {"attempts": 1, "retry_delay_s": 0}
    options = {
        "http": {"url": f"http://127.0.0.1:{port}/", **quick},
        "http named": {"url": f"http://localhost:{port}/", **quick},
        "http tls": {"url": f"https://127.0.0.1:{port}/", **quick},
        "http unix": {"url": f"http+unix://{str(folder).replace('/', '%2F')}%2Fsocket/", **quick},
        "service": {"unit": "nginx", "when_absent": "url", "url": f"http://127.0.0.1:{port}/", **quick},
        "service skipped": {"unit": "nginx", "when_absent": "skip", "url": f"http://127.0.0.1:{port}/", **quick},
        "service without address": {"unit": "nginx", "when_absent": "skip"},
        "health_body": {"url": f"http://127.0.0.1:{port}/"},
        "feedback": {"url": f"http://127.0.0.1:{port}/api/feedback/summary"},
        "drift": {"url": f"http://127.0.0.1:{port}/api/drift"},
        "golden": {"url": f"http://127.0.0.1:{port}/predict"},
        "tls": {"host": "127.0.0.1", "port": port},
        "tls file": {"file": f"{folder}/*.pem"},
        "backup": {"pattern": f"{folder}/*/backup"},
        "log_rotation": {"status": f"{folder}/status"},
        "nginx_log": {"access": f"{folder}/access.log", "error": f"{folder}/error.log"},
        "disk": {"path": str(folder)},
        "inodes": {"path": "/dev/shm"},
        "disk_trend": {"path": str(folder)},
        **{kind: {} for kind in ("memory", "cpu", "swap", "oom", "journal", "updates", "restarts")},
    }
    return {
        name: Check(name.split()[0], msgspec.convert(wanted, probes.load(name.split()[0]).Options), CheckPolicy(name))
        for name, wanted in options.items()
    }


def _short(reading: Reading) -> list[object]:
    return [reading.aspect, reading.status.name, reading.facts.get("reason")]


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "in").mkdir()
    (folder / "in/backup").write_text("x")
    (folder / "status").write_text("")
    for name in ("access.log", "error.log"):
        (folder / name).write_text("")
    with serve() as site:
        site.answers = [b"{}"]
        port = int(site.url.rstrip("/").rpartition(":")[2])
        wanted = checks(folder, port)
        runner, found = Runner(), []
        checkpoints: dict[str, Mapping[str, Any]] = {}

        def look() -> None:
            results = runner.run(
                list(wanted.values()),
                now=datetime.now(UTC),
                units=UnitSnapshot(["nginx"]),
                checkpoints=checkpoints,
                environ={},
                deadline_s=60.0,
            )
            checkpoints.update({result.check: result.checkpoint for result in results})
            found.append({result.check: [_short(reading) for reading in result.readings] for result in results})

        look()
        with no_descriptors():
            look()
        look()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
