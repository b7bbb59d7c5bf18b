"""A Debian or Ubuntu machine with systemd, booted from a directory, with a network of its own: loopback and nothing else.

The base system is made by debootstrap once and the Python packages are fetched once; both are kept under `build/box`
by the hash of what they are made from. Every box starts from a fresh copy of the base.
"""

from __future__ import annotations

import email
import email.policy
import fcntl
import hashlib
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CACHE = ROOT / "build" / "box"
# Which release the machine is of, and the Python it has.
SUITE = os.environ.get("BOX_SUITE") or "bookworm"
PYTHONS = {"bookworm": "3.11", "noble": "3.12", "trixie": "3.13"}
# What a server has before NeuroNova comes, and what the tests look with.
PACKAGES = (
    "ca-certificates", "cron", "curl", "dbus", "init", "iproute2", "logrotate", "nginx-light",
    "openssl", "procps", "python3", "python3-venv", "sudo", "systemd", "util-linux",
)  # fmt: skip
# What a machine may have on port 25: their packages lie in /opt/mail, as one of them stands in the way of another.
MAIL_SERVERS = ("exim4-daemon-light", "postfix")
STAND_IN_REQUIREMENTS = ("aiosmtpd==1.4.*",)
ADM = 4  # the group's number on every Debian and Ubuntu
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_Found = TypeVar("_Found")


def missing() -> str:
    """Say why a box cannot be booted here; empty where it can."""
    if os.geteuid() != 0:
        return "booting a box needs root"
    absent = [tool for tool in ("debootstrap", "systemd-nspawn", "nsenter") if shutil.which(tool) is None]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install debootstrap systemd-container"
    return ""


@dataclass
class Result:
    """What a command inside the box did."""

    command: str
    code: int
    output: str

    def __str__(self) -> str:
        """Show the whole of it, for a failed assertion."""
        return f"$ {self.command}\n{self.output}\n-> {self.code}"


@dataclass
class Box:
    """A booted box."""

    tree: Path
    leader: int
    background: list[subprocess.Popen[str]] = field(default_factory=list)

    def command(self, script: str) -> list[str]:
        """Return the command line that runs a shell script inside, as root."""
        return [
            "nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
            "env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "SUDO_USER=",
            "bash", "-uo", "pipefail", "-c", f"cd /root; {script}",
        ]  # fmt: skip

    def run(self, script: str, *, expect: int | None = 0, timeout_s: float = 120) -> Result:
        """Run a shell script inside and return what it printed; any other exit code than expected fails the test."""
        done = subprocess.run(
            self.command(script),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
        result = Result(script, done.returncode, done.stdout)
        assert expect is None or result.code == expect, str(result)
        return result

    def output(self, script: str) -> str:
        """Run a shell script inside and return its output without the last line break."""
        return self.run(script).output.strip()

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start a shell script inside and leave it running."""
        process = subprocess.Popen(
            self.command(f"exec {script}"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.background.append(process)
        return process

    def path(self, path: str) -> Path:
        """Return where a file of the box's disk (not of its /run or /tmp) is found from outside."""
        return self.tree / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        """Write a file inside."""
        self.path(path).write_text(text, encoding="utf-8")

    def records(self, name: str) -> list[dict[str, Any]]:
        """Return what a stand-in has recorded until now: `mail` or `slack`."""
        file = self.path(f"/var/stand-ins/{name}.jsonl")
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]

    def notified(self) -> dict[str, int]:
        """Return how many messages each stand-in has until now, to ask for the `news` since then."""
        return {name: len(self.records(name)) for name in ("mail", "slack")}

    def news(self, since: dict[str, int], channel: str = "slack") -> list[str]:
        """Return the texts that a channel has got since."""
        return [_text(channel, record) for record in self.records(channel)[since[channel] :]]

    def wait_for_news(self, since: dict[str, int], beginning: str, timeout_s: float = 120) -> str:
        """Wait until both channels have got a message that begins like this, and return Slack's."""
        self.wait_until(
            f"both channels get {beginning!r}",
            lambda: all(any(text.startswith(beginning) for text in self.news(since, channel)) for channel in ("slack", "mail")),
            timeout_s,
        )
        return next(text for text in self.news(since) if text.startswith(beginning))

    def last_check(self) -> dict[str, Any]:
        """Return what the monitor says of itself."""
        answer: dict[str, Any] = json.loads(self.output("curl -s http://127.0.0.1:9001/health"))
        return answer

    def wait_for_next_check(self, timeout_s: float = 90) -> None:
        """Wait until a health check that has not begun yet is completed."""
        now = datetime.now(UTC).isoformat()

        def is_newer() -> bool:
            answer = self.run("curl -s http://127.0.0.1:9001/health", expect=None).output
            return answer.startswith("{") and str(json.loads(answer)["last_check_at"]) > now

        self.wait_until("the next health check", is_newer, timeout_s)

    def wait_until(self, what: str, found: Callable[[], _Found], timeout_s: float = 120) -> _Found:
        """Ask until the answer is true, and return it; the test fails when it never is."""
        end = time.monotonic() + timeout_s
        while True:
            answer = found()
            if answer:
                return answer
            assert time.monotonic() < end, f"not within {timeout_s:g} s: {what}"
            time.sleep(0.1)

    def is_active(self, unit: str) -> bool:
        """Tell whether systemd calls the unit active."""
        return self.run(f"systemctl is-active --quiet {unit}", expect=None).code == 0


@contextmanager
def boot(name: str, system: Callable[[Path, Path], Path] = lambda base, _wheels: base, home: str = "/root") -> Iterator[Box]:
    """Boot a fresh box with the project's own files in ~/NeuroNova, and remove it afterwards.

    Boxes of different names may run at the same time. What it is a copy of, `system` says, which is given the base
    system and the wheels.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (CACHE / "lock").open("w") as base_lock:
            fcntl.flock(base_lock, fcntl.LOCK_EX)
            wheels = _wheels()
            origin = system(_base_system(), wheels)
        tree = CACHE / name
        shutil.rmtree(tree, ignore_errors=True)
        call("cp", "-a", "--reflink=auto", str(origin), str(tree))
        _put_project(tree / home.lstrip("/") / "NeuroNova")
        _put_stand_ins(tree)
        (tree / "etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /opt/wheels\n")
        (tree / "etc/hostname").write_text("clinic\n")
        (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 clinic\n::1 localhost\n")
        # As Ubuntu has it, for rsyslog: logrotate is stricter there than with Debian's root:root 0755.
        os.chown(tree / "var/log", 0, ADM)
        (tree / "var/log").chmod(0o775)
        # Without a network there is no name server, and asking one that is not there takes its time.
        (tree / "etc/resolv.conf").unlink(missing_ok=True)
        (tree / "etc/resolv.conf").write_text("")
        nspawn = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "bash", str(HERE / "prepare_and_boot.sh"), str(tree),
             f"--bind-ro={wheels}:/opt/wheels", "--resolv-conf=off", "--timezone=off", "--hostname=clinic"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            box = Box(tree, _leader_of(nspawn))
            box.run("systemctl is-system-running --wait || systemctl --failed", timeout_s=60)
            try:
                yield box
            finally:
                for process in box.background:
                    process.kill()
                    process.communicate()
        finally:
            _shut_down(nspawn)
            shutil.rmtree(tree, ignore_errors=True)


def _leader_of(nspawn: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert nspawn.poll() is None, f"systemd-nspawn ended with {nspawn.returncode}"
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split()
        for child in children:
            command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]
            bus = Path(f"/proc/{child}/root/run/dbus/system_bus_socket")
            if command.endswith(b"/systemd") and bus.exists():
                return int(child)
        time.sleep(0.1)
    raise AssertionError("the box did not boot within 30 s")


def _shut_down(nspawn: subprocess.Popen[bytes]) -> None:
    if nspawn.poll() is None:
        nspawn.send_signal(signal.SIGTERM)  # nspawn passes it on as an orderly power-off
        try:
            nspawn.wait(timeout=60)
        except subprocess.TimeoutExpired:
            nspawn.kill()
            nspawn.wait()


def _base_system() -> Path:
    base = CACHE / f"base-{digest(SUITE, *PACKAGES, *MAIL_SERVERS)}"
    if not base.exists():
        partial = base.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        # On Debian some of the packages are nowhere but in main, on Ubuntu (noble) in universe.
        components = "main,universe" if SUITE == "noble" else "main"
        call(
            "debootstrap", "--variant=minbase", f"--components={components}", f"--include={','.join(PACKAGES)}",
            SUITE, str(partial),
        )  # fmt: skip
        for name in MAIL_SERVERS:
            (partial / "opt/mail" / name / "partial").mkdir(parents=True)
            call(
                "chroot", str(partial), "apt-get", "-qq", "--no-install-recommends", "--download-only",
                f"-oDir::Cache::archives=/opt/mail/{name}", "install", name,
            )  # fmt: skip
        shutil.rmtree(partial / "var/cache/apt/archives")
        partial.rename(base)
    return base


def _wheels() -> Path:
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    site = (ROOT / "examples/django/requirements.txt").read_text(encoding="utf-8")
    wheels = CACHE / f"wheels-{digest(PYTHONS[SUITE], locked, site, *STAND_IN_REQUIREMENTS)}"
    if not wheels.exists():
        partial = wheels.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for file in ("requirements.txt", "examples/django/requirements.txt"):
            # For the box's Python, whichever this one is: pip minds it for the wheels, but not for conditions such as
            # `python_full_version < '3.12'`.
            own = str(partial / "requirements.txt")
            call(
                sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes",
                f"--python-version={PYTHONS[SUITE]}", f"--output-file={own}", str(ROOT / file),
            )  # fmt: skip
            _download(partial, "--requirement", own)
            Path(own).unlink()
        # What is not locked cannot be asked for together with what is.
        _download(partial, *STAND_IN_REQUIREMENTS)
        partial.rename(wheels)
    return wheels


def _download(target: Path, *wanted: str) -> None:
    platforms = [f"--platform=manylinux{glibc}_x86_64" for glibc in ("2014", "_2_17", "_2_28", "_2_34")]
    call(
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
        f"--python-version={PYTHONS[SUITE]}", "--implementation=cp", *platforms, f"--dest={target}", *wanted,
    )  # fmt: skip


def _put_project(target: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    owner = target.parent.stat()
    call("chown", "-R", f"{owner.st_uid}:{owner.st_gid}", str(target))


def _put_stand_ins(tree: Path) -> None:
    home = tree / "opt" / "stand-ins"
    home.mkdir(exist_ok=True)
    for name in ("stand_ins.py", "load.py"):
        shutil.copy2(HERE / name, home / name)
    (tree / "var/stand-ins").mkdir()


def _text(channel: str, record: dict[str, Any]) -> str:
    if channel == "slack":
        return html.unescape(str(record["text"]))
    message = email.message_from_string(record["raw"], policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def digest(*parts: str) -> str:
    """Name what something is made from."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def call(*command: str) -> None:
    """Run a command outside of the box."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=900)
