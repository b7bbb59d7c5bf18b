"""A machine on which everything that can speak says what must not be known: each source with a mark of its own."""

from __future__ import annotations

import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Of all that comes out nothing may have any of these in it.
NAME, NUMBER, WIDE = "홍길동", "900101-1234567", "９００１０１－１２３４５６７"
MARKUP = "<script>alert(1)</script> <!channel> *굵게* {{ 7*7 }} %s {0} {name.__class__}"
CONTROL = "\x1b[31m \u202e \u2028 \x00"
FORBIDDEN = (
    NAME,
    "%ED%99%8D",
    "900101",
    "1234567",
    "９００",
    "<script",
    "&lt;script",
    "!channel",
    "굵게",
    "\x1b[31",
    "\u202e",
    "Zq7",
)
# What a file name, a header or a certificate can say of it.
SHORT = f"{NAME} {NUMBER} <script>"


def says(source: str) -> str:
    """Return what a source says; its mark tells which one it was."""
    return f"Zq7{source} 환자 {NAME} {NUMBER} {WIDE} {MARKUP} {CONTROL}"


class Speaker:
    """A server that answers every connection with the same bytes, after it has read a request's head."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None = None) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError), tls.wrap_socket(self.request, server_side=True) if tls else self.request as connection:
                    connection.settimeout(5)
                    connection.recv(65536)
                    connection.sendall(answer)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def http(source: str, body: str | Mapping[str, Any] = "", status: int = 200, more: str = "") -> bytes:
    """Return an answer with words of the server's own in every place that there is."""
    text = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
    head = [f"HTTP/1.1 {status} Zq7{source}reason {SHORT}", f"X-Patient: Zq7{source}header {SHORT}", f"broken Zq7{source} line"]
    return "\r\n".join([*head, f"{more}Content-Length: {len(text)}", "", ""]).encode() + text


PROBE = """
import msgspec
from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation

SAID = {said!r}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    what: str


def probe(options, context):
    if options.what == "raises":
        raise KeyError(SAID)
    if options.what == "could not look":
        raise ProbeError(SAID)
    if options.what == "exits":
        raise SystemExit(SAID)
    if options.what == "returns nonsense":
        return SAID
    if options.what == "has an aspect":
        return Observation((Reading(SAID, Status.CRITICAL, value=1.0, unit=SAID),))
    if options.what == "remembers":
        facts = {{"reason": context.checkpoint.get("x", SAID)}}
        return Observation((Reading("thing", Status.CRITICAL, facts=facts),), {{"x": SAID}})
    facts = {{"reason": SAID, SAID: SAID, "state": SAID, "path": SAID}}
    return Observation((Reading("thing", Status.CRITICAL, facts=facts),))
"""
NOTIFIER = """
import msgspec
from monitor_blueprint.notifiers import Refused, Retry

SAID = {said!r}
ENVIRONMENT = ("PAGER_KIND",)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


def is_configured(options, environ):
    return bool(environ.get("PAGER_KIND"))


def check(options, environ):
    return []


def send(message, options, environ, timeout_s):
    if environ["PAGER_KIND"] == "raises":
        raise ValueError(SAID)
    return Refused(SAID)
"""
# Programs are looked for here first, and kinds of checks and of channels as well.
CUSTOMIZE = """
from monitor_blueprint import notifiers, probes
from monitor_blueprint.adapters import command

command._ENVIRONMENT["PATH"] = {programs!r} + ":" + command._ENVIRONMENT["PATH"]
probes.__path__.append({probes!r})
notifiers.__path__.append({notifiers!r})
"""
# Stands in for programs that print what others have written: the journal, the package manager.
PROGRAM = r"""#!{python}
import json, sys
from pathlib import Path

name, argv = Path(sys.argv[0]).name, sys.argv[1:]
folder = Path(sys.argv[0]).parent
if (folder / "fails").exists():
    sys.stderr.write((folder / "fails").read_text())
    sys.exit(1)
if name == "apt-get":
    print((folder / "packages").read_text())
    sys.exit()
units = [word.partition("=")[2] for word in argv if word.startswith("--unit=")]
for line in (folder / "journal").read_text().split("\n")[:-1]:
    entry = json.loads(line)
    of_unit = entry.get("_SYSTEMD_UNIT") in units or (entry.get("_PID") == "1" and entry.get("UNIT") in units)
    if (of_unit if units else entry.get("_TRANSPORT") == "kernel" or "_TRANSPORT=kernel" not in argv):
        print(entry["MESSAGE"] if "cat" in argv else line)
"""


def entry(number: int, message: str, **fields: str) -> dict[str, Any]:
    at = str(int((time.time() - 60 + number) * 1e6))
    return {"__CURSOR": f"s={number}", "__REALTIME_TIMESTAMP": at, "MESSAGE": message, "PRIORITY": "3", **fields}


def journal_lines() -> Iterator[dict[str, Any]]:
    """What programs, systemd and the kernel have written: forged, quoted and named by others."""
    flask = {"_SYSTEMD_UNIT": "gunicorn_flask.service", "_PID": "4711", "_TRANSPORT": "stdout"}
    yield entry(1, f"GET /x%20systemd[1]:%20{says('forged')} HTTP/1.1", SYSLOG_IDENTIFIER="gunicorn", **flask)
    yield entry(2, says("program"), SYSLOG_IDENTIFIER=says("identifier"), **flask)
    yield entry(3, f"Zq7class.HongGildongError: {NAME}; ValueError: {says('exception')}", **flask)
    forged = {"UNIT": says("unit"), "MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15", "EXIT_STATUS": NUMBER}
    yield entry(4, says("field"), **flask, **forged)
    systemd = {"UNIT": "gunicorn_flask.service", "_PID": "1", "_TRANSPORT": "journal", "SYSLOG_IDENTIFIER": "systemd"}
    yield entry(5, f"Starting gunicorn_flask.service - {says('description')}...", **systemd)
    yield entry(6, f"gunicorn_flask.service: {says('status')}", **systemd)
    exited = {"MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15", "EXIT_CODE": "exited", "EXIT_STATUS": "3"}
    yield entry(7, says("exit"), **systemd, **exited)
    bad = {"MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15", "EXIT_CODE": says("code"), "EXIT_STATUS": says("number")}
    yield entry(8, says("exit"), **systemd, **bad)
    yield entry(9, says("x"), **systemd, MESSAGE_ID="d9b373ed55a64feb8242e02dbe79a49c", UNIT_RESULT=says("result"))
    yield entry(10, says("x"), **systemd, MESSAGE_ID="5eb03494b6584870a536b337290809b3", N_RESTARTS="9001011234567")
    binary = entry(11, "", **flask)
    yield binary | {"MESSAGE": list(says("binary").encode() + b"\xff")}
    yield entry(12, "", **flask) | {"MESSAGE": [says("twice"), says("twice")]}
    comm = f"{NAME}) tot"
    yield entry(13, f"oom-kill:task_memcg=/system.slice/{NAME}.service,task={comm},pid=900,uid=0", _TRANSPORT="kernel")
    killed = f"Out of memory: Killed process 900 ({comm}) total-vm:812345kB, anon-rss:512000kB, file-rss:0kB"
    yield entry(14, killed, _TRANSPORT="kernel")
    yield entry(15, f"usb 1-1: Product: {says('kernel')} Killed process", _TRANSPORT="kernel")
    yield entry(16, f"Killed process 1 (x) {says('forgedkernel')}", **flask)


class Machine:
    """The files, servers and programs of the machine, and the configuration of a monitor that looks at all of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.speakers: list[Speaker] = []
        self.programs = directory / "programs"
        self.checks: list[str] = []
        for name in ("programs", "probes", "notifiers", "backups", "certificates", "nginx", "python"):
            (directory / name).mkdir()
        self._install()
        self._checks()

    def speak(self, answer: bytes, tls: ssl.SSLContext | None = None) -> Speaker:
        self.speakers.append(Speaker(answer, tls))
        return self.speakers[-1]

    def environ(self) -> dict[str, str]:
        return {"NEURONOVA_CONFIG": str(self.directory / "monitor.toml"), "PYTHONPATH": f"{self.directory / 'python'}:{ROOT}"}

    def fail(self) -> None:
        """Let every program of the machine fail from now on, and say why in words of its own."""
        (self.programs / "fails").write_text(says("stderr"))

    def close(self) -> None:
        for speaker in self.speakers:
            speaker.close()

    def _install(self) -> None:
        folders = {name: str(self.directory / name) for name in ("programs", "probes", "notifiers")}
        (self.directory / "python" / "sitecustomize.py").write_text(CUSTOMIZE.format(**folders))
        (self.directory / "probes" / "hostile.py").write_text(PROBE.format(said=says("probe")))
        (self.directory / "notifiers" / "pager.py").write_text(NOTIFIER.format(said=says("channel")))
        for name in ("journalctl", "apt-get"):
            path = self.programs / name
            path.write_text(PROGRAM.format(python=sys.executable))
            path.chmod(0o755)
        lines = [json.dumps(each, ensure_ascii=False) for each in journal_lines()]
        (self.programs / "journal").write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")
        package = f"Inst Zq7package-{NAME} [1] (2 Debian-Security:12/stable-security [amd64])"
        (self.programs / "packages").write_text(package)

    def _check(self, name: str, kind: str, **options: object) -> None:
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in options.items()]
        self.checks.append("\n".join(["[[check]]", f'name = "{name}"', f'kind = "{kind}"', "interval_s = 0", *lines]))

    def _checks(self) -> None:
        self._web()
        self._certificates()
        self._files()
        for what in ("raises", "could not look", "exits", "returns nonsense", "has an aspect", "remembers", "has facts"):
            self._check(f"Plugin-{what.replace(' ', '-')}", "hostile", what=what)
        for unit in ("gunicorn_flask", "nginx"):
            self._check(unit, "service", unit=unit)
        self._check("Restarts", "restarts", units=["gunicorn_flask", "nginx"])
        self._check("Journal", "journal", units=["gunicorn_flask"], warning=0.1, critical=0.2)
        self._check("Updates", "updates", lists=str(self.directory))
        settings = f'[monitor]\nlog_dir = "{self.directory}/log"\nstate_dir = "{self.directory}/state"\n\n'
        (self.directory / "monitor.toml").write_text(settings + "\n\n".join(self.checks) + "\n", encoding="utf-8")

    def _web(self) -> None:
        once = {"attempts": 1, "timeout_s": 5}
        for source, answer in {
            "status": http("status", says("body"), 500),
            "redirect": http("redirect", says("body"), 302, f"Location: http://127.0.0.1/Zq7location?{NAME}\r\n"),
            "garbage": f"Zq7garbage {says('garbage')}\r\n\r\n".encode(),
            "cut": http("cut", says("body"))[:-20],
            "charset": http("charset", says("body"), 500, f"Content-Type: text/html; charset=Zq7charset{NAME}\r\n"),
            "encoding": http("encoding", says("body"), 200, "Content-Encoding: gzip\r\n"),
        }.items():
            self._check(f"Site-{source}", "http", url=self.speak(answer).url, **once)
        site = self.speak(http("json", {"ok": says("value")}))
        self._check("Json", "http", url=site.url, **once, **{"expect_json.ok": True})
        self._check("Text", "http", url=site.url, expect_text="fine", **once)
        bodies: dict[str, object] = {
            "words": {"status": "unhealthy", "checks": {"database": f"error: could not save {says('entry')}"}},
            "names": {"status": "unhealthy", "checks": {says("entryname"): "error", f"{NAME}": "error", "HongGildong": "error"}},
            "list": {"status": "DOWN", "checks": [{"name": says("listed"), "status": says("state")}, says("bare")]},
            "status": {"status": says("healthstatus")},
            "word": {"status": "Zq7HongGildong", "checks": {}},
            "nested": {"status": {"x": says("nested")}, "checks": {"db": [{"status": says("deep"), "output": says("output")}]}},
        }
        for source, body in bodies.items():
            self._check(f"Health-{source}", "health_body", url=self.speak(http(source, json.dumps(body, ensure_ascii=False))).url)
        answers: dict[str, dict[str, object]] = {
            "name": {"ok": True, "model_name": says("model")},
            "version": {"ok": True, "model_name": "alzheimer_biomarkers", "model_version": says("version")},
            "class": {
                "ok": True,
                "model_name": "alzheimer_biomarkers",
                "model_version": "1.0.0",
                "prediction": says("prediction"),
            },
            "number": {"ok": 9001011234567},
        }
        for source, said in answers.items():
            self._check(f"Golden-{source}", "golden", url=self.speak(http(source, said)).url)

    def _certificates(self) -> None:
        folder = self.directory / "certificates"
        key, crt = folder / "key.pem", folder / f"Zq7file-{NAME}-{NUMBER}.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-utf8", "-subj", f"/O=Zq7issuer {NAME}/CN=Zq7subject {SHORT}", "-keyout", key, "-out", crt],
            check=True,
            capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self._check("Tls", "tls", port=self.speak(b"x", context).port, verify=True)
        self._check("Tls-garbage", "tls", port=self.speak(says("tls").encode()).port)
        self._check("Tls-files", "tls", file=f"{folder}/*.crt")
        (folder / f"Zq7broken-{NAME}.pem").write_text(says("pem"))
        self._check("Tls-broken", "tls", file=f"{folder}/Zq?broken*.pem".replace("Zq?", "*"))

    def _files(self) -> None:
        backup = self.directory / "backups" / f"Zq7backup-{NAME}-{NUMBER}.sql.gz"
        backup.write_bytes(b"x" * 100)
        os.utime(backup, (time.time() - 4e6,) * 2)
        self._check("Backup", "backup", pattern=f"{self.directory}/backups/*")
        nginx = self.directory / "nginx"
        for name in ("access.log", "error.log"):
            (nginx / name).write_text("")
        self._check("NginxLog", "nginx_log", access=str(nginx / "access.log"), error=str(nginx / "error.log"), least_requests=1)
        (self.directory / "vmstat").write_text("oom_kill 1\n")
        self._check("OutOfMemory", "oom", counter=str(self.directory / "vmstat"), critical=1)
        (self.directory / "rotation").write_text(f'"/var/log/Zq7rotated-{NAME}.log" 2025-12-1-0:0:0\n{says("rotation")}\n')
        self._check("LogRotation", "log_rotation", status=str(self.directory / "rotation"))

    def go_on(self) -> None:
        """Let the counters grow and the logs get new lines."""
        (self.directory / "vmstat").write_text("oom_kill 3\n")
        nginx = self.directory / "nginx"
        asked = f"GET /{NAME}?q={NUMBER} HTTP/1.1"
        request = f'203.0.113.9 - Zq7user [06/Dec/2025:14:31:02 +0900] "{asked}" 502 1 "Zq7referer" "Zq7agent"\n'
        (nginx / "access.log").write_text(request * 30)
        complaint = f"{time.strftime('%Y/%m/%d %H:%M:%S')} [emerg] 1#1: {says('nginxerror')}, client: 203.0.113.9\n"
        (nginx / "error.log").write_text(complaint.replace("\u2028", " "))


@contextmanager
def machine(directory: Path) -> Iterator[Machine]:
    found = Machine(directory)
    try:
        yield found
    finally:
        found.close()
