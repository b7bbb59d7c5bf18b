"""A newcomer's first minutes: both programs as `make run` starts them, and every command of README.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import requests

from tests.e2e.programs import ROOT, clean_environ, environment, install, kill_all

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

README = (ROOT / "README.md").read_text(encoding="utf-8")
# `make` is what runs these tests, and the installer is tried on a booted machine.
NOT_HERE = ("make run", "sudo bash deploy/monitoring/setup_monitoring.sh")
# That of the model of one's own, which is served in the tests of the examples.
OWN_MODEL = "ML_MODEL=discharge", '"crp": null'
DEADLINE_S = 60.0


class Newcomer:
    """Someone with a copy of the project, in whose directory both programs run on ports that were free."""

    def __init__(self, home: Path, ml_port: int, monitor_port: int) -> None:
        self.home = home
        self.ml_port = ml_port
        self.monitor_port = monitor_port

    def types(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the README, on the ports that are used here."""
        command = command.replace(":9000", f":{self.ml_port}").replace(":9001", f":{self.monitor_port}")
        return subprocess.run(
            ["bash", "-c", command], cwd=self.home, env=clean_environ({}), capture_output=True, text=True, check=False, timeout=60
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(url: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    home = tmp_path_factory.mktemp("clone")
    for name in (
        "app.py",
        "wsgi.py",
        "ml_server",
        "monitor_blueprint",
        "serving",
        "deploy",
        "examples",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    ):
        source = ROOT / name
        shutil.copytree(source, home / name) if source.is_dir() else shutil.copy2(source, home / name)
    programs = environment(home / ".venv")
    install(programs, "--editable", home)
    ports = free_port(), free_port()
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    (home / "Procfile").write_text("\n".join(f"{line} -b 127.0.0.1:{port}" for line, port in zip(lines, ports, strict=True)))
    with (home / "output").open("w") as output:
        runner = subprocess.Popen(
            [programs / "python", "-m", "honcho", "start"],
            cwd=home,
            env=clean_environ({"PATH": f"{programs}:{os.environ['PATH']}", "ML_STATE_DIR": str(home / "var" / "ml")}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{ports[0]}/health")
        wait_for(f"http://127.0.0.1:{ports[1]}/health")
        yield Newcomer(home, *ports)
        # Ctrl-C ends both.
        os.killpg(runner.pid, signal.SIGINT)
        assert runner.wait(DEADLINE_S) is not None
    finally:
        kill_all(runner)


def commands() -> list[str]:
    """Every command of the README, as it stands in its block."""
    found = [block.strip() for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)]
    assert len(found) > 6
    return [command for command in found if command not in NOT_HERE and not any(word in command for word in OWN_MODEL)]


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_works(newcomer: Newcomer, command: str) -> None:
    done = newcomer.types(command)
    # A health check says 1 or 2 for what it finds on this machine.
    assert done.returncode in ((0, 1, 2) if command.endswith("health-check") else (0,)), done.stderr
    assert done.stdout
    if "curl" in command:
        assert "error" not in json.loads(done.stdout)


def test_health_is_readmes_json(newcomer: Newcomer) -> None:
    """Health is the JSON of the README, and nothing else."""
    (wanted,) = re.findall(r'```json\n(\{"ok":true.*?\})\n```', README)
    assert newcomer.types("curl -s http://127.0.0.1:9000/health").stdout == wanted


def test_example_probabilities_are_onnxruntimes(newcomer: Newcomer) -> None:
    """The probabilities of the README's example are those of ONNX Runtime."""
    (command,) = [command for command in commands() if ":9000/predict " in command]
    answer = json.loads(newcomer.types(command).stdout)
    folder = ROOT / "ml_server" / "models" / answer["model_name"] / answer["model_version"]
    card = json.loads((folder / "model.json").read_text())
    sent = json.loads(command.split("-d '")[1].split("'")[0])["features"]
    # Some inputs are left out: that is for the submodel, which reads NaN in their places.
    (submodel,) = card["submodels"]
    assert answer["completeness"]["submodel"] == submodel["name"]
    row = [[float(sent.get(name, "nan")) for name in submodel["inputs"]]]
    session = onnxruntime.InferenceSession(folder / submodel["file"], providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: np.array(row, dtype=np.float32)})
    (probabilities,) = next(output for output in outputs if getattr(output, "shape", ()) == (1, len(card["classes"])))
    assert list(answer["predictions"]) == card["classes"]
    assert list(answer["predictions"].values()) == pytest.approx([float(each) for each in probabilities], abs=1e-6)


def test_feedback_finds_the_example(newcomer: Newcomer) -> None:
    """What the README says of its first prediction is joined to it."""
    asked, told = (next(each for each in commands() if word in each) for word in (":9000/predict ", ":9000/api/feedback"))
    assert json.loads(newcomer.types(asked).stdout)["request_id"] == "my-first"
    assert json.loads(newcomer.types(told).stdout)["correct"] is True


def test_health_check_has_guides_format(newcomer: Newcomer) -> None:
    """The first health check is shown in the guide's format."""
    output = (newcomer.home / "output").read_text(encoding="utf-8")
    log = (newcomer.home / "var" / "log" / "health_check.log").read_text(encoding="utf-8")
    for text in ("NeuroNova 헬스 체크 시작", "3. Flask ML 서버 상태 확인 중...", "헬스 체크 완료: "):
        assert text in output
        assert text in log
    # Both programs, each line with its name.
    assert re.search(r"ml\.1 +\| .*Ready: alzheimer_biomarkers 1\.0\.0", output)
    assert re.search(r"monitor\.1 +\| \[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] INFO: NeuroNova 헬스 체크 시작", output)


def test_absent_services_are_not_errors(newcomer: Newcomer) -> None:
    """What is not installed here is not reported as broken."""
    log = (newcomer.home / "var" / "log" / "health_check.log").read_text(encoding="utf-8")
    assert not re.search(r"ERROR: (Nginx|Django)", log)
    assert len(re.findall(r"INFO: systemd 없음 \(no system bus: .*\) - 정기 점검만 함", log)) == 1
