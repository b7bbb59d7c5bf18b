"""How a service ended and what that means: its exit status, or its signal, in words."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from monitor_blueprint.domain.text import NOTHING, Public, configured, fill, joined, moment
from monitor_blueprint.domain.unit_runs import MAIN, Ending, UnitRun
from monitor_blueprint.text import ko_evidence as ko

# systemd.exec(5), "Process Exit Codes": those that are met when a service cannot be started; and those of sysexits(3).
_EXIT_NAMES = {
    1: "FAILURE",
    2: "INVALIDARGUMENT",
    4: "NOPERMISSION",
    5: "NOTINSTALLED",
    6: "NOTCONFIGURED",
    64: "USAGE",
    65: "DATAERR",
    66: "NOINPUT",
    69: "UNAVAILABLE",
    70: "SOFTWARE",
    71: "OSERR",
    72: "OSFILE",
    73: "CANTCREAT",
    74: "IOERR",
    75: "TEMPFAIL",
    77: "NOPERM",
    78: "CONFIG",
    200: "CHDIR",
    203: "EXEC",
    216: "GROUP",
    217: "USER",
    218: "CAPABILITIES",
    226: "NAMESPACE",
    238: "STATE_DIRECTORY",
    240: "LOGS_DIRECTORY",
    243: "CREDENTIALS",
}
# EX_CONFIG of sysexits(3): with it our own programs refuse their settings.
_CONFIG = 78
# How our own programs are started, where their settings are if their unit does not say, and what names the wrong one.
_OWN = {
    "python:ml_server.gunicorn_conf": ("", "sudo neuronova-model status"),
    "python:monitor_blueprint.gunicorn_conf": ("/etc/neuronova/monitor.toml", "sudo neuronova-monitor check-config"),
}


def exit_status(code: str, status: int) -> Public:
    """Return an exit status, or a signal's number, with its name as systemd writes it: "78/CONFIG", "9/KILL"."""
    if code == "exited":
        name = _EXIT_NAMES.get(status, "")
    else:
        name = next((each.name.removeprefix("SIG") for each in signal.Signals if each == status), "")
    return fill("{number}/{name}", number=status, name=fill(name)) if name else fill("{number}", number=status)


def of_run(run: UnitRun) -> Public:
    """Return how a unit's last run ended, what that means, and what to look at; nothing where it did not end in an error."""
    if run.ended is None or not run.has_failed:
        files = _files(run.environment_files)
        return fill(ko.RUN_RESOURCES, files=files) if run.result == "resources" and files else NOTHING
    lines = [_ended(run.ended, run.restarts), *_meaning(run, run.ended)]
    return joined("\n", lines)


def _ended(ended: Ending, restarts: int) -> Public:
    process = fill(ko.MAIN_PROCESS) if ended.command == MAIN else fill(ko.CONTROL_PROCESS, command=configured(ended.command))
    return fill(
        ko.RUN_ENDED,
        process=process,
        how=fill(ko.RUN_CODES[ended.code], status=exit_status(ended.code, ended.status)),
        at=moment(ended.at.astimezone(), "%Y-%m-%d %H:%M:%S %Z"),
        restarts=restarts,
    )


def _meaning(run: UnitRun, ended: Ending) -> list[Public]:
    if run.result in ko.RUN_RESULTS:
        return [fill(ko.RUN_RESULTS[run.result])]
    if ended.code != "exited":
        return []
    if ended.status == _CONFIG and ended.command == MAIN:
        return _settings(run)
    if ended.command == MAIN and any(part.rpartition("/")[2] == "gunicorn" for part in run.program[:2]):
        return [fill(ko.GUNICORN_CODES[ended.status])] if ended.status in ko.GUNICORN_CODES else []
    program = configured(run.program[0]) if run.program else NOTHING
    return [fill(ko.EXIT_MEANINGS[ended.status], program=program)] if ended.status in ko.EXIT_MEANINGS else []


def _settings(run: UnitRun) -> list[Public]:
    """Return where the settings are that a program has refused, and what says which of them it is."""
    more, command = next((_OWN[part] for part in run.program if part in _OWN), ("", ""))
    files = _files([*([more] if more else []), *run.environment_files])
    lines = [fill(ko.RUN_SETTINGS, files=files) if files else fill(ko.RUN_SETTINGS_SOMEWHERE)]
    return [*lines, fill(ko.RUN_SETTINGS_COMMAND, command=fill(command))] if command else lines


def _files(paths: Sequence[str]) -> Public:
    return joined(", ", map(configured, paths))
