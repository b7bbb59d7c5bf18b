"""The ML server's golden samples: cases with a known answer, sent to /predict, must get it.

A server that is alive but wrong is the worst failure of all, and no health page shows it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters import sample_files
from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.golden import CLASSIFICATION, Case, Wanted, Wrong, difference, earlier_than, remembered_of
from monitor_blueprint.domain.models import Facts, Reading, Scalar, Status, Thresholds
from monitor_blueprint.domain.text import NOTHING, configured, fill, joined, private, word
from monitor_blueprint.options import Address, NotNegative, Positive
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.probes.http import HTTP_NOT_FOUND, HTTP_OK, beside, config_file

HTTP_UNAUTHORIZED = 401
# Loading, overloaded or gone: what the service's own check tells.
_NOT_READY = (0, 502, 503, 504)
# As many as are asked, however many are offered.
_MOST_SAMPLES = 20
# How often it is begun anew where the server is just changing its model.
_TRIES = 3
# In the checkpoint: the server has offered samples.
_OURS = "is_ours"
# What everybody may know of an answer, whoever gives it.
_VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,2}")
_DIGEST = re.compile(r"[0-9a-f]{12}")
_PLAIN = ("None", "True", "False", "str", "int", "float", "bool", "list", "NoneType", "?", "JSON", "object")


class Example(msgspec.Struct, frozen=True):
    """One case that the server offers: a request as it is, with the numbers that it must answer."""

    request: msgspec.Raw
    expected: Annotated[dict[str, float | list[float]], Meta(min_length=1)]


class Offer(msgspec.Struct, frozen=True):
    """What the ML server says of the model that it serves (`GET /example_data`), and whether that is the one that is due."""

    model_name: str
    model_version: str
    # A server that promises no more has promised nothing.
    tolerance: Annotated[float, Meta(gt=0, le=0.01)]
    samples: Annotated[tuple[Example, ...], Meta(min_length=1)]
    task: str = CLASSIFICATION
    model_digest: str = ""
    due_version: str = ""
    is_due: bool = True


_OFFER = msgspec.json.Decoder(Offer)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "golden" may say.

    Attributes:
        url: where predictions are served; the server's own samples are beside it, at example_data.
        sample: a sample file of one's own, in the place of the server's samples.
        model_version: version that has to answer; empty: the samples' own.
        tolerance: how far a probability may be off, or a value as a share of it; the bundled model card's figure, ten times
            wider for another machine. With a model whose card allows more, that much.
        warning_ms, critical_ms: limits for the slowest answer. A page that waits a second feels broken (Nielsen).
        timeout_s: how long to wait for all answers together.
    """

    url: Address = "http://127.0.0.1:9000/predict"
    sample: str = ""
    model_version: str = ""
    tolerance: NotNegative = 0.001
    warning_ms: Positive = 1000.0
    critical_ms: Positive = 5000.0
    timeout_s: Annotated[Positive, Meta(le=20)] = 8.0


def is_possible(options: Options) -> bool:
    """Tell whether there is something to ask with: the sample file, or a server of ours that offers its samples."""
    if options.sample:
        return Path(options.sample).is_file()
    answer = fetch(examples_url(options.url), 2.0)
    return _is_ours(answer) and answer.status != HTTP_NOT_FOUND


def probe(options: Options, context: ProbeContext) -> Observation:
    """Send every sample, one after the other, and compare class, probabilities, model and version."""
    seen = _look(options, context)
    asked: Facts = {"address": configured(options.url), "health": configured(beside(options.url, "health"))}
    # All answers share the time.
    late: Facts = {**asked, "within_s": options.timeout_s}
    readings = (replace(each, facts={**each.facts, **(late if "within_s" in each.facts else asked)}) for each in seen.readings)
    return replace(seen, readings=tuple(readings))


def _look(options: Options, context: ProbeContext) -> Observation:
    deadline = min(context.deadline, time.monotonic() + options.timeout_s)
    key = context.environ.get("ML_API_KEY", "")
    headers = {"X-API-Key": key} if key else {}
    if options.sample:
        readings, _ = _ask(_from_file(options), options, headers, deadline)
        return Observation(readings)
    for _ in range(_TRIES):
        answer = fetch(examples_url(options.url), max(0.1, deadline - time.monotonic()), headers=headers)
        wanted = _offered(answer, options)
        if wanted is None:
            return Observation((_without_samples(answer, context),), context.checkpoint)
        readings, is_another = _ask(wanted, options, headers, deadline)
        seen = _with_memory(readings, wanted, context.checkpoint)
        # Another model has been put in its place meanwhile, at least in one of its workers.
        if not is_another:
            break
    return seen


def _with_memory(readings: tuple[Reading, ...], wanted: Wanted, before: Mapping[str, Any]) -> Observation:
    """Return the readings with what is to be remembered of them; of a wrong answer, the version before."""
    is_right = readings[0].aspect == "answer" and readings[0].status is Status.OK
    remembered = remembered_of(wanted, before, is_right=is_right)
    earlier = "" if is_right else earlier_than(wanted, remembered)
    if earlier:
        facts = {**readings[0].facts, "earlier_version": _known(earlier, ())}
        readings = (replace(readings[0], facts=facts), *readings[1:])
    return Observation(readings, {_OURS: True, **remembered})


def examples_url(url: str) -> str:
    """Return where the server offers its samples: beside the predictions."""
    return beside(url, "example_data")


def _ask(wanted: Wanted, options: Options, headers: Mapping[str, str], deadline: float) -> tuple[tuple[Reading, ...], bool]:
    """Return what the answers are worth, and whether another model has given one than offers the samples."""
    slowest_ms = 0.0
    for number, case in enumerate(wanted.cases, start=1):
        # No model is named, as by Django: the answer has to come from the model that everybody gets.
        left_s = max(0.1, deadline - time.monotonic())
        typed = {"Content-Type": "application/json", **headers}
        answer = fetch(options.url, left_s, method="POST", body=case.question, headers=typed)
        slowest_ms = max(slowest_ms, answer.latency_ms)
        if answer.status != HTTP_OK or answer.failure:
            return (_refused(answer),), False
        wrong = _difference(answer, case, wanted)
        if wrong:
            is_another = not options.sample and _is_of_another(wrong, wanted)
            facts = _facts(number, wrong, wanted, _words(wanted, case, options), options)
            # A server that changes its model is followed; only what stays so counts.
            reading = Reading("answer", Status.CRITICAL, facts=facts, is_settling=is_another)
            return (reading, _latency(slowest_ms, options)), is_another
    version = _known(wanted.due_version, _words(wanted, wanted.cases[0], options))
    is_digest = _DIGEST.fullmatch(wanted.digest) is not None
    digest = fill(", {digest}", digest=configured(wanted.digest)) if is_digest else NOTHING
    facts = {"samples": len(wanted.cases), "model_version": version, "digest": digest}
    return (Reading("answer", facts=facts), *_stand_in(wanted, version), _latency(slowest_ms, options)), False


def _stand_in(wanted: Wanted, version: Scalar) -> tuple[Reading, ...]:
    """Return that something older than what is due has given the right answers."""
    aspect = "changed" if wanted.missed_version == wanted.model_version else "fallback"
    facts = {"model_version": version, "due_version": _known(wanted.missed_version, ())}
    return (Reading(aspect, Status.WARNING, facts=facts),) if wanted.missed_version else ()


def _facts(number: int, wrong: Wrong, wanted: Wanted, words: Collection[str], options: Options) -> Facts:
    field, _, name = wrong.field.partition(".")
    facts: Facts = {
        "sample": number,
        "got": _known(wrong.got, words),
        "expected": _known(wrong.expected, words),
        "model_version": _known(wanted.due_version, words),
        **({"model_name": model} if (model := word(wanted.model_name, words)) is not None else {}),
        **({"file": configured(options.sample)} if options.sample else {}),
    }
    if not name or name in words:
        return {**facts, "field": configured(wrong.field)}
    # What a server offers is its own text, the names of its classes too.
    return {**facts, "field": configured(field), "field_text": private(wrong.field)}


def _words(wanted: Wanted, case: Case, options: Options) -> tuple[str, ...]:
    """Return the names that everybody may know: those of the configuration's sample file, and of the bundled model."""
    bundled = sample_files.bundled()
    is_ours = bool(options.sample) or wanted.model_name == bundled.model_name
    names = (*case.expected, wanted.model_name, wanted.model_version) if is_ours else ()
    return (*names, options.model_version, bundled.model_name, bundled.model_version)


def _known(got: object, known: Collection[str]) -> Scalar:
    """Return what everybody may know of a value: our classes, probabilities and versions; all else is the server's own text."""
    if isinstance(got, float) and 0 <= got <= 1:
        return fill("{got}", got=round(got, 6))
    if isinstance(got, str) and _VERSION.fullmatch(got):
        return joined(".", [fill("{number}", number=int(part)) for part in got.split(".")])
    if isinstance(got, list) and got and all(each in known for each in got):
        return joined(", ", [word(each, known) or NOTHING for each in got])
    return word(str(got), (*known, *_PLAIN)) or private(got, 80)


def _is_of_another(wrong: Wrong, wanted: Wanted) -> bool:
    """Tell whether the answer is that of another model, and not the right model's of a version that is not to be served."""
    return wrong.field == "model_name" or (wrong.field == "model_version" and wrong.got != wanted.model_version)


def _from_file(options: Options) -> Wanted:
    samples = sample_files.read(options.sample)
    return _wanted(samples.model_name, samples.model_version, sample_files.cases(samples), options.tolerance, options)


def _offered(answer: Answer, options: Options) -> Wanted | None:
    """Return the samples of the model that is served; None where the server offers none.

    A server that is wrong and offers what it answers agrees with itself: of the bundled model we know better.
    """
    if answer.status != HTTP_OK or answer.failure:
        return None
    try:
        offer = _OFFER.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    bundled = sample_files.bundled()
    bundled_one = (bundled.model_name, bundled.model_version)
    if (offer.model_name, offer.model_version) == bundled_one:
        wanted = _wanted(*bundled_one, sample_files.cases(bundled), options.tolerance, options)
    else:
        cases = [Case(bytes(each.request), each.expected) for each in offer.samples[:_MOST_SAMPLES]]
        tolerance = max(options.tolerance, offer.tolerance)
        wanted = _wanted(offer.model_name, offer.model_version, cases, tolerance, options)._replace(task=offer.task)
    return wanted._replace(digest=offer.model_digest, missed_version="" if offer.is_due else offer.due_version)


def _wanted(name: str, version: str, cases: Sequence[Case], tolerance: float, options: Options) -> Wanted:
    return Wanted(name, version, cases, tolerance, options.model_version or version)


def _is_ours(answer: Answer) -> bool:
    """Tell whether it is our ML server that has answered, be it with a refusal."""
    try:
        body: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("ok"), bool) and isinstance(body.get("request_id"), str)


def _without_samples(answer: Answer, context: ProbeContext) -> Reading:
    """Return the reading of a server that offers no samples: one of ours that cannot now, or none of ours."""
    is_away = bool(answer.failure) or answer.status in _NOT_READY
    if is_away or (_is_ours(answer) and answer.status not in (HTTP_OK, HTTP_NOT_FOUND)):
        return _refused(answer)
    has_been = bool(context.checkpoint.get(_OURS))
    facts: Facts = {
        "reason": fill("lost_samples" if has_been else "no_samples"),
        "http_status": answer.status,
        "config": config_file(context),
    }
    return Reading("samples", Status.CRITICAL if has_been else Status.UNKNOWN, facts=facts)


def _refused(answer: Answer) -> Reading:
    has_refused = answer.status not in (0, HTTP_OK)
    reason = fill("key") if answer.status == HTTP_UNAUTHORIZED else fill("status") if has_refused else answer.failure
    facts: dict[str, Scalar] = {"reason": reason, "http_status": answer.status, **answer.within}
    if answer.is_blind:
        return Reading("refused", Status.UNKNOWN, facts=facts)
    # A server that is being restarted is not ready either: that counts only when it lasts.
    is_away = answer.status in _NOT_READY or not has_refused
    return Reading("refused", Status.CRITICAL, facts=facts, is_symptom=is_away, is_settling=is_away)


def _difference(answer: Answer, case: Case, wanted: Wanted) -> Wrong | None:
    try:
        return difference(msgspec.json.decode(answer.body), case, wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Wrong("body", "?", "JSON")


def _latency(slowest_ms: float, options: Options) -> Reading:
    limits = Thresholds(options.warning_ms, options.critical_ms, clear=options.warning_ms / 10)
    return Reading("latency", value=round(slowest_ms, 1), unit="ms", thresholds=limits)
