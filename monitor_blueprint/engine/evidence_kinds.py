"""The evidence that fits the kind of a check: what fills a disk, what a service that does not answer is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from monitor_blueprint.config import Check, units_of
from monitor_blueprint.domain.models import CheckResult
from monitor_blueprint.engine import evidence_disk, evidence_processes
from monitor_blueprint.storage.reads import Reads
from monitor_blueprint.text import render, story

# Titles and their objects, and what to do for them.
Section = tuple[str, Callable[[], str]]
_ANSWERS = 5
_DISKS = ("disk", "disk_trend")
# These say that the file system is not there: at its place lies another, or nothing.
_GONE = ("unmounted", "replaced", "device", "access")
_ANSWERING = ("service", "http", "health_body", "golden")


def sections(
    checks: Sequence[Check], results: Sequence[CheckResult], reads: Reads, now: datetime, deadline: float
) -> Iterator[Section]:
    """Return what is to be looked at for the checks that fail, and have these results; all of it stays in the history."""
    gone = {result.check for result in results for reading in result.readings if reading.aspect in _GONE}
    for check in checks:
        path = getattr(check.options, "path", "")
        if check.kind in _DISKS and path and check.name not in gone:
            yield f"disk {path}", partial(evidence_disk.usage, path, deadline)
        if check.kind in _ANSWERING:
            for unit in units_of(check):
                yield f"threads {unit}", partial(evidence_processes.threads, unit)
            yield f"answers {check.name}", partial(_answers, check.name, reads, now)


def _answers(check: str, reads: Reads, now: datetime) -> str:
    """Return what the check saw before: once an hour, and whenever something changed."""
    lines = []
    for result in reads.past_results(check, now, _ANSWERS):
        lines += [f"{render.local(result.at)} {line}" for line in story.measured(result)]
    return "\n".join(lines)
