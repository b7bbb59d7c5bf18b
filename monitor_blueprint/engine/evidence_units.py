"""What the journal and systemd say of a unit that takes part in a failure, at the time of that and in the run that fails."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from monitor_blueprint.adapters import journal
from monitor_blueprint.adapters.journal import WILL_RESTART, Entry
from monitor_blueprint.adapters.systemd import SystemdUnavailableError, full_name
from monitor_blueprint.adapters.unit_runs import read_run
from monitor_blueprint.domain import tracebacks
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import joined
from monitor_blueprint.domain.unit_runs import UnitRun
from monitor_blueprint.engine.evidence_found import Found, Subject
from monitor_blueprint.text import endings, evidence

LINES = 20
# So many lines of systemd's go into the message, and of exceptions; all that was found is in the history.
PUBLIC_LINES = 5
_EXCEPTIONS = 3
# So many are looked at: of what all have written, and of what systemd has.
_LOOKED_AT = 200
_OF_SYSTEMD = 60


class UnitEvidence:
    """What is known of one unit; nothing is asked for before it is wanted, and then once."""

    def __init__(self, subject: Subject, deadline: float, journal_directory: str = "") -> None:
        self._subject = subject
        self._name = full_name(subject.unit)
        self._deadline = deadline
        self._directory = journal_directory

    def exceptions(self) -> Found:
        """Return which exceptions the unit's programs have printed, and where in their own code, the newest last.

        Who was stopped in good order fell over no exception, though another's failure may have cost it some.
        """
        if self._run.is_in_good_order:
            return Found("")
        printed = [each for each in self._entries if not each.is_systemds]
        found = tracebacks.raised([(each.at, each.fields.get("_PID", ""), each.message) for each in printed])
        placed = evidence.raised(found, os.path.isfile)
        named = evidence.exceptions([(each.at, each.message) for each in printed], {each.class_name for each in found})
        told = sorted([*placed, *((at, line, line) for at, line in named)], key=lambda each: each[0])[-_EXCEPTIONS:]
        return Found("\n".join(whole for _, _, whole in told), joined("\n", [public for _, public, _ in told]))

    def journal(self) -> Found:
        """Return the unit's lines, and of them what systemd says."""
        if not self._entries:
            nothing = evidence.nothing_since(self._subject.begin)
            return Found(nothing, nothing)
        said = [
            (each.at, line)
            for each in self._entries
            if each.is_systemds and (line := evidence.of_systemd(each.at, each.fields, (self._name,)))
        ]
        return Found("\n".join(map(shown, self._last)), joined("\n", [line for _, line in said[-PUBLIC_LINES:]]))

    def ending(self) -> Found:
        """Return how the unit's process ended, and what that means; nothing where it did not end in an error."""
        run = self._run
        said = self._said_by_systemd()
        exits = [run.ended, *(evidence.ending_of(each.at, each.fields) for each in said)]
        known = [each for each in exits if each is not None and not each.is_clean and each.at >= self._subject.begin]
        restarts = [evidence.restarts_of(each.fields) for each in said]
        last = max(known, key=lambda each: each.at, default=None)
        told = endings.of_run(replace(run, ended=last, restarts=max([run.restarts, *restarts])))
        return Found(told, told)

    def _said_by_systemd(self) -> list[Entry]:
        try:
            return [each for each in self._entries if each.is_systemds]
        except ProbeError:
            return []

    @cached_property
    def _run(self) -> UnitRun:
        try:
            return read_run(self._name, max(0.1, self._deadline - time.monotonic()))
        except SystemdUnavailableError:
            return UnitRun()

    @cached_property
    def _entries(self) -> list[Entry]:
        """Return what was written at the time of the failure and in the run that fails, oldest first."""
        since = [f"--since=@{self._subject.begin.timestamp():.6f}", f"--unit={self._name}"]
        everything = self._read([*since, f"--lines={_LOOKED_AT}"])
        # Of a unit that writes much, systemd's few lines are further back.
        found = {each.cursor: each for each in (*self._read([*since, f"--lines={_OF_SYSTEMD}", "_PID=1"]), *everything)}
        return of_the_run(sorted(found.values(), key=lambda each: each.at))

    def _read(self, matches: Sequence[str]) -> list[Entry]:
        return journal.read(matches, self._deadline, directory=self._directory)

    @property
    def _last(self) -> list[Entry]:
        kept = {each.cursor for each in self._entries[-LINES:]}
        kept |= {each.cursor for each in [each for each in self._entries if each.is_systemds][-PUBLIC_LINES:]}
        return [each for each in self._entries if each.cursor in kept]


def of_the_run(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of the unit's last run, and of those before it that systemd itself has followed by the next.

    Who starts a unit anew begins anew: what was said before is of a failure that is over.
    """
    runs: list[str] = []
    for each in entries:
        if each.invocation and each.invocation not in runs:
            runs.append(each.invocation)
    if not runs:
        return list(entries)
    followed = {each.invocation for each in entries if each.is_systemds and each.fields.get("MESSAGE_ID") == WILL_RESTART}
    kept = [runs.pop()]
    while runs and runs[-1] in followed:
        kept.append(runs.pop())
    begin = min(each.at for each in entries if each.invocation in kept)
    return [each for each in entries if (each.invocation in kept if each.invocation else each.at >= begin)]


def shown(entry: Entry) -> str:
    """Return the entry as `journalctl` shows it, on one line, with its time zone."""
    at = entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    pid = f"[{entry.fields['_PID']}]" if "_PID" in entry.fields else ""
    who = f"{entry.fields.get('SYSLOG_IDENTIFIER', 'unknown')}{pid}"
    return clean(f"{at} {who}: {entry.message}", 2000)
