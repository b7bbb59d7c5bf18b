"""How good the versions were by feedback, and whom they were asked of, as the running server has counted it."""

import http
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from ml_server.cli.served import ask
from ml_server.config import Settings
from ml_server.drift.report import Drift
from ml_server.feedback.figures import FEWEST
from ml_server.feedback.summary import Compared, Version

COMMANDS = ()
_VERDICTS = {
    "as_card": "as its card says",
    "worse": "WORSE THAN ITS CARD SAYS",
    "too_few": f"too few to say (a figure takes {FEWEST} people of each kind)",
    "not_in_card": "its card has none of these figures",
}
_DRIFTS = {
    "steady": "as in training",
    "too_few": "too few to say",
    "no_reference": "its card does not say how they were in training",
}
_MOST_DRIFTED = 20
_REMARKS = {"worse": "worse", "better": "better", "other_mix": "not comparable: another mix of classes than in training"}


class _Summary(msgspec.Struct, frozen=True):
    models: list[Version]


class _Drifts(msgspec.Struct, frozen=True):
    models: list[Drift]


_Told = TypeVar("_Told", _Summary, _Drifts)


def lines(settings: Settings) -> Iterator[str]:
    """Yield a block of lines; nothing where no server answers (which is told elsewhere) or none keeps anything."""
    summary = _asked(settings, "/feedback/summary", _Summary)
    if isinstance(summary, str):
        yield f"feedback: {summary}"
    elif summary is not None:
        yield "feedback:" + ("" if summary.models else " no answers yet")
        for version in summary.models:
            yield from _lines_of(version)
    drifts = _asked(settings, "/drift", _Drifts)
    if isinstance(drifts, _Drifts) and drifts.models:
        yield "drift of inputs and answers:"
        for drift in drifts.models:
            yield from _drift_of(drift)


def _asked(settings: Settings, path: str, kind: type[_Told]) -> _Told | str | None:
    """Return what the server tells, or why not; None where it keeps nothing, or does not answer at all."""
    answer = ask(settings, path)
    if isinstance(answer, str) or answer[0] in (http.HTTPStatus.FORBIDDEN, http.HTTPStatus.NOT_FOUND):
        return None
    status, body = answer
    if status != http.HTTPStatus.OK:
        return f"the server answers {status}"
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        return None


def _drift_of(drift: Drift) -> Iterator[str]:
    named = f"{drift.model_name} {drift.model_version} {drift.model_digest}"
    moved = [
        f"{len(drifted)} OF {len(of)} {what} ARE NOT AS IN TRAINING"
        for what, drifted, of in (
            ("INPUTS", drift.drifted, drift.inputs),
            ("ANSWERS", drift.drifted_answers, drift.answers),
        )
        if drifted
    ]
    yield f"  {named}: {_DRIFTS.get(drift.verdict, '') or ', '.join(moved)} (the last {drift.people} people)"
    for each in [*drift.drifted[:_MOST_DRIFTED], *drift.drifted_answers[:_MOST_DRIFTED]]:
        if each.verdict == "missing":
            trained = f"in training {100 * (each.missing_share_in_training or 0):.3g} %"
            yield f"    {each.name}: missing in {100 * each.missing_share:.3g} % ({trained})"
        else:
            side = {1: ", higher", -1: ", lower"}.get(each.direction, "")
            yield f"    {each.name}: stability index {each.psi:.3g}{side}"


def _lines_of(version: Version) -> Iterator[str]:
    window = version.window
    named = f"{version.model_name} {version.model_version} {version.model_digest}"
    of = f"last {window.days} days: {window.judged} of {window.answered} answers judged"
    corrected = f", {version.corrected} truths corrected" if version.corrected else ""
    yield f"  {named}: {_VERDICTS[version.verdict]} ({of}{corrected})"
    for figure in window.figures:
        if figure.value is not None and figure.low is not None and figure.high is not None:
            yield f"    {_figure(figure)}"


def _figure(figure: Compared) -> str:
    name = f"{figure.of} {figure.name}".strip()
    text = f"{name:24} {figure.value:8.4g}  95 % {figure.low:.4g} to {figure.high:.4g}  ({figure.people} people)"
    card = "" if figure.card is None else f"  card {figure.card:.4g}"
    remark = _REMARKS.get(figure.verdict, "")
    return f"{text}{card}{f'  {remark}' if remark else ''}"
