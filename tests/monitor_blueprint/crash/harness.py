"""Runs the monitor, kills it, and holds what each receiver has been told against what was true."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko
from tests.monitor_blueprint.standins import HttpStandIn, Mail, MailStandIn, Post, Reply

RECIPIENTS = ("a@example.com", "b@example.com")
# Longer than the monitor waits for a word.
STALL_S = 1.3
LATE_S = 0.3


@dataclass(frozen=True)
class Arrival:
    """A message that a receiver has taken: the events that it tells, those it only recalls, and whether it said so at once."""

    told: list[str]
    recalled: list[str]
    head: str
    is_marked: bool
    is_acknowledged: bool


@dataclass
class Receiver:
    arrivals: list[Arrival] = field(default_factory=list)

    def take(self, text: str, *, is_acknowledged: bool) -> None:
        body, _, id_ = text.strip().rpartition("id: ")
        body, _, recalled = body.partition(ko.UNSURE_EVENTS)
        # What says how things stand tells no event anew.
        told = re.findall(r"^--- .* · (\d+-\w+)", body, re.MULTILINE) or [id_] * (not id_.startswith("standing-"))
        names = re.findall(r"· (\d+-\w+) ·", recalled)
        is_marked = ko.REPEATED in text
        self.arrivals.append(Arrival(told, names, body.partition("]")[0][1:], is_marked, is_acknowledged))

    @property
    def first(self) -> list[str]:
        """The events in the order in which they were first told."""
        return list(dict.fromkeys(id_ for each in self.arrivals for id_ in each.told))

    @property
    def known(self) -> set[str]:
        return {id_ for each in self.arrivals for id_ in (*each.told, *each.recalled)}

    @property
    def belief(self) -> str:
        return self.arrivals[-1].head if self.arrivals else "OK"

    def recoveries_without_opening(self) -> list[str]:
        seen: set[str] = set()
        found = []
        for each in self.arrivals:
            seen.update(each.told, each.recalled)
            found += [id_ for id_ in each.told if id_.endswith("recovered") and f"{id_.partition('-')[0]}-opened" not in seen]
        return found

    def repeats(self) -> tuple[int, int, int]:
        """How many events came again; how many of them though they were acknowledged; in how many messages without a mark."""
        seen: set[str] = set()
        acknowledged: set[str] = set()
        again = for_nothing = unmarked = 0
        for each in self.arrivals:
            again += len(seen & set(each.told))
            for_nothing += len(acknowledged & set(each.told))
            unmarked += bool(seen & set(each.told)) and not each.is_marked
            seen.update(each.told)
            if each.is_acknowledged:
                acknowledged.update(each.told)
        return again, for_nothing, unmarked


@dataclass(frozen=True)
class Report:
    kills: int
    incidents: int
    expected: list[str]
    receivers: dict[str, Receiver]
    in_doubt: dict[str, set[str]]
    fates: dict[str, int]
    trouble: list[str]

    @property
    def wrong_beliefs(self) -> list[str]:
        """At the end nothing fails, and the last that each receiver knows of is the last recovery."""
        return [name for name, each in self.receivers.items() if each.belief != "OK" or self.expected[-1] not in each.known]

    @property
    def lost(self) -> list[tuple[str, str]]:
        """What a receiver was never told of, though the monitor believes it was: not what it says to be in doubt."""
        return [
            (name, id_)
            for name, each in self.receivers.items()
            for id_ in self.expected
            if id_ not in each.known and id_ not in self.in_doubt[name]
        ]

    @property
    def never_arrived(self) -> int:
        return sum(id_ not in each.known for each in self.receivers.values() for id_ in self.expected)

    @property
    def out_of_order(self) -> list[str]:
        return [name for name, each in self.receivers.items() if each.first != [i for i in self.expected if i in each.first]]

    @property
    def recoveries_without_opening(self) -> list[tuple[str, str]]:
        return [(name, id_) for name, each in self.receivers.items() for id_ in each.recoveries_without_opening()]

    @property
    def repeats(self) -> tuple[int, int, int]:
        again, for_nothing, unmarked = zip(*(each.repeats() for each in self.receivers.values()), strict=True)
        return sum(again), sum(for_nothing), sum(unmarked)

    @property
    def told(self) -> int:
        return len(self.expected) * len(self.receivers)

    @property
    def share_for_nothing(self) -> float:
        return self.repeats[1] / self.told

    @property
    def faults(self) -> list[str]:
        named = ("wrong_beliefs", "lost", "out_of_order", "recoveries_without_opening", "trouble")
        found = [f"{name}: {value}" for name in named if (value := getattr(self, name))]
        return found + ([f"unmarked repeats: {self.repeats[2]}"] if self.repeats[2] else [])


class Receivers:
    """Slack, and a mail server with two recipients: half the time each fails, in one of many ways."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        # Who is dead hears nothing of what was accepted.
        self.is_heard = False
        self.found = {"slack": Receiver(), **{name: Receiver() for name in RECIPIENTS}}
        self.fates: dict[str, int] = {}

    def answer_slack(self, post: Post) -> Reply:
        fate = self._fate("429", "500", "404", "403", "not ok", "a page", "cut", "taken, cut", "taken, late", "taken, silent")
        if fate in ("", "taken, cut", "taken, late", "taken, silent"):
            self.found["slack"].take(post.text, is_acknowledged=not fate and self.is_heard)
        if fate in ("taken, late", "taken, silent"):
            time.sleep(LATE_S if fate == "taken, late" else STALL_S)
        replies = {
            "429": Reply(429, "rate_limited", {"Retry-After": "0"}),
            "500": Reply(500, "rollup_error"),
            "404": Reply(404, "no_service"),
            "403": Reply(403, "invalid_token"),
            "not ok": Reply(200, '{"ok":false,"error":"fatal"}'),
            "a page": Reply(200, "<html>log in first</html>"),
            "cut": Reply(is_cut=True),
            "taken, cut": Reply(is_cut=True),
            "taken, silent": Reply(is_cut=True),
        }
        return replies.get(fate, Reply())

    def answer_recipient(self, address: str) -> str:
        return self._fate("450 greylisted", "550 no such user", share=0.2) or "250 OK"

    def answer_mail(self, mail: Mail) -> str:
        fate = self._fate("451 later", "421 going down", "554 refused", "cut", "taken CUT", "taken LATE")
        if not fate or fate.startswith("taken"):
            for name in mail.recipients:
                self.found[name].take(mail.text, is_acknowledged=not fate and self.is_heard)
        if fate in ("cut", "taken CUT"):
            return "250 CUT"
        return "250 OK LATE" if fate == "taken LATE" else fate or "250 OK"

    def _fate(self, *failures: str, share: float = 0.5) -> str:
        with self._lock:
            fate = self._random.choice(failures) if self._random.random() < share else ""
            self.fates[fate or "well"] = self.fates.get(fate or "well", 0) + 1
            return fate


def run(path: Path, kills: int, incidents: int, seed: int) -> Report:
    """Kill a monitor `kills` times and until it has had that many incidents, then let it finish."""
    chance = random.Random(seed)
    receivers = Receivers(seed)
    done = 0
    trouble: list[str] = []
    with HttpStandIn(receivers.answer_slack) as slack, MailStandIn(receivers.answer_mail, receivers.answer_recipient) as mail:
        mail.late_s = LATE_S
        own = {"ALERT_EMAIL": ",".join(RECIPIENTS), "SLACK_WEBHOOK": slack.url, "NO_PROXY": "127.0.0.1"}
        environ = {**os.environ, **mail.environ, **own}
        while done < kills or _last_incident(path) < incidents:
            # One in five is killed while it starts, the others at work.
            if chance.random() < 0.2:
                _live(path, 1_000_000, environ, receivers, is_awaited=False, lifetime_s=chance.uniform(0.0, 0.6))
            else:
                _live(path, 1_000_000, environ, receivers, is_awaited=True, lifetime_s=chance.uniform(0.0, 2.0))
            done += 1
        last = _last_incident(path)
        said = _live(path, last, environ, receivers, is_awaited=True, lifetime_s=None)
        if said != ["ready", "done"]:
            trouble = said
    expected = [f"{number}-{kind}" for number in range(1, last + 1) for kind in ("opened", "recovered")]
    in_doubt = {name: _in_doubt(path, name) for name in receivers.found}
    return Report(done, last, expected, receivers.found, in_doubt, receivers.fates, trouble)


def _live(
    path: Path, last: int, environ: dict[str, str], receivers: Receivers, *, is_awaited: bool, lifetime_s: float | None
) -> list[str]:
    """Start the monitor and kill it after `lifetime_s`, or wait for its end; return what it said."""
    command = [sys.executable, "-m", "tests.monitor_blueprint.crash.monitor", str(path), str(last)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    receivers.is_heard = True
    with process:
        said = [process.stdout.readline().strip()] if is_awaited and process.stdout else []
        if lifetime_s is not None:
            try:
                process.wait(lifetime_s)
            except subprocess.TimeoutExpired:
                receivers.is_heard = False
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


def _in_doubt(path: Path, name: str) -> set[str]:
    """The events that the history says nobody acknowledged."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT event.id FROM event JOIN delivery ON event.number BETWEEN first AND last"
            " WHERE state = 'in_doubt' AND (channel = ? OR receiver = ?)",
            (name, name),
        )
        return {id_ for (id_,) in rows}
