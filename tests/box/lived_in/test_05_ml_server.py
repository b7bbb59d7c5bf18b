"""An ML server of ours beside the one that is there, and in its place, and the way back."""

import json

import pytest

from tests.box.box import Box
from tests.box.conftest import setting
from tests.box.faults import Faults
from tests.box.lived_in.conftest import SETUP, beside, failures
from tests.box.lived_in.server import assert_answers, assert_lives
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = pytest.mark.box

OURS = "/opt/neuronova/current/venv/bin/python"


@pytest.fixture(autouse=True)
def built(lived_in: Box, faults: Faults) -> None:
    """The release has been built before: that takes longer than everything else together."""
    if lived_in.run("test -d /opt/faults/releases", expect=None).code != 0:
        lived_in.run(SETUP, timeout_s=400)
        faults.keep_releases()
        lived_in.run(f"{SETUP} --uninstall --purge")
    faults.put_releases_back()


def answer(box: Box, port: int) -> dict[str, object]:
    told: dict[str, object] = json.loads(box.output(f"curl -sS http://127.0.0.1:{port}/health"))
    return told


def pid(box: Box, unit: str) -> str:
    return box.output(f"systemctl show -p MainPID --value {unit}")


def put_back(box: Box, camera: Camera, untouched: Snapshot) -> None:
    box.run(f"{SETUP} --uninstall --purge && rm -rf /opt/neuronova")
    assert [str(each) for each in differences(untouched, camera.take(), are_same_processes=False)] == []
    assert_lives(box)


def test_ours_beside_theirs(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """The monitor first, our server later: both run, both are watched once the operator has entered what was shown."""
    lived_in.run(SETUP, timeout_s=400)
    before = pid(lived_in, "gunicorn_flask")
    output = lived_in.run(f"{SETUP} --with-ml-server", timeout_s=400).output
    assert pid(lived_in, "gunicorn_flask") == before
    assert answer(lived_in, 9000)["model_version"] == "3.2.0"
    assert answer(lived_in, 9002) == {"ok": True, "status": "alive", "model_version": "1.0.0"}
    assert len(setting(lived_in, "ml_server.env", "ML_API_KEY")) >= 32
    assert setting(lived_in, "monitor.env", "ML_API_KEY") == setting(lived_in, "ml_server.env", "ML_API_KEY")
    assert "Django must be told" in output
    assert 'ML_SERVER_URL = "http://127.0.0.1:9002"' in output
    shown = "\n".join(line.partition("| ")[2] for line in output.splitlines() if line.startswith("    | "))
    lived_in.write("/root/shown.toml", f"\n{shown}\n")
    lived_in.run("cat /root/shown.toml >> /etc/neuronova/monitor.toml; rm /root/shown.toml; systemctl reload gunicorn_monitor")
    checked = lived_in.run("neuronova-health-check", expect=None).output
    assert failures(checked) == []
    assert "SUCCESS: MLServer API: 응답 정상 (HTTP 200)" in checked
    assert "SUCCESS: Flask API: 응답 정상 (HTTP 200)" in checked
    assert "표본 8개 모두 일치" in checked
    # An upgrade keeps what was decided.
    lived_in.run(SETUP, timeout_s=400)
    assert lived_in.is_active("gunicorn_ml_server")
    put_back(lived_in, camera, untouched)


def test_ours_in_the_place_of_theirs(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """Theirs is set aside, drop-in and all; nobody needs a key who needed none; the removal starts theirs again."""
    told = lived_in.run(f"{SETUP} --replace-ml-server --dry-run").output
    assert "/etc/systemd/system/gunicorn_flask.service: somebody else's, replaced; kept in" in told
    assert answer(lived_in, 9000)["model_version"] == "3.2.0"
    lived_in.run(f"{SETUP} --replace-ml-server", timeout_s=400)
    assert answer(lived_in, 9000) == {"ok": True, "status": "alive", "model_version": "1.0.0"}
    assert OURS in lived_in.output("systemctl cat gunicorn_flask")
    assert lived_in.output("systemctl show -p DropInPaths --value gunicorn_flask") == ""
    assert setting(lived_in, "ml_server.env", "ML_API_KEY") == ""
    assert "표본 8개 모두 일치" in lived_in.run("neuronova-health-check", expect=None).output
    # Again, without the option: it is ours by now.
    lived_in.run(SETUP, timeout_s=400)
    lived_in.run(f"{SETUP} --uninstall")
    assert_answers(lived_in)
    assert lived_in.output("systemctl is-enabled gunicorn_flask") == "enabled"
    put_back(lived_in, camera, untouched)


@pytest.mark.parametrize("mode", ["exit", "kill"])
@pytest.mark.parametrize("at", ["stop gunicorn_flask", "restart gunicorn_flask", "restart gunicorn_monitor"])
def test_failed_replacement_brings_theirs_back(
    lived_in: Box, camera: Camera, untouched: Snapshot, faults: Faults, mode: str, at: str
) -> None:
    """Also where theirs was stopped already: it answers again, at once."""
    outcome = faults.run(f"{SETUP} --replace-ml-server", mode, f"systemctl {at}")
    assert outcome.code != 0
    lived_in.wait_until(
        "everything is as before",
        lambda: (
            beside(r"/opt/neuronova(/releases(/.*)?)?", differences(untouched, camera.take(), are_same_processes=False)) == []
        ),
        60,
    )
    assert_answers(lived_in)


def test_ml_server_without_a_monitor(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    lived_in.run(f"{SETUP} --ml-server-only --ml-port 9010", timeout_s=400)
    assert answer(lived_in, 9010)["model_version"] == "1.0.0"
    lived_in.run("test -e /etc/systemd/system/gunicorn_monitor.service -o -e /etc/neuronova/monitor.toml", expect=1)
    assert "neuronova-health-check >>" in lived_in.output("crontab -l"), "the earlier script goes on"
    put_back(lived_in, camera, untouched)


def test_a_taken_port_is_refused(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """Nothing is done, and another port is offered, which works."""
    lived_in.run("systemd-run --quiet --unit=elsewhere --collect python3 -m http.server --bind 127.0.0.1 9001")
    lived_in.wait_until("it listens", lambda: lived_in.run("ss -Hltn | grep -q :9001", expect=None).code == 0)
    told = lived_in.run(SETUP, expect=1).output
    assert "Port 9001 is taken by elsewhere.service." in told
    assert "--monitor-port 9011" in told
    lived_in.run(f"{SETUP} --monitor-port 9011", timeout_s=400)
    assert lived_in.output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9011/health") == "200"
    assert failures(lived_in.run("neuronova-health-check", expect=None).output) == []
    lived_in.run("systemctl stop elsewhere")
    put_back(lived_in, camera, untouched)
