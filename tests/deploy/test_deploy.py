"""What an operator installs, looked at without installing it; tests/box does the rest on a booted machine."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.installer.logfiles import NAMES

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
SCRIPTS = sorted(
    path
    for folder in ("deploy", "examples", "tests/box")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in {"", ".sh"} and path.read_bytes().startswith(b"#!")
)
METRIC = re.compile(r"neuronova_\w+")
SETUP = MONITORING / "setup_monitoring.sh"


def environment_of(file: str) -> dict[str, str]:
    """The settings of a file, read as systemd reads them."""
    lines = (MONITORING / file).read_text(encoding="utf-8").splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines) if name.isidentifier()}


def installed_environment() -> dict[str, str]:
    """The monitor's settings with the secrets that the installer makes in place of "generate"."""
    made = {name: f"0123456789-of-{name}" for name, value in environment_of("monitor.env").items() if value == "generate"}
    return environment_of("monitor.env") | made


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    basics = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(command, check=False, cwd=ROOT, env=basics | environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """A directory that every user can read, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def copied_setup(folder: Path) -> Path:
    """What the script needs, where every user can read it."""
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "deploy/monitoring/setup_monitoring.sh"


def test_shipped_configuration_is_accepted() -> None:
    """The shipped configuration is accepted, and has the guide's checks first."""
    environment = installed_environment() | {"NEURONOVA_CONFIG": str(MONITORING / "monitor.toml")}
    result = run(sys.executable, "-m", "monitor_blueprint.cli", "check-config", **environment)
    assert result.returncode == 0, result.stderr
    assert "Nginx, Django, Flask, Disk, Memory, CPU, " in result.stdout


def test_configuration_with_channels_is_accepted() -> None:
    """The shipped configuration is accepted with channels."""
    environment = installed_environment() | {
        "NEURONOVA_CONFIG": str(MONITORING / "monitor.toml"),
        "ALERT_EMAIL": "ops@example.com",
        "SLACK_WEBHOOK": "https://hooks.slack.com/services/T/B/X",
    }
    result = run(sys.executable, "-m", "monitor_blueprint.cli", "check-config", **environment)
    assert result.returncode == 0, result.stderr
    assert "email" in result.stdout
    assert "slack" in result.stdout


def test_ml_server_accepts_shipped_settings() -> None:
    environment = environment_of("ml_server.env") | {"ML_API_KEY": "x" * 43}
    result = run(sys.executable, "-m", "ml_server.check", **environment)
    assert result.returncode == 0, result.stderr


def test_monitor_reads_every_shipped_setting() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "monitor_blueprint").rglob("*.py"))
    assert [name for name in environment_of("monitor.env") if f'"{name}"' not in code] == []


def test_no_secret_is_shipped() -> None:
    shipped = environment_of("monitor.env") | environment_of("ml_server.env")
    secrets = {name: shipped[name] for name in shipped if re.search("PASSWORD|TOKEN|KEY|WEBHOOK", name)}
    assert set(secrets.values()) <= {"", "generate"}


def test_completion_offers_existing_commands() -> None:
    """The completion offers exactly the commands that there are."""
    listed = run(sys.executable, "-m", "monitor_blueprint.cli", "--help").stdout.partition("Commands:\n")[2]
    commands = [line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)]
    offered = re.search(r'choices="(ack .*) --version --help"', (MONITORING / "completion.bash").read_text(encoding="utf-8"))
    assert offered is not None
    assert offered[1].split() == sorted(commands)


def test_dashboard_asks_for_existing_metrics() -> None:
    board = json.loads((ROOT / "deploy/grafana/neuronova.json").read_text(encoding="utf-8"))
    asked = {name for panel in board["panels"] for target in panel["targets"] for name in METRIC.findall(target["expr"])}
    code = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "monitor_blueprint/web/metrics.py", ROOT / "ml_server/telemetry.py")
    )
    assert asked
    assert [name for name in asked if f'"{re.sub("_(total|bucket)$", "", name)}"' not in code] == []


def test_nginx_never_reaches_ml_server() -> None:
    """Nginx never passes anything to the ML server."""
    lines = [line for path in (ROOT / "deploy/nginx").rglob("*.conf") for line in path.read_text(encoding="utf-8").splitlines()]
    targets = [line.split()[1].rstrip(";") for line in lines if line.strip().startswith("proxy_pass")]
    assert len(targets) == 5
    assert not [target for target in targets if ":9000" in target]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_shell_script_is_clean(script: Path) -> None:
    shell = script.read_text(encoding="utf-8").splitlines()[0]
    if "python" in shell:
        pytest.skip("not a shell script")
    assert run("bash", "-n", str(script)).returncode == 0
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    result = run(shellcheck, str(script))
    assert result.returncode == 0, result.stdout


def test_setup_explains_itself_without_root(public_directory: Path) -> None:
    copy = copied_setup(public_directory)
    result = subprocess.run(
        ["bash", copy, "--help"], check=True, capture_output=True, text=True, user=65534 if os.geteuid() == 0 else None
    )
    assert "--dry-run" in result.stdout
    assert "--purge" in result.stdout
    assert not list(public_directory.rglob("*.pyc")), "it leaves nothing behind"


def test_setup_without_root_names_sudo(public_directory: Path) -> None:
    """Setup without root says how to get it."""
    copy = copied_setup(public_directory)
    result = subprocess.run(
        ["bash", copy], check=False, capture_output=True, text=True, user=65534 if os.geteuid() == 0 else None
    )
    assert result.returncode == 1
    assert f"sudo bash {copy}" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--purge"], ["--unistall"], ["--uninst"], ["--json"], ["--monitor-only", "--with-ml-server"]]
)
def test_setup_refuses_senseless_options(arguments: list[str]) -> None:
    """Setup refuses options that make no sense before it does anything."""
    result = run("bash", str(SETUP), *arguments)
    assert result.returncode == 64
    assert arguments[0] in result.stderr


def test_token_placeholder_is_refused() -> None:
    environment = environment_of("monitor.env") | {"NEURONOVA_CONFIG": str(MONITORING / "monitor.toml")}
    result = run(sys.executable, "-m", "monitor_blueprint.cli", "check-config", **environment)
    assert result.returncode == 3
    assert "MONITOR_ADMIN_TOKEN 값은" in result.stderr


def test_rotation_names_our_files_only() -> None:
    """Others may log beside them, and rotate their logs themselves."""
    lines = (ROOT / "deploy/logrotate/neuronova").read_text(encoding="utf-8").splitlines()
    (named,) = [line.removesuffix(" {").split() for line in lines if line.startswith("/")]
    assert named == [f"/var/log/neuronova/{name}" for name in NAMES]


@pytest.mark.parametrize("unit", ["gunicorn_monitor", "neuronova-deadman"])
def test_shared_directories_are_not_taken_over(unit: str) -> None:
    """systemd would hand over all that is in them."""
    text = (ROOT / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
    assert not re.search(r"^(?:Logs|State)Directory=", text, re.MULTILINE)
    (writable,) = re.findall(r"^ReadWritePaths=(.*)", text, re.MULTILINE)
    assert "-/var/lib/neuronova" in writable.split()
