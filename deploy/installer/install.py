"""Installation and upgrade, step by step; whatever fails, everything is afterwards what it was before."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.installer import commands, history, logfiles, models, places, recovery, release, say, services, settings, system_files
from deploy.installer.changes import Changes
from deploy.installer.failure import Failure
from deploy.installer.journal import Journal, begin
from deploy.installer.plan import Plan
from deploy.installer.stock import CronFile, Stock

_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
_RESULTS = {
    0: "Result 0: all is well.",
    1: "Result 1: WARNING, logged only.",
    2: "Result 2: CRITICAL; the lines with ERROR above say what.",
}


class StepFailure(Failure):
    """A step could not be done; why has been said, and everything has been taken back."""


def install(stock: Stock, plan: Plan) -> None:
    """Install or upgrade.

    Raises:
        StepFailure: a step could not be done.
    """
    title = "Packages of the system"
    try:
        _step(title, lambda: _packages(stock))
        title = "Journal of what is changed, and a guard that takes it back"
        recovery.start_guard(sys.executable)
        changes = _begin(stock)
        for title, work in _steps(changes, stock, plan):
            _step(title, work)
        title = "Journal: closed"
        changes.run.end()
    except BaseException as error:
        say.problem(f"\nFAILED: {title}\n    {_words(error)}")
        if isinstance(error, Failure):
            say.problem(f"What to do: {error.remedy}")
        _take_back(stock)
        raise StepFailure(str(error), "") from error
    recovery.stop_guard()
    history.forget(plan)
    _afterwards(plan, release.this_one())


def _steps(changes: Changes, stock: Stock, plan: Plan) -> list[tuple[str, Callable[[], None]]]:
    name = release.this_one()
    place = places.RELEASES / name
    steps: list[tuple[str, Callable[[], None]]] = [
        ("Users and directories", lambda: _users_and_directories(changes, plan)),
        (f"Release {name}: the code and its libraries, beside what is running", lambda: _discard(release.build(changes, name))),
        (f"Settings in {places.SETTINGS}: only what is missing",
         lambda: settings.install(changes, place / "code/deploy/monitoring", stock, plan)),
        ("Check the settings and the models with the new release, before it is used", lambda: _check(place, plan)),
        ("Units, commands, log rotation; switch to the new release", lambda: _switch(changes, place, plan)),
    ]  # fmt: skip
    if plan.ml_unit:
        steps.insert(2, (f"Models in {places.MODELS}: only what is missing", lambda: models.install(changes, place)))
    if plan.has_monitor and stock.cron:
        steps.append(("Old cron jobs: the monitor has a schedule of its own", lambda: _old_cron_jobs(changes, stock.cron)))
    return steps


def _step(title: str, work: Callable[[], None]) -> None:
    say.title(title)
    work()


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"


def _discard(_result: object) -> None:
    pass


def _begin(stock: Stock) -> Changes:
    is_first = not stock.has_journal
    before = begin(places.BEFORE, is_unfinished=True) if is_first else Journal(places.BEFORE)
    run = begin(places.RUN, is_first=is_first)
    if is_first:
        before.facts = {"is_version_1": bool(stock.release)}
        before.save()
    return Changes(before, run, is_version_1=bool(before.facts.get("is_version_1")))


def _take_back(stock: Stock) -> None:
    if not places.RUN.is_dir():
        recovery.tidy()
        recovery.stop_guard()
        say.problem("Nothing has been changed.")
        return
    say.problem("Taking back what this run has changed ...")
    if recovery.take_back(Journal(places.RUN)):
        runs = f"{stock.release} goes on running" if stock.release else "what ran before runs, and nothing of ours is left"
        say.problem(f"Everything is as it was before: {runs}.")
    else:
        say.problem("Not all of it could be taken back; the lines above say what. Run this script again when that is put right.")
    recovery.stop_guard()


def _packages(stock: Stock) -> None:
    if not stock.missing_packages:
        say.line("All are there")
        return
    say.line(f"Installing {', '.join(stock.missing_packages)}")
    remedy = (
        "'sudo apt-get update' and a network connection usually put it right. Where it says 'Could not get lock', the system"
        " is updating itself: run this again when that is over."
    )
    # Ubuntu's needrestart would restart Nginx, Django and others for it; it comes to them at the next update.
    commands.run(["apt-get", "update", "-q"], remedy, environment=_ENVIRONMENT)
    commands.run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *stock.missing_packages],
        remedy,
        environment=_ENVIRONMENT,
    )


def _users_and_directories(changes: Changes, plan: Plan) -> None:
    # Both: the settings belong to the group of the monitor's user.
    for user in (places.MONITOR_USER, *((places.ML_USER,) if plan.ml_unit else ())):
        if changes.make_user(user):
            say.line(f"User {user}")
    if plan.ml_unit:
        changes.make_directory(places.ML_STATE, 0o700, user=places.ML_USER, scope="data", is_tree=True)
    if not plan.has_monitor:
        return
    state = Path(plan.state_dir)
    if state == places.STATE:
        # The monitor's group may write there, and take nothing away that is root's: the journal is in it.
        changes.about_to(state, scope="data")
        os.chown(state, 0, pwd.getpwnam(places.MONITOR_USER).pw_gid)
        state.chmod(0o1770)
    else:
        changes.make_directory(state, 0o750, user=places.MONITOR_USER, scope="data", is_tree=True)
    changes.make_directory(places.LOGS, user=places.MONITOR_USER, scope="data")
    for name in places.LOG_FILES:
        _adopt_log(changes, places.LOGS / name)
    for line in logfiles.ensure_log_files(places.LOGS, places.MONITOR_USER):
        say.line(line)


def _adopt_log(changes: Changes, path: Path) -> None:
    """Have a log that is there already belong to the monitor's user; a link, or a file with a second name, gives way."""
    changes.about_to(path, how="log", scope="data")
    owner = pwd.getpwnam(places.MONITOR_USER)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError:
        path.unlink()
        return
    try:
        found = os.fstat(handle)
        if found.st_nlink != 1:
            path.unlink()
        elif found.st_uid != owner.pw_uid:
            os.fchown(handle, owner.pw_uid, owner.pw_gid)
            os.fchmod(handle, 0o644)
            say.line(f"{path}: goes on, and belongs to {places.MONITOR_USER} now")
    finally:
        os.close(handle)


def _check(place: Path, plan: Plan) -> None:
    python = place / "venv/bin/python"
    if plan.has_monitor:
        commands.run(
            ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--property=User={places.MONITOR_USER}",
             f"--property=EnvironmentFile={places.SETTINGS}/monitor.env", f"--property=WorkingDirectory={places.HOME}",
             f"--setenv=NEURONOVA_CONFIG={places.SETTINGS}/monitor.toml", python, "-m", "monitor_blueprint.cli", "check-config"],
            f"Correct {places.SETTINGS}/monitor.toml or monitor.env as the lines above say, then run this again.",
        )  # fmt: skip
        say.line("Settings of the monitor: in order")
    if plan.ml_unit:
        as_server = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--property=User={places.ML_USER}",
                     f"--property=WorkingDirectory={places.HOME}", "--setenv=PYTHONDONTWRITEBYTECODE=1"]  # fmt: skip
        # Without settings it looks at those that came with the release: what is kept elsewhere does not show that they are whole.
        commands.run([*as_server, python, "-m", "ml_server.check"], f"{places.TREE} is damaged; copy it to the server again.")
        commands.run(
            [*as_server, f"--property=EnvironmentFile={places.SETTINGS}/ml_server.env", python, "-m", "ml_server.check"],
            f"Look at the lines above. Settings of the ML server are in {places.SETTINGS}/ml_server.env.",
        )
        say.line("Settings of the ML server, and its models: loaded and tested")


def _switch(changes: Changes, place: Path, plan: Plan) -> None:
    if plan.has_monitor:
        history.keep(changes, place, plan)
    release.switch_to(changes, place)
    system_files.install(changes, place, plan)
    services.start(changes, plan, place)


def _old_cron_jobs(changes: Changes, found: tuple[CronFile, ...]) -> None:
    for cron in found:
        path = Path(cron.path)
        if not cron.found.removed:
            continue
        is_ours_alone = path.parent.name == "cron.d" and not cron.found.has_jobs
        if is_ours_alone:
            changes.remove(path)
        else:
            changes.rewrite(path, cron.found.text.encode("utf-8", "surrogateescape"))
        for line in cron.found.removed:
            say.line(f"{path}: removed: {line}")


def _afterwards(plan: Plan, name: str) -> None:
    """Do what is no longer worth going back for when it fails."""
    say.title(f"Releases: the newest {release.KEPT} are kept")
    try:
        release.remove_old(places.RELEASES / name)
    except OSError as error:
        say.line(f"Old releases could not be removed: {error}")
    if plan.has_monitor:
        say.title("One health check")
        code = _health_check()
        say.line(_RESULTS.get(code, f"Result {code}: the state could not be found out; the lines above say why."))
    services.say_next(plan)


def _health_check() -> int:
    try:
        return subprocess.run([places.BIN / places.COMMANDS[0]], check=False).returncode  # noqa: S603  # ours
    except OSError:
        return 126
