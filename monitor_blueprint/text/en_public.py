"""The English catalogue: the public page and its badges."""

from __future__ import annotations

from monitor_blueprint.text.public_words import PublicWords

WORDS = PublicWords(
    title="Service status",
    states={"OK": "OK", "WARNING": "warning", "CRITICAL": "down", "UNKNOWN": "unknown", "LEFT_OUT": "left out"},
    whole={
        "OK": "Everything is well",
        "WARNING": "Something needs attention",
        "CRITICAL": "Something is down",
        "UNKNOWN": "How everything is, is not known now",
    },
    stale={
        "stopped": "The monitor does not run",
        "first": "The first health check is under way",
        "stalled": "The health checks have come to a standstill",
    },
    stale_badge="not checked",
    checked_at="Last checked: {at}",
    never_checked="Not checked yet",
    check="Check",
    state="State",
)
