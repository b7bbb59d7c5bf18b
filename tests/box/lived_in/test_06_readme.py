"""Every command of README.ko.md's chapter about a server that lives, as it stands there and in its order."""

import re

import pytest

from tests.box.box import ROOT, Box
from tests.box.lived_in.conftest import SETUP, failures
from tests.box.lived_in.server import as_ubuntu, assert_lives
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = pytest.mark.box


def blocks() -> list[str]:
    text = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    chapter = re.search(r"(?ms)^## 이미 운영 중인 서버에 설치$(.*?)^## ", text)
    assert chapter is not None
    return re.findall(r"```bash\n(.*?)```", chapter[1], re.DOTALL)


def test_the_chapter(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    found = blocks()
    assert len(found) >= 8
    assert "--uninstall" in found[-1]
    for block in found:
        commands = " && ".join(block.strip().splitlines())
        result = lived_in.run(as_ubuntu(commands), expect=None, timeout_s=400)
        # The load of the machine that the box shares with others may be critical.
        assert result.code == 0 or "neuronova-health-check" in block, str(result)
        for complaint in ("command not found", "No such file", "Traceback"):
            assert complaint not in result.output, str(result)
        assert failures(result.output) == []
    assert_lives(lived_in)
    lived_in.run(f"{SETUP} --uninstall --purge")
    assert [str(each) for each in differences(untouched, camera.take(), are_same_processes=False)] == []
