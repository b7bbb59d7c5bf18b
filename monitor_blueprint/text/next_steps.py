"""What to type next: for each kind of check the commands that show what is the matter."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import unquote

from monitor_blueprint.domain.models import CheckResult, Status
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill, joined

_JOURNAL = "sudo journalctl -u {unit} -n 50"
# Not for ever: it may be the answer that does not come.
_ASK = "curl -i -m 10 {curl}"
_FULL = ("df -h {path}", "sudo du -xh -d1 {path} | sort -h | tail")
_STATUS = "sudo neuronova-monitor status"
_MODEL = ("sudo neuronova-model status",)
_MEMORY = ("free -h", "ps aux --sort=-rss | head")
# By kind, filled from the readings' facts; a command whose facts are missing is left out.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "service": ("systemctl status {unit}", _JOURNAL, _ASK, "sudo systemctl restart {unit}"),
    "http": (_ASK,),
    # A server that answers wrongly is alive by all other signs: which model it serves is the question.
    "golden": ("sudo neuronova-model status", "sudo journalctl -u gunicorn_flask -n 50", _ASK),
    "feedback": _MODEL,
    "drift": _MODEL,
    "disk": _FULL,
    "disk_trend": _FULL,
    "inodes": ("df -i {path}", "sudo du -x --inodes -d1 {path} | sort -n | tail"),
    "memory": _MEMORY,
    "swap": _MEMORY,
    "oom": ("sudo journalctl -k | grep -i 'killed process'", *_MEMORY),
    "cpu": ("uptime", "ps aux --sort=-%cpu | head"),
    "restarts": ("systemctl status {unit}", _JOURNAL),
    # Whatever its priority: what a program prints has none of its own.
    "journal": (_JOURNAL,),
    "nginx_log": ("sudo tail -50 /var/log/nginx/error.log",),
    "tls": ("openssl s_client -connect {server} </dev/null",),
    "backup": ("systemctl list-timers", "df -h"),
    # Which entry it is may be known to this machine's administrators only.
    "health_body": (_STATUS, _ASK),
    "updates": ("apt list --upgradable",),
    "log_rotation": ("sudo logrotate -d /etc/logrotate.d/neuronova",),
    "monitor": ("systemctl status gunicorn_monitor", _STATUS),
}
# What says by itself which line of its configuration is wrong.
_OWN_CHECKS = {"nginx.service": "sudo nginx -t", "apache2.service": "sudo apache2ctl configtest", "ssh.service": "sudo sshd -t"}
# By what is the matter, in the place of the above: a file system that is gone has no directories to measure, and those that
# `df` and `du` would show are another's.
_BLIND = ("systemctl status gunicorn_monitor", "sudo journalctl -u gunicorn_monitor -n 50")
_NO_SUCH_UNIT = "not-found"
_NAMES = ("sudo neuronova-monitor check-config", "systemctl list-unit-files --type=service")
_FILE_SYSTEM = ("lsblk -f", "sudo dmesg | tail")
_FAULTS = {
    "unmounted": ("findmnt {target}", "sudo mount {target}", *_FILE_SYSTEM),
    "replaced": ("findmnt {target}", *_FILE_SYSTEM),
    "device": _FILE_SYSTEM,
    "access": ("findmnt {target}", *_FILE_SYSTEM),
    "read_only": (*_FILE_SYSTEM, "sudo mount -o remount,rw {target}"),
}
# Of the monitor's own readings; it is the monitor itself that must be able to send.
_CHANNEL = "channel_"
_SEND = ("sudo neuronova-monitor check-config --send",)
_ANY = "sudo neuronova-monitor history {incident}"
_NO_INCIDENT = "sudo neuronova-health-check"
_CERTBOT = ("sudo certbot certificates",)
_CERTIFICATE = ("sudo openssl x509 -noout -subject -dates -in {where}",)
_FILE_OF = re.compile(r"/(?P<certbot>etc/letsencrypt/)?")
_SOCKET = re.compile(r"https?\+unix://(?P<path>[^/]*)(?P<rest>/.*)?")


def commands(result: CheckResult | None, incident: int, *, is_in_status: bool = False, is_withholding: bool = False) -> Public:
    """Return what to type to see more of a check that fails, in one line; the history's evidence where nothing is closer.

    In the status, and on the page, which shows the same, the status is nothing more; it is where something was withheld.
    """
    any_ = fill(_ANY, incident=incident) if incident else fill(_NO_INCIDENT)
    if result is None:
        return any_
    wanted = dict.fromkeys((*_commands(result), *((_STATUS,) if is_withholding else ())))
    known = [_filled(command, _facts(result)) for command in wanted if not (is_in_status and command == _STATUS)]
    if not any(known) and result.status is Status.UNKNOWN:
        # It is the monitor that could not look.
        known = [fill(command) for command in _BLIND]
    return joined(" · ", [command for command in known if command]) or any_


def _commands(result: CheckResult) -> tuple[str, ...]:
    worst = max((reading.status.severity for reading in result.readings), default=0)
    faults = [reading.aspect for reading in result.readings if reading.status.severity == worst]
    if faults and all(aspect.startswith(_CHANNEL) for aspect in faults):
        return _SEND
    if any(reading.facts.get("state") == _NO_SUCH_UNIT for reading in result.readings):
        return _NAMES
    if result.kind == "tls" and (files := [_FILE_OF.match(str(reading.facts.get("where"))) for reading in result.readings]):
        found = next((each for each in files if each is not None), None)
        if found is not None:
            return _CERTBOT if found["certbot"] or "*" in found.string else _CERTIFICATE
    own = [_OWN_CHECKS[unit] for each in result.readings if (unit := str(each.facts.get("unit"))) in _OWN_CHECKS]
    return (*own[:1], *next((_FAULTS[aspect] for aspect in faults if aspect in _FAULTS), _COMMANDS.get(result.kind, ())))


def _facts(result: CheckResult) -> dict[str, Public]:
    """Return the facts that everybody may know, the worst reading's where several have one, as a shell takes them."""
    readings = sorted(result.readings, key=lambda reading: reading.status.severity)
    public = [(key, fact) for reading in readings for key, fact in reading.facts.items() if isinstance(fact, Public)]
    facts = {key: configured(shlex.quote(fact)) for key, fact in public}
    asked = [reading.facts.get("health", reading.facts.get("address")) for reading in readings]
    address = next((each for each in reversed(asked) if each is not None), None)
    if isinstance(address, Public) and result.status is not Status.OK:
        facts["curl"] = _for_curl(address)
    return facts


def _for_curl(address: Public) -> Public:
    """Return an address as curl takes it: it has no addresses of unix sockets."""
    found = _SOCKET.fullmatch(address)
    if found is None:
        return configured(shlex.quote(address))
    return fill(
        "--unix-socket {path} {url}",
        path=configured(shlex.quote(unquote(found["path"]))),
        url=configured(shlex.quote(f"http://localhost{found['rest']}")),
    )


def _filled(command: str, facts: Mapping[str, Public]) -> Public:
    try:
        return fill(command, **facts)
    except KeyError:
        return NOTHING
