"""What came of a silent trial so far: each prediction of the served version is in it once, whatever has ended meanwhile."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ml_server.intervals import wilson
from ml_server.silent import ledger
from ml_server.silent.comparing import EDGES, quantile_ms
from ml_server.silent_trial import Trial
from ml_server.storage.silent import Count, Kept, Silent


class Share(msgspec.Struct, frozen=True):
    """A share of answers, with its interval of 95 % (Wilson)."""

    count: int
    of: int
    share: float
    low: float
    high: float


class Pair(msgspec.Struct, frozen=True):
    """How often the served version said one thing, and the other one this."""

    active: str
    candidate: str
    count: int


class Bin(msgspec.Struct, frozen=True):
    """How often answers were apart by at most this, and by more than the bin before; None is without an end."""

    at_most: float | None
    count: int


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds, to the next step of the square root of 2."""

    p50_ms: float | None
    p99_ms: float | None


class Against(msgspec.Struct, frozen=True):
    """The trial against one version that was served meanwhile: of each of its `predictions` there is one count.

    `waiting` have been handed on; `lost` were, and went with a process that ended. The time of `active` is that of the whole
    request; that of `candidate` what the processor took, since it runs when nobody else wants to: its share, where several
    requests were answered together.
    """

    version: str
    digest: str
    predictions: int
    compared: int
    failed: dict[str, int]
    skipped: dict[str, int]
    lost: int
    waiting: int
    agreement: Share | None
    confusion: list[Pair]
    differences: list[Bin]
    active: Latency
    candidate: Latency


class Report(msgspec.Struct, frozen=True):
    """One trial; moments are UTC. `workers` are those that count just now."""

    name: str
    version: str
    digest: str
    started_at: str
    ended_at: str | None
    is_running: bool
    workers: int
    process_starts: int
    problem: str
    against: list[Against]


class _Sums:
    """What the database has, and what is in ledgers still, by the version that was served."""

    def __init__(self, counts: Mapping[Count, int]) -> None:
        self.counts = Counter(counts)
        self.workers = 0

    def add(self, about: ledger.About, counted: ledger.Counted, known: tuple[int, int], *, may_come: bool) -> None:
        active = f"{about.version} {about.digest}"
        accounted, lost = known
        self.counts[Count(active, "seen", "")] += counted.seen
        for reason in ledger.SKIPPED:
            self.counts[Count(active, "skipped", reason)] += getattr(counted, reason)
        self.counts[Count(active, "lost", "")] += lost
        self.counts[Count(active, "waiting" if may_come else "lost", "")] += max(0, counted.sent - accounted - lost)


def kept_of(trial: Trial) -> Kept:
    """Return a trial as it is kept when it begins."""
    return Kept(trial.id, trial.name, trial.version, trial.digest, trial.started, None, 0, "")


def report(silent: Silent, directory: Path, trial: Trial | None) -> Report | None:
    """Return what came of the trial that runs, or of the last one; None where there was none.

    Raises:
        StorageError: the database cannot be used.
    """
    kept = next((each for each in silent.trials() if trial is None or each.id == trial.id), None)
    if kept is None and trial is not None:
        kept = kept_of(trial)
    if kept is None:
        return None
    is_running = trial is not None and trial.id == kept.id
    sums = _sums(silent, directory, kept.id, is_over=not is_running and kept.ended is not None)
    return Report(
        name=kept.name,
        version=kept.version,
        digest=kept.digest,
        started_at=_moment(kept.started),
        ended_at=None if kept.ended is None else _moment(kept.ended),
        is_running=is_running,
        workers=sums.workers,
        process_starts=kept.starts,
        problem=kept.problem,
        against=list(_against(sums.counts)),
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sums(silent: Silent, directory: Path, trial: str, *, is_over: bool) -> _Sums:
    """Add up what is known at one moment: a ledger that is closed meanwhile is looked for once more."""
    while True:
        before = ledger.tokens(directory, trial)
        counts, known = silent.figures(trial)
        sums = _Sums(counts)
        gone = False
        for token in before:
            of_ledger = known.get(token)
            if of_ledger is not None and of_ledger.is_closed:
                continue
            found = ledger.read(directory, trial, token)
            if found is None:
                gone = True
                break
            counted, about, is_alive = found
            sums.workers += is_alive
            sums.add(about, counted, of_ledger[:2] if of_ledger else (0, 0), may_come=is_alive or not is_over)
        if not gone:
            return sums


def _against(counts: Mapping[Count, int]) -> Iterator[Against]:
    for active in sorted({count.active for count in counts}):
        version, digest = active.split(" ")
        of = {kind: _kinds(counts, active, kind) for kind in ("failed", "skipped", "decided", "pair", "difference")}
        times = {kind: {int(key): count for key, count in _kinds(counts, active, kind).items()} for kind in _TIMES}
        sizes = {int(key): count for key, count in of["difference"].items()}
        yield Against(
            version=version,
            digest=digest,
            predictions=counts.get(Count(active, "seen", ""), 0),
            compared=counts.get(Count(active, "compared", ""), 0),
            failed=of["failed"],
            skipped=of["skipped"],
            lost=counts.get(Count(active, "lost", ""), 0),
            waiting=counts.get(Count(active, "waiting", ""), 0),
            agreement=_share(of["decided"]),
            confusion=[_pair(key, count) for key, count in sorted(of["pair"].items())],
            differences=[Bin(edge if place + 1 < len(EDGES) else None, sizes.get(place, 0)) for place, edge in enumerate(EDGES)],
            active=_latency(times["active_time"]),
            candidate=_latency(times["second_time"]),
        )


_TIMES = ("active_time", "second_time")


def _kinds(counts: Mapping[Count, int], active: str, kind: str) -> dict[str, int]:
    return {count.key: number for count, number in sorted(counts.items()) if count[:2] == (active, kind) and number}


def _pair(key: str, count: int) -> Pair:
    said, _, other_said = key.partition("\t")
    return Pair(said, other_said, count)


def _share(decided: Mapping[str, int]) -> Share | None:
    of = sum(decided.values())
    if not of:
        return None
    same = decided.get("same", 0)
    return Share(same, of, same / of, *wilson(same, of))


def _latency(steps: Mapping[int, int]) -> Latency:
    return Latency(quantile_ms(steps, 0.5), quantile_ms(steps, 0.99))
