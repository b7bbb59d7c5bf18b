"""One box for the tests of this folder, in the order of the file names: each file goes on where the one before has stopped."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.box import box as boxes
from tests.box.box import Box

HERE = Path(__file__).resolve().parent
REASON = boxes.missing()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Box tests are run when they are asked for with `-m box`, as `make test-box` does, and only then."""
    asked_for = "box" in str(config.getoption("markexpr")).split()
    if asked_for and boxes.SUITE not in boxes.PYTHONS:
        raise pytest.UsageError(f"SUITE={boxes.SUITE} is unknown; there are {', '.join(boxes.PYTHONS)}")
    reason = REASON if asked_for else "only with -m box (make test-box)"
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.box)
            item.add_marker(pytest.mark.timeout(600))
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    with boxes.boot("empty-box") as booted:
        yield booted


@pytest.fixture(scope="session")
def api_key(box: Box) -> str:
    """The key that the installer has made."""
    return setting(box, "ml_server.env", "ML_API_KEY")


@pytest.fixture(scope="session")
def features() -> str:
    """The first golden sample of the bundled model, as JSON."""
    card = next((boxes.ROOT / "ml_server" / "models").glob("*/*/model.json"))
    samples = json.loads(card.read_text(encoding="utf-8"))["golden_samples"]
    return json.dumps(samples[0]["features"])


def setting(box: Box, file: str, name: str) -> str:
    lines = box.path(f"/etc/neuronova/{file}").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2].strip('"') for line in lines if line.startswith(f"{name}="))


def check_often(box: Box) -> None:
    """A test cannot wait five minutes, and other work on this machine shall not count as an incident in the box."""
    box.run(
        "cd /etc/neuronova && sed -i 's/^every_minutes = 5/every_minutes = 1/' monitor.toml && "
        "python3 - <<'PY'\n"
        "import re\n"
        "text = open('monitor.toml').read()\n"
        "text = re.sub(r'warning = 70\\ncritical = 90', 'warning = 5000\\ncritical = 9000', text)\n"
        "text = re.sub(r'(kind = .journal.)', r'\\1\\nwarning = 5000\\ncritical = 9000', text)\n"
        "text = re.sub(r'(kind = .restarts.)', r'\\1\\nmost = 500', text)\n"
        "text = re.sub(r'(?m)^(url = .http.*)', r'\\1\\ntimeout_s = 2', text)\n"
        "open('monitor.toml', 'w').write(text)\n"
        "PY\n"
        "neuronova-monitor check-config && systemctl reload gunicorn_monitor"
    )
