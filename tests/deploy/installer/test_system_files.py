"""Our two logs are rotated by our rules, and what others have rotated goes on being rotated by theirs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.installer import places
from deploy.installer.system_files import patterns, rivals, rotation

LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/usr/local/sbin")
OURS = (Path(__file__).parents[3] / "deploy/logrotate/neuronova").read_text(encoding="utf-8")
THEIRS = "/var/log/neuronova/*.log {\n    weekly\n    rotate 4\n}\n/var/log/other.log {\n    daily\n}\n"


def test_a_rotation_without_others() -> None:
    assert rotation(OURS, "", user="neuronova") == OURS
    assert "\n    su root root\n" in rotation(OURS, "", user="root")


def test_the_rules_before_stay() -> None:
    assert rotation(OURS, THEIRS, user="neuronova").endswith(f"# As it was before:\n{THEIRS}")


def test_a_rival_rotates_our_logs() -> None:
    """Two rules for one file would be an error of logrotate's, every day."""
    text = rotation(OURS, THEIRS, user="root", rival="/etc/logrotate.d/django")
    assert patterns(text) == patterns(THEIRS)
    assert places.is_ours(text.encode())


def test_the_patterns_of_rules() -> None:
    rules = (
        '# /no/x.log\nweekly\ncreate\n"/a/x.log" /b/*.log\n/c/y.log {\n daily\n postrotate\n  kill /run/x\n endscript\n}\n/d{\n}'
    )
    assert patterns(rules) == ["/a/x.log", "/b/*.log", "/c/y.log", "/d"]


def test_rivals_are_read_first(tmp_path: Path) -> None:
    for name in ("aptitude", "django", "neuronova", "site"):
        (tmp_path / name).write_text(THEIRS if name != "aptitude" else "/var/log/apt*.log {\n}\n")
    assert [path.name for path in rivals(tmp_path)] == ["django"]


@pytest.mark.skipif(LOGROTATE is None, reason="not installed: apt-get install logrotate")
def test_logrotate_takes_both(tmp_path: Path) -> None:
    """Our two logs go by our rules, the others by theirs, and nothing is an error."""
    for name in ("health_check.log", "cron.log", "django_access.log", "other"):
        (tmp_path / name).write_text("x\n")
    text = rotation(OURS, THEIRS, user="root")
    text = text.replace("/var/log/neuronova", str(tmp_path)).replace("/var/log/other.log", f"{tmp_path}/other")
    (tmp_path / "conf").write_text("\n".join(line for line in text.splitlines() if "create " not in line and " su " not in line))
    assert LOGROTATE is not None
    done = subprocess.run(
        [LOGROTATE, "--debug", "--state", tmp_path / "state", tmp_path / "conf"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    assert done.stderr.count("considering log") >= 3
