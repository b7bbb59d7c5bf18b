"""What may be wrong with the variables of the environment: the secrets, and where alerts go. No text has a value in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from monitor_blueprint import notifiers
from monitor_blueprint.adapters.addresses import is_loopback
from monitor_blueprint.alerts import heartbeat
from monitor_blueprint.config.suggestions import misspelt

_KNOWN = (
    "NEURONOVA_CONFIG",
    "HEARTBEAT_URL",
    "MONITOR_ADMIN_TOKEN",
    "MONITOR_STATS_TOKEN",
    "MONITOR_BIND",
    notifiers.CONSOLE_URL,
    "ML_API_KEY",
)
_BIND = "127.0.0.1:9001"
# Variables of other programs that look much like one of ours.
_OTHERS = ("SFTP_PASSWORD", "MAIL_API_KEY")


def problems(environ: Mapping[str, str], options: Mapping[str, Any]) -> list[str]:
    """Return what is wrong, each with the variable's name; `options` as for `notifiers.problems`."""
    names = known()
    # A torn one has others in it, about which nothing can then be said.
    return _torn(environ, names) or [
        *notifiers.problems(environ, options),
        *heartbeat.check(environ),
        *_check_tokens(environ),
        *_check_bind(environ),
        *_check_console_url(environ),
        *_misspelt(environ, names),
    ]


def known() -> set[str]:
    """Return the names of the variables that the monitor reads."""
    return notifiers.variables() | set(_KNOWN)


def bind_of(environ: Mapping[str, str]) -> str:
    """Return where the monitor's pages are served, as gunicorn wants it: MONITOR_BIND, or the guide's address."""
    return environ.get("MONITOR_BIND", "").strip() or _BIND


def own_url(environ: Mapping[str, str]) -> str:
    """Return where the monitor's own pages are, without a "/" at the end."""
    where = bind_of(environ)
    return f"http+unix://{quote(where.removeprefix('unix:'), safe='')}" if where.startswith("unix:") else f"http://{where}"


def _torn(environ: Mapping[str, str], names: set[str]) -> list[str]:
    """Return which variables have swallowed the lines after them."""
    return [
        f"{name} goes on in the next line: is its closing quotation mark missing?"
        for name in sorted(names)
        if "\n" in environ.get(name, "").strip()
    ]


def _check_tokens(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the administrators' token, and with the one for the statistics alone."""
    without = {"MONITOR_ADMIN_TOKEN": "one is made", "MONITOR_STATS_TOKEN": "there is none"}
    tokens = {name: environ.get(name, "").strip() for name in without}
    wrong = [name for name, token in tokens.items() if token and not re.fullmatch(r"[A-Za-z0-9._~-]{16,256}", token)]
    if wrong:
        return [f"{name} must be 16 to 256 letters, digits and . _ ~ - (or empty: {without[name]})" for name in wrong]
    admin, stats = tokens.values()
    return ["MONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN"] if stats and stats == admin else []


def _check_bind(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the address of the pages; another machine reaches them by way of a web server only."""
    found = re.fullmatch(r"unix:/[^\s]+|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", bind_of(environ))
    if found is None or (found[1] and not (is_loopback(found[1].strip("[]")) and 0 < int(found[2]) < 65536)):
        return ["MONITOR_BIND must be 127.0.0.1:PORT or unix:/PATH (or empty: 127.0.0.1:9001)"]
    return []


def _check_console_url(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the address that messages link to; it stands in each of them, so it may hold no secret."""
    url = environ.get(notifiers.CONSOLE_URL, "").strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_plain = re.fullmatch(r"https?://[A-Za-z0-9._~:/%\[\]-]+", url) is not None and bool(host)
    if url and not is_plain:
        return [
            f"{notifiers.CONSOLE_URL} must be where people open the monitor's pages, as https://HOST or https://HOST:PORT/PATH,"
            " without user, query and fragment (or empty: messages have no link)"
        ]
    return []


def _misspelt(environ: Mapping[str, str], names: set[str]) -> list[str]:
    """Return what looks like a variable of ours but for a letter or two: it would be ignored without a word."""
    others = [name for name in environ if name not in names and name not in _OTHERS]
    meant = {name: misspelt(name, names) for name in others}
    return [f"{name} is not known (did you mean {near}?)" for name, near in meant.items() if near]
