from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.programs import Program
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn

StartMonitor = Callable[[Mapping[str, str]], Program]


@pytest.fixture
def slack() -> Iterator[HttpStandIn]:
    with HttpStandIn() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[MailStandIn]:
    with MailStandIn() as server:
        yield server


@pytest.fixture
def start_monitor(tmp_path: Path) -> Iterator[StartMonitor]:
    """Starts monitors, which are ended when the test is over."""
    programs: list[Program] = []

    def start(environ: Mapping[str, str]) -> Program:
        programs.append(Program(tmp_path / f"monitor{len(programs)}", environ))
        return programs[-1]

    yield start
    for program in programs:
        program.close()
