"""What everybody may see, where the operator wants that: names and states, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor_blueprint.console.checks import Stale, stale
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.models import ABSENT, CheckResult, Status, worst
from monitor_blueprint.domain.text import Document, Public, configured, fill, iso, member
from monitor_blueprint.engine.self_check import whole

_LEFT_OUT = fill("LEFT_OUT")


@dataclass(frozen=True, slots=True)
class PublicCheck:
    """A check's name and state; `status` is None where what it would check is not on this server."""

    name: Public
    status: Status | None


@dataclass(frozen=True, slots=True)
class PublicPicture:
    """How everything is; where nobody looks (`stale`), nothing is known of anything.

    Attributes:
        overall: the whole.
        stale: why nothing is known; None where it is.
        checked_at: when the schedule last looked at everything.
        checks: in the order of the configuration, the monitor's own included.
    """

    overall: Status
    stale: Stale | None
    checked_at: datetime | None
    checks: tuple[PublicCheck, ...]

    def check(self, name: str) -> PublicCheck | None:
        """Return the check of that name; None where there is none."""
        return next((each for each in self.checks if each.name == configured(name)), None)


def public_picture(view: View) -> PublicPicture:
    """Return how everything is."""
    state, results, why = view.reads.state(), view.reads.latest_results(), stale(view)
    last = view.reads.last_scheduled_round()
    names = [policy.name for policy in view.config.policies]
    known = {name: state.checks[name].status for name in names if name in state.checks and name in results}
    overall = whole(worst(list(known.values())), view.self_check.problems(view.now)) if known else Status.UNKNOWN
    return PublicPicture(
        overall=overall if why is None else Status.UNKNOWN,
        stale=why,
        checked_at=last.started_at if last is not None else None,
        checks=tuple(
            PublicCheck(
                configured(name),
                Status.UNKNOWN if why is not None or name not in known else None if _is_left_out(results[name]) else known[name],
            )
            for name in names
        ),
    )


def public_document(picture: PublicPicture) -> dict[str, Document]:
    """Return the same for programs."""
    return {
        "ok": True,
        "overall": member(picture.overall),
        "stale": _stale_word(picture.stale),
        "last_check_at": iso(picture.checked_at) if picture.checked_at is not None else None,
        "checks": [
            {"name": each.name, "status": member(each.status) if each.status is not None else _LEFT_OUT}
            for each in picture.checks
        ],
    }


def _is_left_out(result: CheckResult) -> bool:
    return [reading.aspect for reading in result.readings] == [ABSENT]


def _stale_word(why: Stale | None) -> Public | None:
    return None if why is None else fill("stopped" if why == "stopped" else "first" if why == "first" else "stalled")
