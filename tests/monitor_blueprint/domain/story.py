"""A story of health checks in a few words, for tests that read as tables.

Every cycle says how the checks are that are not well; what is told comes back as one line per event:
"opened Flask [Flask, Django*, Disk?]" is about Flask; failing are Flask, as a consequence Django, and Disk is unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from monitor_blueprint.domain.incidents import IncidentRules, acknowledge, advance
from monitor_blueprint.domain.models import CheckPolicy, CheckResult, CheckState, Event, Reading, Silence, State, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.domain.thresholds import judge

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INTERVAL_S = 300.0
STACK = (
    CheckPolicy("Nginx", depends_on=("Django",)),
    CheckPolicy("Django", depends_on=("Flask",)),
    CheckPolicy("Flask"),
    CheckPolicy("Disk"),
)

_UNIT_OK = Reading("unit")
_WORDS: dict[str, tuple[Reading, ...]] = {
    "ok": (_UNIT_OK, Reading("http")),
    "warning": (_UNIT_OK, Reading("http", Status.WARNING)),
    "stopped": (Reading("unit", Status.CRITICAL),),
    "502": (_UNIT_OK, Reading("http", Status.CRITICAL, is_symptom=True)),
    "slow": (_UNIT_OK, Reading("http", Status.CRITICAL)),
    "unknown": (Reading("probe", Status.UNKNOWN),),
    "starting": (Reading("unit", Status.CRITICAL, is_settling=True),),
    "ill": (Reading("entries", Status.CRITICAL, is_self_report=True),),
    "blaming": (Reading("blamed", Status.CRITICAL, is_symptom=True, is_settling=True, is_self_report=True),),
    "naming": (Reading("restarts", Status.CRITICAL, facts={"unit": Public("flask")}),),
    "warming": (_UNIT_OK, Reading("http", Status.CRITICAL, is_symptom=True, is_settling=True)),
}


def readings(word: str) -> tuple[Reading, ...]:
    """Return what the probe of a service sees when it is as the word says."""
    return _WORDS[word]


def line(event: Event) -> str:
    """Return the event as a line of the story."""
    marks = dict.fromkeys(event.consequences, "*") | dict.fromkeys(event.blind, "?")
    failing = ", ".join(name + marks.get(name, "") for name in event.failing)
    return f"{event.kind} {', '.join(event.checks)} [{failing}]"


class Story:
    """A monitor whose clock and whose results the test decides."""

    def __init__(
        self,
        policies: Sequence[CheckPolicy] = STACK,
        rules: IncidentRules | None = None,
        grace_s: float = 10.0,
    ) -> None:
        self.policies = tuple(policies)
        self.rules = rules or IncidentRules()
        self.grace_s = grace_s
        self.now = START
        self.state = State()
        self.silences: list[Silence] = []
        self.events: tuple[Event, ...] = ()
        self.began_at: datetime | None = None
        self.is_counted = False

    def cycle(self, after_s: float = INTERVAL_S, **words: str) -> list[str]:
        """Check everything; checks that are not named are well, and "nothing" is a check without a result."""
        return self.see(words, after_s)

    def see(self, words: Mapping[str, str], after_s: float = INTERVAL_S) -> list[str]:
        """Do what `cycle` does, with the words in a mapping."""
        seen = {policy.name: words.get(policy.name, "ok") for policy in self.policies}
        return self._advance(after_s, {name: word for name, word in seen.items() if word != "nothing"}, is_complete=True)

    def partial(self, after_s: float = 1.0, **words: str) -> list[str]:
        """Check only the checks that are named."""
        return self._advance(after_s, words, is_complete=False)

    def rounds(self, number: int, after_s: float = INTERVAL_S, **words: str) -> list[str]:
        """Check everything several times."""
        return [notified for _ in range(number) for notified in self.cycle(after_s, **words)]

    def silence(self, check: str, minutes: float) -> None:
        """Silence a check from now on."""
        self.silences.append(Silence(check, self.now, self.now + timedelta(minutes=minutes)))

    def ack(self) -> None:
        """Somebody takes care of the incident."""
        self.state = acknowledge(self.state, "lee", self.now)

    def _advance(self, after_s: float, words: Mapping[str, str], *, is_complete: bool) -> list[str]:
        self.now += timedelta(seconds=after_s)
        # Whatever happens next happens to a monitor that was just started again.
        self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=State)
        results = [CheckResult(name, "service", self._readings(word), self.now) for name, word in words.items()]
        judged = [judge(result, self.state.checks.get(result.check, CheckState()), self.now, self.grace_s) for result in results]
        self.state, self.events = advance(
            self.state, judged, self.policies, self.silences, self.now, self.rules, is_complete=is_complete
        )
        return [line(event) for event in self.events]

    def _readings(self, word: str) -> tuple[Reading, ...]:
        """Return what is seen; what is wrong says itself that it began at `began_at`."""
        return tuple(self._dated(each) if each.status is Status.CRITICAL else each for each in readings(word))

    def _dated(self, reading: Reading) -> Reading:
        return replace(reading, began_at=self.began_at, is_counted=self.is_counted)
