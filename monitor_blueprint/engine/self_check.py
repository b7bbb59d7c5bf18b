"""The monitor's look at itself: the one place that says what is wrong with it, for the log, the page, `/health` and `status`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor_blueprint.alerts.channel_health import Health
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.config import SELF_CHECK, Config
from monitor_blueprint.config.in_use import Watched
from monitor_blueprint.domain.answers import public_words
from monitor_blueprint.domain.incidents import ROUND_S
from monitor_blueprint.domain.models import CheckResult, Event, EventKind, Facts, Reading, Scalar, Status
from monitor_blueprint.domain.story import StoryKind
from monitor_blueprint.domain.text import NOTHING, Private, Public, configured, fill, label, private
from monitor_blueprint.storage.reads import RoundRecord
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, ko_config, render
from monitor_blueprint.text.health_log import HealthLog

_KIND = "monitor"
# A damaged database is told of within this time; the outbox remembers for longer that it was.
_LOSS_IS_NEWS_FOR = timedelta(days=1)
# The first health check has this time after the start of the schedule.
_FIRST_TAKES = timedelta(seconds=2 * ROUND_S)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with the monitor itself: `text` is for programs, `sentence` for people.

    `status` is how grave it is for the whole, OK where it changes nothing about that; `aspect` is what of the monitor it is.
    """

    text: Public
    sentence: Public
    status: Status = Status.OK
    aspect: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the monitor: what is wrong with it ("" when nothing is), and how programs are told where not so."""

    aspect: str
    reason: Public
    text: Public = NOTHING
    detail: Private | None = None
    more: Private | None = None
    status: Status = Status.CRITICAL
    facts: Facts = field(default_factory=dict)

    @property
    def reading(self) -> Reading:
        if not self.reason:
            return Reading(self.aspect)
        facts: dict[str, Scalar] = {"reason": self.reason, **self.facts}
        if self.detail is not None:
            facts["reason_text"] = self.detail
        if self.more is not None:
            facts["more_text"] = self.more
        return Reading(self.aspect, self.status, facts=facts)

    def problem(self, now: datetime) -> Problem:
        sentence = render.line(CheckResult(SELF_CHECK, _KIND, (self.reading,), now), self.reading)
        return Problem(self.text or self.reason, sentence, self.status, self.aspect)


def whole(seen: Status, problems: Iterable[Problem]) -> Status:
    """Return how everything is: not well where the last health check was, and something of the monitor has failed since."""
    has_trouble = any(problem.status is not Status.OK for problem in problems)
    return Status.WARNING if seen is Status.OK and has_trouble else seen


class SelfCheck:
    """Knows how the monitor itself is.

    Attributes:
        lock_problem: why there is no lock file, once somebody has tried.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        log: HealthLog,
        outbox: Outbox,
        *,
        config_problem: str = "",
        has_admin_token: bool = True,
        watched: Watched | None = None,
    ) -> None:
        """Take what may be in trouble.

        Args:
            config, store, log, outbox: the monitor's parts.
            config_problem: why a configuration that was changed meanwhile is not in use; for administrators.
            has_admin_token: somebody can be let in.
            watched: the file, held against what the monitor runs by; the configuration's own where it is not given.
        """
        self._config = config
        self._store = store
        self._log = log
        self._outbox = outbox
        self._config_problem = config_problem
        self.lock_problem = NOTHING
        self._has_admin_token = has_admin_token
        self._watched = watched or Watched(config)

    def result(self, now: datetime) -> CheckResult:
        """Return the result of the monitor's own check: a fault of its own is an incident like any other."""
        parts = (*self._parts(), *self._channels(now, is_kept=True))
        return CheckResult(SELF_CHECK, _KIND, tuple(part.reading for part in parts), now)

    def problems(self, now: datetime) -> list[Problem]:
        """Return all that is wrong with the monitor itself, in short."""
        parts = [part.problem(now) for part in self._parts() if part.reason]
        channels = [part.problem(now) for part in self._channels(now) if part.reason]
        return [*parts, *self._settings(now), *channels]

    def is_stalled(self, last: RoundRecord | None, now: datetime) -> bool:
        """Tell whether the schedule stands still: its last health check, if any, is two periods old."""
        is_old = last is None or now - last.started_at > timedelta(minutes=2 * self._config.settings.every_minutes)
        return is_old and not self.is_first_under_way(last, now)

    def is_first_under_way(self, last: RoundRecord | None, now: datetime) -> bool:
        """Tell whether the schedule has just begun, and its first health check has not come to its end."""
        began = self._store.reads.story.last(StoryKind.STARTED)
        if began is None or not timedelta(0) <= now - began.at < _FIRST_TAKES:
            return False
        seen = [check.seen_at for check in self._store.reads.state().checks.values() if check.seen_at is not None]
        return (last is None or last.started_at < began.at) and all(at < began.at for at in seen)

    def loss(self, now: datetime) -> tuple[Event, CheckResult] | None:
        """Return what is to be told once of a damaged database that was moved aside: what it knew may be gone with it.

        It belongs to no incident and heeds no silence: those are what may be gone. The file says that it happened,
        whichever process moved it.
        """
        moved = self._store.last_moved_aside()
        if moved is None or abs(now - moved[1]) >= _LOSS_IS_NEWS_FOR:
            return None
        file, at = moved
        reading = Reading("loss", Status.CRITICAL, facts={"file": configured(file)})
        event = Event(EventKind.OPENED, at, 0, at, (SELF_CHECK,), failing=(SELF_CHECK,))
        return event, CheckResult(SELF_CHECK, _KIND, (reading,), at)

    def _parts(self) -> Iterator[_Part]:
        yield _Part("database", self._store.problem)
        cure = fill(ko.LOG_CURE) if self._log.is_refused else NOTHING
        yield _Part("log", fill("{problem}{cure}", problem=self._log.problem, cure=cure), self._log.problem)
        yield self._configuration()

    def _configuration(self) -> _Part:
        path = configured(self._config.source)
        unusable = fill("{path} was changed and cannot be used", path=path)
        found = self._watched.difference()
        # What could not be used when the monitor took its place may have been put right since.
        if self._config_problem and (not self._config.text or (found is not None and found.fault)):
            why = private(ko_config.fault(self._config_problem))
            return _Part("config", fill(ko.CHECK_CONFIG, path=path), unusable, why)
        if found is None:
            return _Part("config", NOTHING)
        if found.fault:
            told = render.config_fault(found.fault)
            return _Part("config", told, unusable, status=Status.WARNING)
        unused = fill("{path} was changed and is not in use yet", path=path)
        return _Part("config", render.config_unused(path), unused, status=Status.WARNING)

    def _channels(self, now: datetime, *, is_kept: bool = False) -> Iterator[_Part]:
        for name, found in self._outbox.channel_health(now).items():
            if found.health is Health.OK and found.since is None:
                yield _Part(f"channel_{name}", NOTHING)
                continue
            said = public_words(found.reason)
            trouble = render.channel_trouble(found, said, None if is_kept else now)
            where = {f"{name}_server": configured(found.server)} if found.server else {}
            if found.health is Health.OK:
                text = fill("{name}: trying again, {pending} waiting", name=configured(name), pending=found.pending)
                yield _Part(f"trying_{name}", trouble, text, private(found.reason), status=Status.WARNING, facts=where)
                continue
            reason = render.channel_problem(found.health, said)
            text = fill("{name}: {health}", name=configured(name), health=label(found.health))
            yield _Part(f"channel_{name}", reason, text, private(found.reason), Private(trouble), facts=where)

    def _settings(self, now: datetime) -> Iterator[Problem]:
        """Return what nobody is woken for: whoever looks at the monitor shall see it."""
        if self.lock_problem:
            text = fill("no lock file: {reason}", reason=self.lock_problem)
            yield Problem(text, fill(ko.NO_LOCK, reason=self.lock_problem))
        if not self._has_admin_token:
            yield Problem(fill("no administrators' token: nobody is let in"), fill(ko.NOBODY_LET_IN))
        if not self._outbox.channel_names:
            yield Problem(fill("no alert channel is configured"), fill(ko.NO_CHANNEL))
        for name, found in self._outbox.channel_health(now).items():
            if found.remark:
                remark = public_words(found.remark)
                text = fill("{name}: {remark}", name=configured(name), remark=remark)
                yield Problem(text, fill(ko.CHANNEL_REMARK, name=configured(name), remark=remark))
        for each in self._config.replaced:
            yield Problem(each.told, render.replaced(each.kind, each.key, each.told))
        for fault in self._config.faults:
            yield Problem(fault.told, fill(ko.CHANNEL_FAULT, reason=fault.told))
