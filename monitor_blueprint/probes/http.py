"""An HTTP address: does it answer as configured? Repeated within the round before a failure counts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.domain.models import Facts, Reading, Status
from monitor_blueprint.options import Address
from monitor_blueprint.probes import Observation, ProbeContext

HTTP_OK = 200


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "http" may say.

    Attributes:
        url: address to GET; redirects are not followed.
        expect_status: the status that means well.
        expect_text: text that the body must contain; empty: any body.
        attempts: how often it is tried before it counts as failed.
        retry_delay_s: pause between the attempts.
        timeout_s: deadline of one attempt, from connecting to the last byte.
    """

    url: Address
    expect_status: Annotated[int, Meta(ge=100, le=599)] = HTTP_OK
    expect_text: str = ""
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    retry_delay_s: Annotated[float, Meta(ge=0, le=10)] = 1.0
    timeout_s: Annotated[float, Meta(gt=0, le=20)] = 5.0


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask until it answers as configured, at most `options.attempts` times."""
    return Observation((read(options, context.deadline, is_settling=context.is_starting),))


def read(options: Options, deadline: float, *, is_settling: bool = False) -> Reading:
    """Return the reading "http"; no attempt is begun that could not end before `deadline` (monotonic clock)."""
    attempt = 1
    while True:
        answer = fetch(options.url, min(options.timeout_s, max(0.1, deadline - time.monotonic())))
        facts = _failure(answer, options)
        has_time = time.monotonic() + options.retry_delay_s + options.timeout_s < deadline
        if not facts or attempt >= options.attempts or not has_time or is_settling:
            break
        attempt += 1
        time.sleep(options.retry_delay_s)
    status = Status.CRITICAL if facts else Status.OK
    seen: Facts = {"http_status": answer.status, "latency_ms": round(answer.latency_ms, 1), "attempts": attempt, **facts}
    return Reading("http", status, facts=seen, is_symptom=bool(facts), is_settling=bool(facts) and is_settling)


def _failure(answer: Answer, options: Options) -> Mapping[str, str]:
    if answer.failure:
        return {"reason": answer.failure}
    if answer.status != options.expect_status:
        return {"reason": "status"}
    if options.expect_text and options.expect_text not in answer.body.decode("utf-8", "replace"):
        return {"reason": "text"}
    return {}
