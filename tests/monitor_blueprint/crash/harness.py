"""Runs the monitor, kills it, and counts what has arrived."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from monitor_blueprint.storage.store import Store
from tests.monitor_blueprint.standins import HttpStandIn, Mail, MailStandIn, Post, Reply


@dataclass
class Arrivals:
    """What one channel accepted: ids in order, each with whether the monitor was told so."""

    all: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def first(self) -> list[str]:
        return list(dict.fromkeys(id_ for id_, _ in self.all))

    @property
    def sent_again_for_nothing(self) -> list[str]:
        """Accepted once more after the channel had said so: the kill fell between its answer and the mark."""
        said: dict[str, int] = defaultdict(int)
        found = []
        for id_, was_said in self.all:
            if said[id_]:
                found.append(id_)
            said[id_] += was_said
        return found


@dataclass(frozen=True)
class Report:
    kills: int
    incidents: int
    expected: list[str]
    arrivals: dict[str, Arrivals]
    requests: int
    failures: int
    trouble: list[str]

    @property
    def lost(self) -> list[tuple[str, str]]:
        return [(name, id_) for name, got in self.arrivals.items() for id_ in self.expected if id_ not in set(got.first)]

    @property
    def out_of_order(self) -> list[str]:
        return [name for name, got in self.arrivals.items() if got.first != self.expected]

    @property
    def twice(self) -> list[str]:
        return [id_ for got in self.arrivals.values() for id_ in got.sent_again_for_nothing]

    @property
    def share_twice(self) -> float:
        return len(self.twice) / (len(self.expected) * len(self.arrivals))


class Channels:
    """Slack and the mail server: half the time each fails, in one of many ways."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.arrivals = {"slack": Arrivals(), "email": Arrivals()}
        self.requests = 0
        self.failures = 0

    def answer_slack(self, post: Post) -> Reply:
        id_ = post.text.rpartition("id: ")[2]
        fate = self._fate(("429", "500", "cut", "accept and cut"))
        if fate in ("", "accept and cut"):
            self.arrivals["slack"].all.append((id_, not fate))
        replies = {
            "": Reply(),
            "429": Reply(429, "rate_limited", {"Retry-After": "0"}),
            "500": Reply(500, "rollup_error"),
        }
        return replies.get(fate, Reply(is_cut=True))

    def answer_mail(self, mail: Mail) -> str:
        id_ = mail.parsed["Message-ID"].strip("<>").partition("@")[0]
        fate = self._fate(("451 later", "421 going down", "cut", "accept and cut"))
        if fate in ("", "accept and cut"):
            self.arrivals["email"].all.append((id_, not fate))
        if fate.endswith("cut"):
            return "250 CUT"
        return fate or "250 OK"

    def _fate(self, failures: tuple[str, ...]) -> str:
        with self._lock:
            self.requests += 1
            if self._random.random() < 0.5:
                return ""
            self.failures += 1
            return self._random.choice(failures)


def run(path: Path, kills: int, incidents: int, seed: int) -> Report:
    """Kill a monitor `kills` times and until it has had that many incidents, then let it finish."""
    chance = random.Random(seed)
    channels = Channels(seed)
    done = 0
    trouble: list[str] = []
    with HttpStandIn(channels.answer_slack) as slack, MailStandIn(channels.answer_mail) as mail:
        environ = {**os.environ, **mail.environ, "SLACK_WEBHOOK": slack.url, "NO_PROXY": "127.0.0.1"}
        while done < kills or _last_incident(path) < incidents:
            # One in five is killed while it starts, the others at work.
            if chance.random() < 0.2:
                _live(path, 1_000_000, environ, is_awaited=False, lifetime_s=chance.uniform(0.0, 0.6))
            else:
                _live(path, 1_000_000, environ, is_awaited=True, lifetime_s=chance.uniform(0.0, 0.5))
            done += 1
        last = _last_incident(path)
        said = _live(path, last, environ, is_awaited=True, lifetime_s=None)
        if said != ["ready", "done"]:
            trouble = said
    expected = [f"{number}-{kind}" for number in range(1, last + 1) for kind in ("opened", "recovered")]
    return Report(done, last, expected, channels.arrivals, channels.requests, channels.failures, trouble)


def _live(path: Path, last: int, environ: dict[str, str], *, is_awaited: bool, lifetime_s: float | None) -> list[str]:
    """Start the monitor and kill it after `lifetime_s`, or wait for its end; return what it said."""
    command = [sys.executable, "-m", "tests.monitor_blueprint.crash.monitor", str(path), str(last)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        said = [process.stdout.readline().strip()] if is_awaited and process.stdout else []
        if lifetime_s is not None:
            try:
                process.wait(lifetime_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=300)
        said += rest.split("\n")[:-1]
    if process.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"the monitor ended with {process.returncode}: {said}")
    return said


def _last_incident(path: Path) -> int:
    with Store(path) as store:
        assert not store.problem, store.problem
        assert not store.notes()
        return store.reads.state().last_incident_number
