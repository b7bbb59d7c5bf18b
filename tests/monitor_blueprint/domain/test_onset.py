from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.onset import Onset


def run(flags: str, allowed: float = 0.2) -> Onset:
    """What is known after these events, one a second: "x" is a bad one."""
    onset = Onset()
    for at, flag in enumerate(flags, start=1):
        onset = onset.after(allowed, partial(float, at) if flag == "x" else None)
    return onset


def test_what_happens_now_and_then_comes_to_nothing() -> None:
    assert run("x.....x......").excess == 0


def test_a_run_began_with_its_first() -> None:
    assert run("x......" + "..xxxxx").since == 10
    assert run("xx.xx..x").since == 1


def test_what_counts_no_more_is_no_run() -> None:
    onset = run("xxxxxxxx").within(0)
    assert onset.excess == 0
    assert onset.after(0.2, lambda: 99.0).since == 99


@given(st.text("x.", max_size=60))
def test_it_began_with_something_bad(flags: str) -> None:
    onset = run(flags)
    assert onset.excess >= 0
    assert bool(onset.since) is ("x" in flags)
    if onset.since:
        assert flags[int(onset.since) - 1] == "x"
