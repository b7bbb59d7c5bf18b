"""Whether the served model is asked of people like those that it was trained on, and answers as it should to such.

The ML server counts and compares: here is only told what it says. A shift is a WARNING: the answers may be worse, or not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters import ml_reports, sample_files
from monitor_blueprint.domain.models import Facts, Reading, Status
from monitor_blueprint.domain.text import configured, fill, joined, private, word
from monitor_blueprint.options import Address, Positive
from monitor_blueprint.probes import Observation, ProbeContext

# It takes five hundred people to see one.
DEFAULT_INTERVAL_S = 900.0
# In the checkpoint: the server counts whom it is asked of.
_KEPT = "is_kept"
_DRIFTED, _MISSING = "drifted", "missing"
_ASPECTS = {"steady": "inputs", "too_few": "inputs_few", "no_reference": "inputs_alone"}


class Input(msgspec.Struct, frozen=True):
    """An input, or an answer, that is not as it was in training: its values, or how often there is none."""

    name: str
    verdict: str
    psi: float | None = None
    missing_share: float = 0.0


class Version(msgspec.Struct, frozen=True):
    """What is said of one version that is served; `people` are the last of whom it was asked."""

    model_name: str
    model_version: str
    verdict: str
    people: int
    inputs: tuple[Input, ...] = ()
    answers: tuple[Input, ...] = ()


class Drifts(msgspec.Struct, frozen=True):
    """What the ML server answers (`GET /drift`)."""

    ok: bool
    models: tuple[Version, ...]


_DRIFTS = msgspec.json.Decoder(Drifts)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "drift" may say.

    Attributes:
        url: where the ML server tells whom it was asked of.
        timeout_s: how long to wait for the answer.
    """

    url: Address = "http://127.0.0.1:9000/api/drift"
    timeout_s: Annotated[Positive, Meta(le=20)] = 8.0


def is_possible(options: Options) -> bool:
    """Tell whether there is a server that counts whom it is asked of."""
    return ml_reports.is_told(options.url, _DRIFTS)


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask once; a server that is away is its own check's finding."""
    answer = ml_reports.ask(options.url, context.environ, options.timeout_s, context.deadline)
    asked: Facts = {"address": configured(options.url)}
    found = ml_reports.read(answer, _DRIFTS)
    if found is None:
        return Observation((ml_reports.unread(answer, asked, has_been=bool(context.checkpoint.get(_KEPT))),), context.checkpoint)
    told = [reading for version in found.models for reading in _readings(version)]
    return Observation(ml_reports.worth_telling(told or [Reading("inputs_none")], asked), {_KEPT: True})


def _readings(version: Version) -> Iterator[Reading]:
    facts: Facts = {
        "model_version": ml_reports.known_version(version.model_version),
        "model_name_text": private(version.model_name, 80),
        "people": version.people,
    }
    if version.verdict != _DRIFTED:
        aspect = _ASPECTS.get(version.verdict, "inputs")
        yield Reading(aspect, facts=facts)
        return
    missing = [each for each in version.inputs if each.verdict == _MISSING]
    moved = [each for each in version.inputs if each.verdict != _MISSING]
    if moved or not (missing or version.answers):
        yield Reading("drifted", Status.WARNING, facts={**facts, **_named(moved), **_farthest(moved)})
    if missing:
        most = max(each.missing_share for each in missing)
        yield Reading("missing", Status.WARNING, facts={**facts, **_named(missing), "percent": round(100 * most)})

    if version.answers:
        # Their names are classes and targets: the server's own text.
        entries = private(", ".join(each.name for each in version.answers), 500)
        told = {**facts, **_farthest(version.answers), "entries_text": entries}
        yield Reading("answers", Status.WARNING, facts=told)


def _farthest(moved: Sequence[Input]) -> Facts:
    return {"psi": fill("{psi:.2f}", psi=max((each.psi or 0.0 for each in moved), default=0.0))}


def _named(inputs: Sequence[Input]) -> Facts:
    """Return the names that everybody may know, those of the bundled model, and how many others there are."""
    names = [name for each in inputs if (name := word(each.name, _known())) is not None]
    entries = private(", ".join(each.name for each in inputs), 500)
    return {"entries": joined(", ", names), "others": len(inputs) - len(names), "entries_text": entries}


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(name for sample in sample_files.bundled().samples for name in sample.features)
