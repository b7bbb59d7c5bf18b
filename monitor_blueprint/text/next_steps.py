"""What to type next: for each kind of check the commands that show what is the matter."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from monitor_blueprint.domain.models import CheckResult, Status
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill, joined
from monitor_blueprint.text import ko_models

_JOURNAL = "sudo journalctl -u {unit} -n 50"
# Not for ever: it may be the answer that does not come.
_ASK = "curl -i -m 10 {curl}"
# What takes the room by directories and by files, and what nobody finds with them: deleted files that a program holds open.
_FULL = (
    "df -h {path}",
    "sudo du -xh -d2 {path} | sort -h | tail",
    "sudo find {path} -xdev -type f -size +100M -exec du -h {{}} + | sort -h | tail",
    # What `lsof +L1` shows; that is not installed everywhere.
    "sudo find /proc -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname '/* (deleted)' -exec stat -Lc '%s %n' {{}} + | sort -n | tail",
)
_STATUS = "sudo neuronova-monitor status"
_MODEL = ("sudo neuronova-model status",)
_MEMORY = ("free -h", "ps aux --sort=-rss | head")
_BUSY = "ps aux --sort=-%cpu | head"
# A server that answers wrongly is alive by all other signs: which model it serves is the question.
_WRONG_MODEL = (
    *_MODEL,
    # Where a version was before.
    ko_models.ROLLBACK,
    "sudo journalctl -u gunicorn_flask -n 50",
    _ASK,
)
# By kind, filled from the readings' facts; a command whose facts are missing is left out.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "service": ("systemctl status {unit}", _JOURNAL, _ASK, "sudo systemctl restart {unit}"),
    "http": (_ASK,),
    "golden": _WRONG_MODEL,
    "feedback": _MODEL,
    "drift": _MODEL,
    "disk": _FULL,
    "disk_trend": _FULL,
    "inodes": ("df -i {path}", "sudo du -x --inodes -d2 {path} | sort -n | tail"),
    "memory": _MEMORY,
    "swap": (*_MEMORY, "vmstat 1 5"),
    "oom": ("sudo journalctl -k --since=-2h | grep -i 'killed process'", *_MEMORY),
    # Load is also who waits for a disk.
    "cpu": ("uptime", _BUSY, "vmstat 1 5"),
    "restarts": ("systemctl status {unit}", _JOURNAL),
    # Whatever its priority: what a program prints has none of its own.
    "journal": ("sudo journalctl -u {unit} --since=-15min | grep -E 'ERROR|CRITICAL|FATAL|Error:' | tail -50", _JOURNAL),
    "nginx_log": ("sudo tail -50 /var/log/nginx/error.log", "sudo awk '$9 >= 500' /var/log/nginx/access.log | tail -20"),
    "tls": (
        "openssl s_client -connect {peer} </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates",
        "sudo nginx -T 2>/dev/null | grep ssl_certificate{of_nginx}",
    ),
    "backup": ("ls -lht {folder} | head", "systemctl list-timers --all", "sudo crontab -l", "df -h {folder}"),
    # Which entry it is may be known to this machine's administrators only.
    "health_body": (_STATUS, _ASK, "sudo journalctl -u gunicorn_django -n 50"),
    "updates": ("sudo apt-get update", "apt list --upgradable"),
    "log_rotation": ("systemctl status logrotate.timer", "sudo logrotate -d /etc/logrotate.d/neuronova"),
    "monitor": ("systemctl status gunicorn_monitor", _STATUS, "sudo journalctl -u gunicorn_monitor -n 50"),
}
# What says by itself which line of its configuration is wrong.
_OWN_CHECKS = {"nginx.service": "sudo nginx -t", "apache2.service": "sudo apache2ctl configtest", "ssh.service": "sudo sshd -t"}
# By what is the matter, in the place of the above: a file system that is gone has no directories to measure, and those that
# `df` and `du` would show are another's.
_BLIND = ("systemctl status gunicorn_monitor", "sudo journalctl -u gunicorn_monitor -n 50")
_NO_SUCH_UNIT = "not-found"
_CHECK_CONFIG = ("sudo neuronova-monitor check-config",)
_NAMES = (*_CHECK_CONFIG, "systemctl list-unit-files --type=service")
_FILE_SYSTEM = ("lsblk -f", "sudo dmesg | tail")
_FAULTS = {
    "unmounted": ("findmnt {target}", "sudo mount {target}", *_FILE_SYSTEM),
    "replaced": ("findmnt {target}", *_FILE_SYSTEM),
    "device": _FILE_SYSTEM,
    "access": ("findmnt {target}", *_FILE_SYSTEM),
    "read_only": (*_FILE_SYSTEM, "sudo mount -o remount,rw {target}"),
    # The server is there and slow.
    "latency": ("uptime", _BUSY, "sudo journalctl -u gunicorn_flask -n 50", _ASK),
    "refused": ("systemctl status gunicorn_flask", "sudo journalctl -u gunicorn_flask -n 50", _ASK),
    "config": _CHECK_CONFIG,
    "lists": ("sudo apt-get update",),
}
# By systemd's word for a unit that it cannot start at all.
_STATES = {
    "masked": ("systemctl status {unit}", "sudo systemctl unmask {unit}", "sudo systemctl start {unit}"),
    "bad-setting": ("sudo systemd-analyze verify {unit}", "systemctl cat {unit}", "systemctl status {unit}"),
    "error": ("systemctl status {unit}", "systemctl cat {unit}"),
}
# By what an address fails with, after it was asked: who listens at all, and where the name leads.
_REASONS = {"refused": ("sudo ss -ltnp",), "name": ("getent ahosts {host}", "resolvectl status")}
# Of the monitor's own readings; it is the monitor itself that must be able to send.
_CHANNELS = ("channel_", "trying_")
_SEND = (
    "sudo neuronova-monitor check-config --send",
    "curl -v -m 10 telnet://{email_server} </dev/null",
    "curl -I -m 10 https://{slack_server}",
)
_ANY = "sudo neuronova-monitor history {incident}"
_NO_INCIDENT = "sudo neuronova-health-check"
_CERTBOT = ("sudo certbot certificates", "sudo certbot renew{of_name}", "sudo systemctl reload nginx")
# Whose it is and for which names, and who has issued it: by its issuer it is known who renews it.
_RELOADED = "sudo nginx -t && sudo systemctl reload nginx"
_CERTIFICATE = ("sudo openssl x509 -noout -subject -issuer -dates -ext subjectAltName -in {where}", _RELOADED)
_CERTIFICATES = ('for f in {glob}; do sudo openssl x509 -noout -subject -issuer -dates -in "$f"; done', _RELOADED)
_CERTBOTS = "/etc/letsencrypt/"
_CERTBOT_NAME = re.compile(r"/etc/letsencrypt/live/(?P<name>[A-Za-z0-9.-]{1,100})/[^/]+")
_CERTBOTS_ISSUER = "Let's Encrypt"
# A pattern that a shell may be given as it is.
_GLOB = re.compile(r"[A-Za-z0-9_./*?-]+")
_HERE = ("127.0.0.1", "localhost", "[::1]")
_PEER = re.compile(r"[A-Za-z0-9.-]{1,253}:\d{1,5}|\[[0-9a-f:]{2,39}\]:\d{1,5}")
_ASKING = ("service", "http", "health_body")
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
    if faults and all(aspect.startswith(_CHANNELS) for aspect in faults):
        return _SEND
    if any(reading.facts.get("state") == _NO_SUCH_UNIT for reading in result.readings):
        return _NAMES
    if result.kind == "tls" and (wanted := _of_certificate(result)):
        return wanted
    state = next((state for each in result.readings if (state := str(each.facts.get("state"))) in _STATES), None)
    if state is not None:
        return _STATES[state]
    own = [_OWN_CHECKS[unit] for each in result.readings if (unit := str(each.facts.get("unit"))) in _OWN_CHECKS]
    reasons = {str(each.facts.get("reason")) for each in result.readings if each.status.severity == worst}
    more = [command for reason in reasons & _REASONS.keys() for command in _REASONS[reason] if result.kind in _ASKING]
    return (*own[:1], *next((_FAULTS[aspect] for aspect in faults if aspect in _FAULTS), _COMMANDS.get(result.kind, ())), *more)


def _of_certificate(result: CheckResult) -> tuple[str, ...]:
    """Return what to type about a certificate in a file, or one that certbot renews; nothing about any other."""
    for reading in sorted(result.readings, key=lambda reading: -reading.status.severity):
        where = str(reading.facts.get("where", ""))
        if where.startswith(_CERTBOTS) or str(reading.facts.get("issuer")) == _CERTBOTS_ISSUER:
            return _CERTBOT
        if where.startswith("/"):
            return _CERTIFICATES if any(sign in where for sign in "*?") else _CERTIFICATE
    return ()


def _facts(result: CheckResult) -> dict[str, Public]:
    """Return the facts that everybody may know, the worst reading's where several have one, as a shell takes them."""
    readings = sorted(result.readings, key=lambda reading: reading.status.severity)
    public = [(key, fact) for reading in readings for key, fact in reading.facts.items() if isinstance(fact, Public)]
    facts = {key: configured(shlex.quote(fact)) for key, fact in public}
    asked = [reading.facts.get("health", reading.facts.get("address")) for reading in readings]
    address = next((each for each in reversed(asked) if each is not None), None)
    if isinstance(address, Public) and result.status is not Status.OK:
        facts["curl"] = _for_curl(address)
        facts["host"] = configured(shlex.quote(urlsplit(address).hostname or "localhost"))
    return facts | _made({key: str(fact) for key, fact in public})


def _made(said: Mapping[str, str]) -> dict[str, Public]:
    """Return what a command needs that is a part of a fact, or more than it."""
    where, pattern = said.get("where", ""), said.get("pattern", said.get("file", ""))
    certbot = _CERTBOT_NAME.fullmatch(where)
    made = {"of_name": fill(" --cert-name {name}", name=configured(certbot["name"])) if certbot else NOTHING}
    if _GLOB.fullmatch(where):
        made["glob"] = configured(where)
    peer = said.get("server", where)
    if _PEER.fullmatch(peer):
        made["peer"] = configured(peer)
        made |= {"of_nginx": NOTHING} if peer.rpartition(":")[0] in _HERE else {}
    folder = pattern.rpartition("/")[0]
    if folder and not any(sign in folder for sign in "*?["):
        made["folder"] = configured(shlex.quote(folder))
    return made


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
