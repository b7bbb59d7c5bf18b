"""The ML server's golden samples: cases with a known answer, sent to /predict, must get it.

A server that is alive but wrong is the worst failure of all, and no health page shows it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.models import Facts, ProbeError, Reading, Scalar, Status, Thresholds
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.options import Address, NotNegative, Positive, Text
from monitor_blueprint.probes import Observation, ProbeContext

BUNDLED = Path(__file__).parents[1] / "golden" / "alzheimer_biomarkers-1.0.0.json"
HTTP_OK = 200
HTTP_UNAUTHORIZED = 401
# Loading, overloaded or gone: what the service's own check tells.
_NOT_READY = (0, 502, 503, 504)


class Sample(msgspec.Struct, frozen=True):
    """One question with the probabilities that the model must answer."""

    features: dict[str, float]
    expected: Annotated[dict[str, float], Meta(min_length=2)]


class Samples(msgspec.Struct, frozen=True):
    """The sample file: what is asked for, and of which model."""

    model_name: str
    model_version: str
    samples: Annotated[tuple[Sample, ...], Meta(min_length=1, max_length=20)]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "golden" may say.

    Attributes:
        url: where predictions are served.
        sample: the sample file.
        model_version: version that has to answer; empty: the sample file's.
        tolerance: how far a probability may be off; the model card's figure, ten times wider for another machine.
        warning_ms, critical_ms: limits for the slowest answer. A page that waits a second feels broken (Nielsen).
        timeout_s: how long to wait for all answers together.
    """

    url: Address = "http://127.0.0.1:9000/predict"
    sample: Text = str(BUNDLED)
    model_version: str = ""
    tolerance: NotNegative = 0.001
    warning_ms: Positive = 1000.0
    critical_ms: Positive = 5000.0
    timeout_s: Annotated[Positive, Meta(le=20)] = 8.0


class Wrong(NamedTuple):
    """A field of the answer that is not what it must be."""

    field: str
    got: object
    expected: object


def is_possible(options: Options) -> bool:
    """Tell whether the sample file is there."""
    return Path(options.sample).is_file()


def probe(options: Options, context: ProbeContext) -> Observation:
    """Send every sample, one after the other, and compare class, probabilities, model and version."""
    wanted = _samples(options)
    deadline = min(context.deadline, time.monotonic() + options.timeout_s)
    key = context.environ.get("ML_API_KEY", "")
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    slowest_ms = 0.0
    for number, sample in enumerate(wanted.samples, start=1):
        # No model is named, as by Django: the answer has to come from the model that everybody gets.
        question = msgspec.json.encode({"features": sample.features})
        left_s = max(0.1, deadline - time.monotonic())
        answer = fetch(options.url, left_s, method="POST", body=question, headers=headers)
        slowest_ms = max(slowest_ms, answer.latency_ms)
        if answer.status != HTTP_OK or answer.failure:
            return Observation((_refused(answer),))
        wrong = _difference(answer, sample, wanted, options)
        if wrong:
            facts: Facts = {"sample": number} | {key: clean(str(part), 80) for key, part in wrong._asdict().items()}
            return Observation((Reading("answer", Status.CRITICAL, facts=facts), _latency(slowest_ms, options)))
    facts = {"samples": len(wanted.samples), "model_version": clean(options.model_version or wanted.model_version)}
    return Observation((Reading("answer", facts=facts), _latency(slowest_ms, options)))


def _samples(options: Options) -> Samples:
    try:
        return msgspec.json.decode(Path(options.sample).read_bytes(), type=Samples)
    except OSError as error:
        raise ProbeError(f"{options.sample}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ProbeError(f"{options.sample}: {error}") from error


def _refused(answer: Answer) -> Reading:
    has_refused = answer.status not in (0, HTTP_OK)
    reason = "key" if answer.status == HTTP_UNAUTHORIZED else "status" if has_refused else answer.failure
    facts: dict[str, Scalar] = {"reason": reason, "http_status": answer.status}
    if answer.is_blind:
        return Reading("refused", Status.UNKNOWN, facts=facts)
    # A server that is being restarted is not ready either: that counts only when it lasts.
    is_away = answer.status in _NOT_READY or not has_refused
    return Reading("refused", Status.CRITICAL, facts=facts, is_symptom=is_away, is_settling=is_away)


def _difference(answer: Answer, sample: Sample, wanted: Samples, options: Options) -> Wrong | None:
    """Return what is wrong with the answer; None when it is right."""
    try:
        body: Any = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Wrong("body", "?", "JSON")
    if not isinstance(body, dict):
        return Wrong("body", type(body).__name__, "object")
    version = options.model_version or wanted.model_version
    pairs: Sequence[tuple[str, object]] = (
        ("ok", True),
        ("model_name", wanted.model_name),
        ("model_version", version),
    )
    for field, expected in pairs:
        if body.get(field) != expected:
            return Wrong(field, body.get(field), expected)
    return _wrong_class(body.get("prediction"), sample, options.tolerance) or _wrong_probability(
        body.get("predictions"), sample, options.tolerance
    )


def _wrong_class(prediction: object, sample: Sample, tolerance: float) -> Wrong | None:
    likeliest = max(sample.expected, key=lambda name: sample.expected[name])
    # Of those that are as likely, within the tolerance, another machine may choose another.
    right = [name for name, expected in sample.expected.items() if expected >= sample.expected[likeliest] - 2 * tolerance]
    return None if prediction in right else Wrong("prediction", prediction, likeliest)


def _wrong_probability(predictions: object, sample: Sample, tolerance: float) -> Wrong | None:
    if not isinstance(predictions, Mapping) or set(predictions) != set(sample.expected):
        return Wrong("predictions", predictions, sorted(sample.expected))
    for name, expected in sample.expected.items():
        got = predictions[name]
        # Not `abs(...) > tolerance`: NaN is within no tolerance, and an integer may be larger than any float.
        if not isinstance(got, int | float) or not expected - tolerance <= got <= expected + tolerance:
            return Wrong(f"predictions.{name}", got, expected)
    return None


def _latency(slowest_ms: float, options: Options) -> Reading:
    limits = Thresholds(options.warning_ms, options.critical_ms, clear=options.warning_ms / 10)
    return Reading("latency", value=round(slowest_ms, 1), unit="ms", thresholds=limits)
