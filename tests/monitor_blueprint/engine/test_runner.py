from __future__ import annotations

import errno
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint import probes
from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.config import Check
from monitor_blueprint.domain.models import EMPTY, CheckPolicy, CheckResult, ProbeError, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine import runner
from monitor_blueprint.engine.runner import Runner, UnitSnapshot
from monitor_blueprint.probes import Observation, ProbeContext
from tests.monitor_blueprint.conftest import Script
from tests.monitor_blueprint.shortage import few_threads, said

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
FINE = Observation((Reading("thing"),))
# Long enough for a thread to be scheduled on a busy machine; only where something hangs is it waited for.
LONG_S, SHORT_S = 60.0, 2.0


def checks(*names: str) -> list[Check]:
    options = probes.load("scripted").Options
    return [Check("scripted", options(line=name), CheckPolicy(name)) for name in names]


def run(
    tried: Runner, names: Sequence[str], deadline_s: float = LONG_S, checkpoints: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, CheckResult]:
    results = tried.run(
        checks(*names),
        now=NOW,
        units=UnitState,
        checkpoints=checkpoints or {},
        environ={"ML_API_KEY": "k"},
        deadline_s=deadline_s,
    )
    assert [result.check for result in results] == list(names)
    return {result.check: result for result in results}


def reason(result: CheckResult) -> object:
    assert result.status is Status.UNKNOWN
    return result.readings[0].facts["reason"]


class Hanging:
    """A probe that does not come back before it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.released = threading.Event()
        self.returned = threading.Semaphore(0)
        self.times = 0

    def __call__(self, context: ProbeContext) -> Observation:
        self.times += 1
        self.begun.release()
        self.released.wait(60)
        self.returned.release()
        return FINE


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    probe = Hanging()
    yield probe
    probe.released.set()


def wait_until_idle(tried: Runner) -> None:
    """Until every thread of the runner has put away what it brought back."""
    with tried._returned:
        assert tried._returned.wait_for(lambda: not tried._out, timeout=60)


@pytest.fixture
def others() -> Iterator[Callable[..., Future[dict[str, CheckResult]]]]:
    with ThreadPoolExecutor(4) as pool:
        yield lambda tried, *names: pool.submit(run, tried, names)


def test_checks_run_concurrently(script: Script) -> None:
    """All checks run side by side, and the results come in their order."""
    together = threading.Barrier(8, timeout=60)

    def wait_for_the_others(context: ProbeContext) -> Observation:
        together.wait()
        return FINE

    names = [f"check{number}" for number in range(8)]
    script.update(dict.fromkeys(names, wait_for_the_others))
    assert all(result.status is Status.OK for result in run(Runner(), names).values())


def test_probe_gets_its_context(script: Script) -> None:
    """A probe is told the moment, the secrets and what it remembered."""
    seen: list[ProbeContext] = []

    def look(context: ProbeContext) -> Observation:
        seen.append(context)
        return Observation((Reading("thing"),), {"position": 6})

    script["Log"] = look
    before = time.monotonic()
    result = run(Runner(), ["Log"], checkpoints={"Log": {"position": 5}})["Log"]
    (context,) = seen
    assert (context.now, context.checkpoint, context.environ) == (NOW, {"position": 5}, {"ML_API_KEY": "k"})
    assert before + LONG_S - 1 <= context.deadline <= time.monotonic() + LONG_S - 1
    assert (result.checkpoint, result.at, result.kind) == ({"position": 6}, NOW, "scripted")
    assert result.duration_ms > 0


def test_probe_error_keeps_memory(script: Script) -> None:
    """A probe that could not look is unknown, and its memory is kept."""

    def fail(context: ProbeContext) -> Observation:
        raise ProbeError(Public("no such mount\npoint"))

    script["Disk"] = fail
    found = run(Runner(), ["Disk", "Other"], checkpoints={"Disk": {"a": 1}})
    assert reason(found["Disk"]) == "no such mount point"
    assert found["Disk"].checkpoint == {"a": 1}
    assert found["Other"].status is Status.OK


def test_probe_fault_is_isolated(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """A fault in a probe is unknown and logged, and stops no other."""

    def divide(context: ProbeContext) -> Observation:
        raise ZeroDivisionError

    script["Disk"] = divide
    found = run(Runner(), ["Disk", "Other"])
    assert reason(found["Disk"]) == "fault in the probe: ZeroDivisionError"
    assert found["Other"].status is Status.OK
    assert "probe Disk failed" in caplog.text


def thing(**fields: Any) -> Observation:
    return Observation((Reading("thing", **fields),))


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (None, "it returned NoneType, not an Observation"),
        ((Reading("thing"),), "it returned tuple, not an Observation"),
        (Observation(()), "its readings must be a tuple of at least one Reading"),
        (Observation(Reading("thing")), "its readings must be a tuple of at least one Reading"),  # type: ignore[arg-type]
        (Observation(("thing",)), "one of its readings is a str"),  # type: ignore[arg-type]
        (thing(status="CRITICAL"), 'the status of "thing" is a str, not a Status'),
        (thing(status=2), 'the status of "thing" is a int, not a Status'),
        (thing(value=float("nan")), 'the value of "thing" is no finite number'),
        (thing(value=float("inf")), 'the value of "thing" is no finite number'),
        (thing(value="5"), "its readings cannot be kept: Expected `float | null`, got `str` - at `$[0].value`"),
        (thing(facts={"path": Path("/etc")}), "its readings cannot be kept: TypeError"),
        (thing(facts={"name": Public("\udcff")}), "its readings cannot be kept: UnicodeEncodeError"),
        (
            thing(facts={"share": float("nan")}),
            "its readings cannot be kept: Expected `bool | int | float | str`, got `null` - at `$[0].facts[...]`",
        ),
        (Observation((Reading("thing"),), {"seen": object()}), "its checkpoint cannot be kept: TypeError"),
        (Observation((Reading("thing"),), [1]), "its checkpoint cannot be kept: Expected `object`, got `array`"),  # type: ignore[arg-type]
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid_observation_is_isolated(script: Script, caplog: pytest.LogCaptureFixture, returned: Any, why: str) -> None:
    """What a probe must not return is unknown and logged, and stops no other."""
    script["Disk"] = lambda context: returned
    found = run(Runner(), ["Disk", "Other"], checkpoints={"Disk": {"a": 1}})
    assert reason(found["Disk"]) == f"fault in the probe: {why}"
    assert found["Disk"].checkpoint == {"a": 1}
    assert found["Other"].status is Status.OK
    assert "probe Disk failed" in caplog.text


def test_exiting_probe_is_unknown(script: Script) -> None:
    """A probe that ends its thread is unknown, and not waited for."""
    script["Disk"] = lambda context: sys.exit(1)
    assert reason(run(Runner(), ["Disk", "Other"])["Disk"]) == "fault in the probe: SystemExit"


def test_fault_of_the_runner_is_raised(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no probe's, and not to be told as one that was never reached."""
    monkeypatch.delattr(runner, "_probe")
    with pytest.raises(NameError):
        run(Runner(), ["Disk"])


def test_observation_may_hold_views(script: Script) -> None:
    """What a probe remembers and says may be views."""
    seen = Observation((Reading("thing", facts=EMPTY),), EMPTY)
    script["Disk"] = lambda context: seen
    assert run(Runner(), ["Disk"])["Disk"].readings == seen.readings


@pytest.mark.slow
def test_hanging_probe_is_isolated(script: Script, hanging: Hanging) -> None:
    """A probe that hangs is unknown, holds up no other, and is not started again before it returns."""
    script["Disk"] = hanging
    tried = Runner()
    found = run(tried, ["Disk", "Other"], SHORT_S)
    assert re.fullmatch(r"no answer from the probe for \d+ s", str(reason(found["Disk"])))
    assert found["Other"].status is Status.OK
    threads = threading.active_count()
    for _ in range(20):
        # With the long deadline: nobody waits for what is known to hang.
        found = run(tried, ["Disk", "Other"])
        assert found["Other"].status is Status.OK
        assert str(reason(found["Disk"])).startswith("no answer from the probe for ")
    assert hanging.times == 1
    assert threading.active_count() <= threads
    hanging.released.set()
    assert hanging.returned.acquire(timeout=60)
    wait_until_idle(tried)
    assert run(tried, ["Disk"])["Disk"].status is Status.OK
    assert hanging.times == 2


def test_concurrent_look_is_repeated(
    script: Script, hanging: Hanging, others: Callable[..., Future[dict[str, CheckResult]]]
) -> None:
    """A check that is just being looked at is looked at again afterwards."""
    script["Flask"] = hanging
    tried = Runner()
    first = others(tried, "Flask", "Other")
    assert hanging.begun.acquire(timeout=60)
    # systemd says that the unit has changed, while a complete health check waits for its answer.
    second = others(tried, "Flask")
    hanging.released.set()
    assert first.result(60)["Flask"].status is Status.OK
    assert second.result(60)["Flask"].status is Status.OK
    assert hanging.times == 2


def test_waiting_look_ends_at_deadline(
    script: Script, hanging: Hanging, others: Callable[..., Future[dict[str, CheckResult]]]
) -> None:
    """Whoever waits for another look does so until the deadline only."""
    script["Flask"] = hanging
    tried = Runner()
    first = others(tried, "Flask")
    assert hanging.begun.acquire(timeout=60)
    assert str(reason(run(tried, ["Flask"], 0.1)["Flask"])).startswith("no answer from the probe for ")
    assert hanging.times == 1
    hanging.released.set()
    assert first.result(60)["Flask"].status is Status.OK


@pytest.mark.slow
def test_many_hanging_probes_meet_deadline(script: Script, hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    """More hanging probes than threads end at the deadline, too."""
    monkeypatch.setattr(runner, "MAX_THREADS", 5)
    names = [f"hanging{number}" for number in range(25)]
    script.update(dict.fromkeys(names, hanging))
    tried = Runner()
    before = threading.active_count()
    found = run(tried, [*names, "Other"], SHORT_S)
    assert threading.active_count() <= before + 5
    reasons = [str(reason(result)) for result in found.values()]
    assert sum("no answer from the probe" in each for each in reasons) == 5
    assert sum(each == "not reached before the deadline of the round" for each in reasons) == 21
    assert hanging.times == 5
    hanging.released.set()
    wait_until_idle(tried)
    assert all(result.status is Status.OK for result in run(tried, [*names, "Other"]).values())


def test_few_threads_do_all_work(script: Script) -> None:
    """Where the system gives few threads, they do all the work."""
    with said("monitor_blueprint.engine.runner", "only 2 threads for 5 probes") as is_short:

        def look(context: ProbeContext) -> Observation:
            is_short.wait(LONG_S)
            return FINE

        script.update(dict.fromkeys("ABCDE", look))
        with few_threads(2):
            seen = run(Runner(), "ABCDE")
        assert is_short.is_set()
    assert {result.status for result in seen.values()} == {Status.OK}


def test_no_thread_is_nobodys_fault(script: Script) -> None:
    """Where the system gives no thread at all, nothing is known of anything."""
    script.update(dict.fromkeys("AB", lambda context: FINE))
    tried = Runner()
    with few_threads(0):
        seen = run(tried, "AB")
    assert [reason(result) for result in seen.values()] == ["no_threads"] * 2
    assert {result.status for result in run(tried, "AB").values()} == {Status.OK}


def test_shortage_in_a_probe_is_named(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Our own want is no fault in the probe, wherever it comes up."""

    def look(context: ProbeContext) -> Observation:
        raise LookupError from OSError(errno.EMFILE, "Too many open files")

    script["A"] = look
    assert reason(run(Runner(), "A")["A"]) == "no_descriptors"
    assert not caplog.text


def test_loaded_probe_outlives_its_file(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe whose file is gone goes on as it was loaded."""
    script["A"] = lambda context: FINE
    assert run(Runner(), "A")["A"].status is Status.OK
    # An upgrade has taken the program's files away.
    monkeypatch.setattr(probes, "__path__", [])
    assert run(Runner(), "A")["A"].status is Status.OK


def test_units_are_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The units are asked about once in a cycle, and one that systemd did not name is unknown."""
    asked: list[tuple[str, ...]] = []

    def read(names: Sequence[str]) -> dict[str, UnitState]:
        asked.append(tuple(names))
        return {"nginx.service": UnitState("nginx.service", "loaded", "active", "running")}

    monkeypatch.setattr(runner, "read_units", read)
    units = UnitSnapshot(("nginx",))
    assert units("nginx").active_state == "active"
    assert units("nginx.service").active_state == "active"
    assert not units("unknown").is_known
    assert asked == [("nginx",)]


def test_missing_bus_is_tried_once() -> None:
    """Without a system bus, nobody is asked twice."""
    units = UnitSnapshot(("nginx",))
    for _ in range(2):
        with pytest.raises(ProbeError, match=r"^no system bus: "):
            units("nginx")
