"""The stock and the plan, for people and as JSON. Secrets and what may hold one are named, never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from deploy.installer import places, release, say
from deploy.installer.plan import Plan
from deploy.installer.stock import Stock
from deploy.installer.units import Unit

_SECRET = re.compile(r"(?i)(\w*(?:webhook|token|password|secret|key)\w*=)\S+")
_PORTS = (places.DJANGO_PORT, places.ML_PORT, places.MONITOR_PORT)


def show(stock: Stock, plan: Plan) -> None:
    """Print what was found, and what will be done."""
    say.title("What is on this server")
    for text in _stock(stock):
        say.line(text)
    say.title("What will be done")
    for text in (*_plan(stock, plan), *plan.notes):
        say.line(redacted(text))


def as_json(stock: Stock, plan: Plan) -> str:
    """Return both as one JSON document."""
    facts = asdict(stock)
    facts["earlier"]["values"] = sorted(stock.earlier.values)
    for cron in facts["cron"]:
        cron["removed"] = [redacted(line) for line in cron["found"]["removed"]]
        cron["left"] = [redacted(line) for line in cron["found"]["left"]]
        del cron["found"]
    for name, unit in stock.units.items():
        facts["units"][name]["whose"] = whose(unit)
    decided = asdict(plan)
    decided["units"] = plan.units
    decided["notes"] = [redacted(note) for note in plan.notes]
    return json.dumps({"stock": facts, "plan": decided}, indent=2, ensure_ascii=False)


def redacted(text: str) -> str:
    """Return a text without the values of what is called a secret in it."""
    return _SECRET.sub(r"\1***", text)


def whose(unit: Unit) -> str:
    """Say whose a unit is."""
    if not unit.is_there:
        return "nobody's"
    return "ours" if unit.is_ours else "somebody else's"


def _stock(stock: Stock) -> Iterator[str]:
    yield f"Running release of ours: {stock.release or 'none'}"
    yield from _services(stock)
    for path, found in stock.directories.items():
        yield f"{path}: {f'{found.owner}, {found.mode:04o}' if found.owner else 'not there'}"
    for name, owner in stock.logs.files.items():
        program = stock.logs.in_use.get(name)
        yield f"  {name}: {owner}{f', open in {program}' if program else ''}"
    if stock.earlier_script:
        yield f"Earlier script {stock.earlier_script}: {', '.join(stock.earlier.values) or 'no alert settings'}"
    for cron in stock.cron:
        for line in (*cron.found.removed, *cron.found.left):
            yield f"Cron, {cron.path}: {redacted(line)}"
    yield f"Log rotation of {places.LOGS} by others: {', '.join(stock.rotated_by) or 'none'}"
    yield f"Nginx: {', '.join(stock.nginx_sites) or 'no site of that name'} (never changed from here)"
    yield f"Python: {stock.python}; others: {', '.join(stock.other_pythons) or 'none'}"
    yield f"Free: {stock.free_disk_mb} MB of disk, {stock.free_memory_mb} MB of memory"
    yield f"Missing packages: {', '.join(stock.missing_packages) or 'none'}"


def _services(stock: Stock) -> Iterator[str]:
    for name, unit in stock.units.items():
        if unit.is_there:
            yield f"Unit {name}: {whose(unit)}, {unit.active_state}, {unit.file_state}, {unit.program or unit.load_state}"
    for port in _PORTS:
        listener = stock.at_port(port)
        yield f"Port {port}: {f'{listener.address}, {listener.who}' if listener else 'free'}"
    for name, answers in (("Django", stock.django), ("ML server", stock.ml_server)):
        answered = ", ".join(f"{each.url} {each.status or '(no answer)'}" for each in answers)
        yield f"{name}: {answered or 'nobody to ask'}"


def _plan(stock: Stock, plan: Plan) -> Iterator[str]:
    yield f"Monitor: {f'unit {places.MONITOR_UNIT}, {plan.monitor_bind}' if plan.has_monitor else 'not installed'}"
    if not plan.ml_unit:
        yield "ML server of ours: not installed"
    elif plan.is_replacing:
        yield f"ML server of ours: in the place of somebody else's {plan.ml_unit}, which is stopped, and kept for --uninstall"
    else:
        yield f"ML server of ours: unit {plan.ml_unit}, {plan.ml_bind}"
    name = release.this_one()
    yield f"Release {name}: {'there already' if release.is_complete(name) else 'new'}"
    yield from _files(stock, plan)


def _files(stock: Stock, plan: Plan) -> Iterator[str]:
    monitor = ("monitor.toml", "monitor.env") if plan.has_monitor else ()
    for path in (places.SETTINGS / file for file in (*monitor, *(("ml_server.env",) if plan.ml_unit else ()))):
        yield f"{path}: {'yours, unchanged' if path.exists() else 'new'}"
    if plan.has_monitor:
        yield from _monitor(stock, plan)
    for path in _replaced(plan):
        if path.is_file() and not places.is_ours(path.read_bytes()):
            yield f"{path}: somebody else's, replaced; kept in {places.BEFORE}, and put back by --uninstall"


def _monitor(stock: Stock, plan: Plan) -> Iterator[str]:
    services = (("Nginx", plan.nginx), ("Django", plan.django), ("Flask", plan.flask))
    for name, watched in services if not (places.SETTINGS / "monitor.toml").exists() else ():
        yield f"Watched: {name}, {watched.unit or 'no unit'}{f', {watched.url}' if watched.url else ''}"
    for name in stock.earlier.values:
        yield f"{name}: taken over from {stock.earlier_script}"
    for cron in stock.cron:
        for line in cron.found.removed:
            yield f"{cron.path}: removed: {line}"
    for name in places.LOG_FILES:
        owner = stock.logs.files.get(name, "")
        if owner not in ("", places.MONITOR_USER):
            yield f"{places.LOGS / name}: goes on, and belongs to {places.MONITOR_USER} instead of {owner}"


def _replaced(plan: Plan) -> Iterator[Path]:
    yield from (places.UNITS / name for name in plan.units)
    yield from (places.BIN / name for name in plan.commands)
    if plan.has_monitor:
        yield places.LOGROTATE
