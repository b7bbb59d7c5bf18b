from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor_blueprint.domain.sanitize import redact_lines
from monitor_blueprint.text import ko_evidence as ko

FACTS = {
    "process": ko.MAIN_PROCESS,
    "how": "종료 코드 78/CONFIG",
    "status": "78/CONFIG",
    "at": "2025-12-06 14:34:59 KST",
    "restarts": 7,
    "files": "/etc/neuronova/ml_server.env",
    "command": "sudo neuronova-model status",
    "program": "/opt/venv/bin/gunicorn",
}


def sentences() -> Iterator[str]:
    """Yield all that is said of how a process ended, with its places filled."""
    for name, said in vars(ko).items():
        if name.startswith(("RUN_", "GUNICORN_", "EXIT_", "MAIN_", "CONTROL_")):
            yield from (each.format(**FACTS) for each in (said.values() if isinstance(said, dict) else [said]))


@pytest.mark.parametrize("sentence", list(sentences()))
def test_our_own_words_are_not_masked(sentence: str) -> None:
    """They are stored redacted, like all that is evidence."""
    assert redact_lines(sentence) == sentence
