"""Every command of README.ko.md is run as it stands there."""

import re

import pytest

from tests.box.box import ROOT, Box

pytestmark = pytest.mark.box

# They ask a person something, reach outside of this machine, or are tested at length in another file.
NOT_HERE = re.compile(
    r"nano |apt-get|hooks\.slack\.com|your-domain|your-email|wget|grafana|prometheus|git |make |--uninstall|htpasswd|pip "
)
# How a command may end that found something out: a health check says 1 or 2, grep says 1 for nothing found,
# and 124 is what ends a command that never ends by itself.
FINE = {0, 1, 2, 3, 124}


def commands() -> list[str]:
    text = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    # On a machine where that is so; see the lived-in one.
    text = re.sub(r"(?ms)^## 이미 운영 중인 서버에 설치$.*?(?=^## )", "", text)
    found: list[str] = []
    for block in re.findall(r"```bash\n(.*?)```", text, re.S):
        joined = re.sub(r"\\\n\s*", " ", block)
        found += [line.split("  #")[0].strip() for line in joined.splitlines() if line and not line.startswith("#")]
    return list(dict.fromkeys(found))


def test_the_operators_guide_has_commands() -> None:
    assert "sudo neuronova-health-check" in commands()
    assert len(commands()) > 30


@pytest.mark.parametrize("command", [command for command in commands() if not NOT_HERE.search(command)])
def test_guide_command_works(box: Box, command: str) -> None:
    """A command of the guide works as written."""
    result = box.run(f"cd ~/NeuroNova/deploy/monitoring; timeout {follow(command)}", expect=None)
    assert result.code in FINE, str(result)
    for complaint in ("command not found", "No such file", "could not be found", "Traceback", "No such command"):
        assert complaint not in result.output, str(result)


def follow(command: str) -> str:
    """A command that follows a log is ended after a second."""
    is_following = re.search(r"(tail|journalctl).* -f", command) is not None
    return f"1 bash -c {quote(command)}" if is_following else f"60 bash -c {quote(command)}"


def quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
