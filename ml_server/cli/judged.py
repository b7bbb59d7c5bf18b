"""How good the versions were by feedback, as the running server has counted it."""

import http
from collections.abc import Iterator

import msgspec

from ml_server.cli.served import ask
from ml_server.config import Settings
from ml_server.feedback.figures import FEWEST
from ml_server.feedback.summary import Compared, Version

COMMANDS = ()
_VERDICTS = {
    "as_card": "as its card says",
    "worse": "WORSE THAN ITS CARD SAYS",
    "too_few": f"too few to say (a figure takes {FEWEST} people of each kind)",
    "not_in_card": "its card has none of these figures",
}
_REMARKS = {"worse": "worse", "better": "better", "other_mix": "not comparable: another mix of classes than in training"}


class _Summary(msgspec.Struct, frozen=True):
    models: list[Version]


def lines(settings: Settings) -> Iterator[str]:
    """Yield a block of lines; nothing where no server answers (which is told elsewhere) or none keeps anything."""
    answer = ask(settings, "/feedback/summary")
    if isinstance(answer, str) or answer[0] in (http.HTTPStatus.FORBIDDEN, http.HTTPStatus.NOT_FOUND):
        return
    status, body = answer
    try:
        versions = msgspec.json.decode(body, type=_Summary).models if status == http.HTTPStatus.OK else []
    except msgspec.MsgspecError:
        return
    yield "feedback:" + (
        "" if versions else f" the server answers {status}" if status != http.HTTPStatus.OK else " no answers yet"
    )
    for version in versions:
        yield from _lines_of(version)


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
