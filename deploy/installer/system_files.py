"""What a release puts elsewhere than below /opt/neuronova: units, commands, log rotation, manual pages."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from deploy.installer import commands, logfiles, places, say, services
from deploy.installer.changes import Changes
from deploy.installer.plan import Plan


def install(changes: Changes, release: Path, plan: Plan) -> None:
    """Put everything in its place; what is there of somebody else's is kept for an uninstallation."""
    code = release / "code"
    if plan.is_replacing and not changes.run.entries.get(f"unit:{plan.ml_unit}"):
        services.note_foreign(changes, plan.ml_unit)
        _set_drop_ins_aside(changes, plan.ml_unit)
    for name in plan.units:
        # The one beside a foreign server is the same unit by another name.
        source = code / "systemd" / (places.ML_UNIT if name == places.ML_UNIT_BESIDE else name)
        changes.put(places.UNITS / name, source.read_bytes())
    for command in plan.commands:
        changes.put(places.BIN / command, (code / "deploy/monitoring" / command).read_bytes(), 0o755)
    if plan.has_monitor:
        changes.put(places.COMPLETIONS / "neuronova-monitor", (code / "deploy/monitoring/completion.bash").read_bytes())
        changes.link(places.COMPLETIONS / "neuronova-health-check", "neuronova-monitor")
        _install_rotation(changes, code / "deploy/logrotate/neuronova")
    for page in sorted((code / "deploy/man").glob("*.8")):
        changes.put(places.MAN / page.name, page.read_bytes())
    services.reload_units()


def rotation(ours: str, before: str, *, user: str, rival: str = "") -> str:
    """Return the rotation of our two logs, followed by what somebody else had in a file of that name.

    Where two rules name a file, logrotate takes the first and calls the second an error, unless the first has
    `ignoreduplicates`, as ours does; `rival`: a file that is read before ours and names our logs, so that it rotates them.
    `user`: whom logrotate works as in the directory.
    """
    if rival:
        ours = f"# The monitor notices that its file was moved away. {rival} is read before this file and rotates it.\n"
    else:
        ours = re.sub(r"(?m)^(\s*su) .*$", rf"\1 {user} {user}", ours)
    return f"{ours.rstrip()}\n\n# As it was before:\n{before}" if before else ours


def patterns(rules: str) -> list[str]:
    """Return the files that logrotate's rules name: what stands before each opening brace."""
    bare = re.sub(r"(?m)#.*$", "", rules)
    outside = re.sub(r"\{[^}]*\}", "{", bare)
    heads = outside.split("{")[:-1]
    return [word.strip("\"'") for head in heads for word in head.split() if word.strip("\"'").startswith("/")]


def rivals(directory: Path) -> list[Path]:
    """Return the files that logrotate reads before ours and that name one of our logs."""
    logs = [str(places.LOGS / name) for name in places.LOG_FILES]
    found = sorted(each for each in directory.glob("*") if each.is_file() and each.name < places.LOGROTATE.name)
    return [
        each
        for each in found
        if any(fnmatch(log, pattern) for log in logs for pattern in patterns(each.read_text("utf-8", "replace")))
    ]


def _install_rotation(changes: Changes, source: Path) -> None:
    path = places.LOGROTATE
    foreign = _foreign_rules(changes, path)
    if foreign:
        say.line(f"{path}: somebody else's rules stay, after ours")
    before_ours = rivals(path.parent)
    if before_ours:
        say.line(f"{before_ours[0]} rotates our logs too, and is read first: have it create them for {places.MONITOR_USER}")
    text = rotation(
        source.read_text(encoding="utf-8"),
        foreign.decode("utf-8", "surrogateescape"),
        user=logfiles.rotation_user(places.LOGS),
        rival=str(before_ours[0]) if before_ours else "",
    )
    changes.put(path, text.encode("utf-8", "surrogateescape"))
    # The first run takes note of the files and rotates nothing; the monitor looks whether the rotation runs.
    commands.run(
        ["logrotate", "--wait-for-state-lock", str(path)],
        f"'logrotate --debug {path}' shows what it does not like.",
        timeout_s=300,
    )


def _foreign_rules(changes: Changes, path: Path) -> bytes:
    """Return what somebody else has, or had before us, in the file of that name; a link's target, where it is one."""
    entry = changes.before.entries.get(str(path))
    if entry is None:
        return path.read_bytes() if path.is_file() and not places.is_ours(path.read_bytes()) else b""
    target = path.parent / entry.was.target if entry.was.kind == "link" else None
    return target.read_bytes() if target and target.is_file() else changes.before.content_of(entry)


def _set_drop_ins_aside(changes: Changes, unit: str) -> None:
    """Files that change somebody else's unit would change ours too."""
    for path in sorted((places.UNITS / f"{unit}.d").glob("*.conf")):
        changes.remove(path)
        say.line(f"{path}: set aside, it was for the unit before")
