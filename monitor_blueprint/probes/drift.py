"""Whether the served model is asked of people like those that it was trained on.

The ML server counts and compares: here is only told what it says. A shift is a WARNING: the answers may be worse, or not.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters import sample_files
from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.models import Facts, Reading, Status
from monitor_blueprint.domain.text import configured, fill, joined, private, word
from monitor_blueprint.options import Address, Positive
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.probes.feedback import KEPT, brief, known_version, seen, without
from monitor_blueprint.probes.http import HTTP_OK

# It takes five hundred people to see one.
DEFAULT_INTERVAL_S = 900.0
_DRIFTED, _MISSING = "drifted", "missing"
_ASPECTS = {"steady": "inputs", "too_few": "inputs_few", "no_reference": "inputs_alone"}


class Input(msgspec.Struct, frozen=True):
    """An input that is not as it was in training: its values, or how often there is none."""

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
    return _drifts(fetch(brief(options.url), 2.0)) is not None


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask once; a server that is away is its own check's finding."""
    key = context.environ.get("ML_API_KEY", "")
    timeout_s = max(0.1, min(options.timeout_s, context.deadline - time.monotonic()))
    answer = fetch(brief(options.url), timeout_s, headers={"X-API-Key": key} if key else {})
    found = _drifts(answer)
    asked: Facts = {"address": configured(options.url)}
    if found is None:
        reading = without(answer, has_been=bool(context.checkpoint.get(KEPT)))
        return Observation((replace(reading, facts={**reading.facts, **asked}),), context.checkpoint)
    # Of two versions that say the same, the latest.
    first = {reading.aspect: reading for version in reversed(found.models) for reading in _readings(version)}
    return seen(list(first.values()) or [Reading("inputs_none")], asked)


def _drifts(answer: Answer) -> Drifts | None:
    if answer.status != HTTP_OK or answer.failure:
        return None
    try:
        found = _DRIFTS.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.ok else None


def _readings(version: Version) -> Iterator[Reading]:
    facts: Facts = {
        "model_version": known_version(version.model_version),
        "model_name_text": private(version.model_name, 80),
        "people": version.people,
    }
    if version.verdict != _DRIFTED:
        aspect = _ASPECTS.get(version.verdict, "inputs")
        yield Reading(aspect, facts=facts)
        return
    missing = [each for each in version.inputs if each.verdict == _MISSING]
    moved = [each for each in version.inputs if each.verdict != _MISSING]
    if moved or not missing:
        farthest = max((each.psi or 0.0 for each in moved), default=0.0)
        yield Reading("drifted", Status.WARNING, facts={**facts, **_named(moved), "psi": fill("{psi:.2f}", psi=farthest)})
    if missing:
        most = max(each.missing_share for each in missing)
        yield Reading("missing", Status.WARNING, facts={**facts, **_named(missing), "percent": round(100 * most)})


def _named(inputs: Sequence[Input]) -> Facts:
    """Return the names that everybody may know, those of the bundled model, and how many others there are."""
    names = [name for each in inputs if (name := word(each.name, _known())) is not None]
    entries = private(", ".join(each.name for each in inputs), 500)
    return {"entries": joined(", ", names), "others": len(inputs) - len(names), "entries_text": entries}


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(name for sample in sample_files.bundled().samples for name in sample.features)
