"""Our units: started, handed over to another release, stopped; and somebody else's, where ours takes its place."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

from deploy.installer import commands, health_addresses, places, say
from deploy.installer.changes import Changes
from deploy.installer.failure import Failure
from deploy.installer.listeners import unit_in
from deploy.installer.plan import Plan
from deploy.installer.units import units

_READY_S = 60
_RELEASE = re.compile(rf"{places.RELEASES}/([^/\s]+)/")
_LOOK = "journalctl -u {unit} -n 50 says why it did not get ready."


def release_of(unit: str) -> str:
    """Return the release that a unit's processes are of; empty where it does not run, or they are of several."""
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if unit_in((process / "cgroup").read_text()) == unit:
                found |= set(_RELEASE.findall((process / "maps").read_text(errors="replace")))
        except OSError:
            continue  # it has ended meanwhile
    return found.pop() if len(found) == 1 else ""


def start(changes: Changes, plan: Plan, release: Path) -> None:
    """Have every unit of the plan run a release: the ML server without refusing a request, the monitor by a restart."""
    if plan.ml_unit:
        if plan.is_replacing:
            _take_place_of(changes, plan.ml_unit)
        _enable(changes, plan.ml_unit)
        changes.run.note(f"unit:{plan.ml_unit}", was_active=units([plan.ml_unit])[plan.ml_unit].is_active, is_ours=True)
        run_release(plan.ml_unit, release)
        _wait(plan.ml_bind, (200,), plan.ml_unit)
    if plan.has_monitor:
        _enable(changes, places.MONITOR_UNIT)
        _enable(changes, places.DEADMAN_TIMER)
        for unit in (places.MONITOR_UNIT, places.DEADMAN_TIMER):
            changes.run.note(f"unit:{unit}", was_active=units([unit])[unit].is_active, is_ours=True)
        run_release(places.MONITOR_UNIT, release)
        commands.run(["systemctl", "start", places.DEADMAN_TIMER], _LOOK.format(unit=places.DEADMAN_TIMER))
        # 503 is an answer too: a monitor without a channel calls itself degraded.
        _wait(plan.monitor_bind, (200, 503), places.MONITOR_UNIT)


def run_release(unit: str, release: Path) -> None:
    """Start a unit of ours, or hand it over, so that its processes are of a release; it is ready when this returns."""
    remedy = _LOOK.format(unit=unit)
    is_running = units([unit])[unit].is_running
    if is_running and release_of(unit) == release.name:
        return
    if is_running and unit != places.MONITOR_UNIT:
        commands.run(["bash", release / "code/deploy/monitoring/handover.sh", unit.removesuffix(".service")], remedy)
    else:
        # One that systemd is just starting anew is not waited for otherwise: nobody knows how that ends.
        commands.run(["systemctl", "restart", unit], remedy)


def stop(names: Iterable[str]) -> None:
    """Stop and disable units, and forget that they failed."""
    for name in names:
        commands.run(["systemctl", "disable", "--quiet", "--now", name], f"systemctl status {name}")
        commands.try_to_run(["systemctl", "reset-failed", name])


def reload_units() -> None:
    """Have systemd read the unit files again."""
    commands.run(["systemctl", "daemon-reload"], "systemctl status; journalctl -n 50")


def _enable(changes: Changes, unit: str) -> None:
    target = "timers.target" if unit.endswith(".timer") else "multi-user.target"
    wanted = places.UNITS / f"{target}.wants" / unit
    # Also where it is there: an uninstallation stops and disables, and what was enabled before is so again.
    changes.about_to(wanted)
    if not wanted.is_symlink():
        commands.run(["systemctl", "enable", "--quiet", unit], f"systemctl enable {unit}")


def _take_place_of(changes: Changes, unit: str) -> None:
    """Stop somebody else's unit whose file has been replaced by now; that it ran, and is to run again, is in the journals."""
    if any(entry.key == f"unit:{unit}" for entry in changes.run.entries.values()):
        commands.run(["systemctl", "stop", unit], f"systemctl status {unit}")


def note_foreign(changes: Changes, name: str) -> None:
    """Write down that somebody else's unit is about to give way."""
    unit = units([name])[name]
    for journal in (changes.before, changes.run):
        journal.note(f"unit:{name}", was_active=unit.is_active, is_ours=False)


def _wait(address: str, good: tuple[int, ...], unit: str) -> None:
    end = time.monotonic() + _READY_S
    while True:
        status = health_addresses.ask(address, "/health").status
        if status in good:
            return
        if time.monotonic() >= end:
            raise Failure(
                f"{health_addresses.url_of(address, '/health')} does not answer {good[0]} but {status}.", _LOOK.format(unit=unit)
            )
        time.sleep(0.3)


def say_next(plan: Plan) -> None:
    """Say who must be told what."""
    settings = places.SETTINGS
    say.plain("\nDone.")
    if plan.has_monitor:
        say.plain(f"Who is told: ALERT_EMAIL and SLACK_WEBHOOK in {settings}/monitor.env, then")
        say.plain("  sudo neuronova-monitor check-config && sudo systemctl restart gunicorn_monitor")
        say.plain("  sudo neuronova-monitor test-alert")
        say.plain("The monitor's page behind Nginx, by one line in the site that is there:")
        say.plain(f"  {places.TREE}/deploy/nginx/neuronova-monitor/locations.conf says how")
    if plan.ml_unit:
        say.plain(f"Callers of /predict send ML_API_KEY of {settings}/ml_server.env as X-API-Key. Django must be told, in its")
        say.plain("settings or environment, and then restarted (the value is not shown here):")
        say.plain(f"  ML_API_KEY = ...the value in {settings}/ml_server.env; empty: nothing is demanded")
        url = health_addresses.url_of(plan.ml_bind, "")
        say.plain(f'  ML_SERVER_URL = "{url}"')
