"""The files in /etc/neuronova: only what is missing is made; what is there is the operator's."""

from __future__ import annotations

import difflib
import re
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path

from deploy.installer import monitor_toml, places, say
from deploy.installer.changes import Changes
from deploy.installer.plan import Plan
from deploy.installer.stock import Stock, setting

_GENERATE = "generate"
_FILE_MODE = 0o640


def install(changes: Changes, defaults: Path, stock: Stock, plan: Plan) -> None:
    """Make what is missing; show which defaults have changed."""
    changes.make_directory(places.SETTINGS, scope="data")
    changes.make_directory(places.SHIPPED, is_tree=True)
    # Clients that ask somebody else's server now do not know a key of ours: then none is demanded.
    known_key = setting("ml_server.env", "ML_API_KEY").removesuffix(_GENERATE)
    api_key = known_key or (secrets.token_urlsafe(32) if plan.is_new_ml_server else "")
    if plan.ml_unit:
        if api_key != known_key:
            say.line(f"ML_API_KEY: generated, in {places.SETTINGS}/ml_server.env")
        _install_file(changes, "ml_server.env", defaults, lambda text: _ml_server_env(text, plan, api_key))
        _own_models(changes)
    if plan.has_monitor:
        _install_file(changes, "monitor.toml", defaults, lambda text: monitor_toml.render(text, plan))
        _install_file(changes, "monitor.env", defaults, lambda text: _monitor_env(text, stock, plan, api_key))
        _complete(changes, api_key if plan.ml_unit else "")
        for line in missing_checks((places.SETTINGS / "monitor.toml").read_text(encoding="utf-8"), plan):
            say.line(line)
        _nginx_token(changes)


def missing_checks(text: str, plan: Plan) -> list[str]:
    """Return what is to be said where the operator's configuration does not watch our ML server."""
    try:
        checks = tomllib.loads(text).get("check", [])
    except tomllib.TOMLDecodeError:
        return []  # the check of the settings says where
    units = [str(each.get("unit", "")).removesuffix(".service") for each in checks]
    has_golden = any(each.get("kind") == "golden" for each in checks)
    if not plan.ml_unit or (plan.ml_unit.removesuffix(".service") in units and has_golden):
        return []
    added = monitor_toml.added_ml_server(plan) or '[[check]]\nname = "Prediction"\nkind = "golden"\ndepends_on = ["Flask"]\n'
    told = "  It does not watch our ML server. Add to it, then: sudo systemctl reload gunicorn_monitor"
    return [told, *(f"| {line}" for line in added.rstrip().splitlines())]


def _install_file(changes: Changes, name: str, defaults: Path, render: Callable[[str], str]) -> None:
    path, shipped = places.SETTINGS / name, places.SHIPPED / name
    default = (defaults / name).read_text(encoding="utf-8")
    if not path.exists():
        _put(changes, path, render(default))
        say.line(f"{path}: new")
    else:
        say.line(f"{path}: yours, unchanged")
        before = shipped.read_text(encoding="utf-8") if shipped.exists() else default
        if before != default:
            _put(changes, path.with_name(f"{name}.new"), default)
            say.line(f"  The default has changed; it is in {path}.new:")
            for line in difflib.unified_diff(
                before.splitlines(), default.splitlines(), "default until now", "default from now on", lineterm=""
            ):
                say.line(f"| {line}")
    changes.put(shipped, default.encode())


def _put(changes: Changes, path: Path, text: str) -> None:
    changes.put(path, text.encode(), _FILE_MODE, group=places.MONITOR_USER, scope="data")


def replaced(text: str, name: str, value: str) -> str:
    """Return an environment file with a setting changed, wherever it stands: the last one counts; or added at its end."""
    line = f'{name}="{value}"'
    changed, count = re.subn(rf"(?m)^{name}=.*$", lambda _found: line, text)
    return changed if count else f"{text.rstrip()}\n{line}\n"


def _ml_server_env(text: str, plan: Plan, api_key: str) -> str:
    text = replaced(text, "ML_API_KEY", api_key)
    if plan.ml_bind != f"127.0.0.1:{places.ML_PORT}":
        text = f'{text.rstrip()}\n\n# Where it listens.\nML_BIND="{plan.ml_bind}"\n'
    return text


def _own_models(changes: Changes) -> None:
    """Have the server look at its own models where the setting was left empty: those of a release are replaced with it."""
    path = places.SETTINGS / "ml_server.env"
    text = path.read_text(encoding="utf-8")
    if re.search(r'(?m)^ML_MODEL_DIR=("")?\s*$', text):
        _put(changes, path, replaced(text, "ML_MODEL_DIR", str(places.MODELS)))
        say.line(f"ML_MODEL_DIR: {places.MODELS}, which no release replaces")


def _monitor_env(text: str, stock: Stock, plan: Plan, api_key: str) -> str:
    text = replaced(text, "ML_API_KEY", api_key if plan.ml_unit else "")
    if plan.monitor_bind != f"127.0.0.1:{places.MONITOR_PORT}":
        text = replaced(text, "MONITOR_BIND", plan.monitor_bind)
    for name, value in stock.earlier.values.items():
        text = replaced(text, name, value)
        say.line(f"{name}: taken over from the earlier {stock.earlier_script}")
    return text


def _complete(changes: Changes, api_key: str) -> None:
    """Make the secrets that are still to be made, and let the monitor show the ML server its key."""
    path = places.SETTINGS / "monitor.env"
    text = before = path.read_text(encoding="utf-8")
    if not re.search(r"(?m)^MONITOR_STATS_TOKEN=", text):
        # Of a version that had none; the Django site asks for its statistics with it.
        text = replaced(text, "MONITOR_STATS_TOKEN", _GENERATE)
    for name in re.findall(rf'(?m)^(\w+)=["\']?{_GENERATE}["\']?\s*$', text):
        text = replaced(text, name, api_key if name == "ML_API_KEY" else secrets.token_urlsafe(32))
        say.line(f"{name}: generated, in {path}")
    if api_key and re.search(r'(?m)^ML_API_KEY=("")?\s*$', text):
        # The monitor was here before our ML server.
        text = replaced(text, "ML_API_KEY", api_key)
        say.line(f"ML_API_KEY: entered in {path}, too")
    if text != before:
        _put(changes, path, text)


def _nginx_token(changes: Changes) -> None:
    """For Nginx, whose master reads it as root: the token stays on the server."""
    line = f'proxy_set_header Authorization "Bearer {setting("monitor.env", "MONITOR_ADMIN_TOKEN")}";\n'
    changes.put(places.SETTINGS / "nginx_admin_token.conf", line.encode(), 0o600, scope="data")
