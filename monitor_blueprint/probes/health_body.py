"""What a site says of itself: its health body's `status`, and every entry of `checks`.

The words are those of the operators' guide, and those that other sites use in their place: health+json
(draft-inadarei-api-health-check) says "pass", "warn" and "fail", and has lists of objects as entries. Spring Boot calls its
entries `components` ("UP", "DOWN", "UNKNOWN"), before version 2.2 `details`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.http import Answer, fetch, is_served
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.models import Facts, Reading, Scalar, Status, worst
from monitor_blueprint.domain.sanitize import MASK, redact
from monitor_blueprint.domain.text import Public, configured, fill, joined, private, word
from monitor_blueprint.domain.vocabulary import HEALTH_ENTRIES, HEALTH_WORDS
from monitor_blueprint.options import Address, Positive
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.probes.http import BOM, HTTP_OK, config_file, status_reason

# What it finds is the cause of what others see at the same address.
READS_SELF_REPORT = True
GOOD = ("healthy", "ok", "pass", "up", "alive")
# "Healthy, with some concerns"; and of Spring what nobody can say anything of.
FAIR = ("warn", "unknown")
# What the entries are called.
_CHECKS = ("checks", "components", "details")
# By which an entry that is a table, and has no status, says yes or no.
_YES_OR_NO = ("ok", "healthy")
# What a program calls an entry (health+json: a component and its measurement). A number as long as somebody's is in none.
_IDENTIFIER = re.compile(r"(?!.*\d{6})[A-Za-z_][A-Za-z0-9_.-]{0,40}(?::[A-Za-z_][A-Za-z0-9_.-]{0,40})?")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")
# What it says in its own words is for this machine's administrators only.
_MOST_TEXT = 500


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "health_body" may say.

    Attributes:
        url: address of the health body.
        unit: systemd unit behind it; when that changes, it is asked again at once.
        entries: names of entries that may stand in alerts, besides those that every site has ("database").
        blames: which entries are about a service that has a check of its own; name that check in `depends_on` too.
        timeout_s: how long to wait for the answer.
    """

    url: Address = "http://127.0.0.1:8000/api/health/"
    unit: str = ""
    blames: dict[str, str] = msgspec.field(default_factory=lambda: {"ml_server": "Flask"})
    entries: tuple[str, ...] = ()
    timeout_s: Annotated[Positive, Meta(le=20)] = 5.0


def is_possible(options: Options) -> bool:
    """Tell whether there is such a site: its unit is installed, or somebody listens at its address."""
    folders = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
    if options.unit and any((Path(folder) / full_name(options.unit)).exists() for folder in folders):
        return True
    return is_served(options.url)


class _Entry(NamedTuple):
    """What the site says of one thing."""

    name: str
    text: str
    status: Status

    def public_name(self, options: Options) -> Public | None:
        """Return the name where it is one of ours, or of the configuration."""
        return word(self.name, (*options.blames, *options.entries, *HEALTH_ENTRIES))

    def said(self, options: Options) -> str:
        """Return all that it says, redacted; a name that no program would choose is somebody's, and masked."""
        is_shown = not self.name or _IDENTIFIER.fullmatch(self.name) is not None
        name = self.public_name(options) or (redact(self.name) if is_shown else MASK)
        return f"{name} ({redact(self.text)})"


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask once; whether the site answers at all is the service's own check, so silence is a symptom here."""
    asked: Facts = {"address": configured(options.url)}
    return Observation(tuple(replace(each, facts={**each.facts, **asked}) for each in _look(options, context)))


def _look(options: Options, context: ProbeContext) -> tuple[Reading, ...]:
    timeout_s = max(0.1, min(options.timeout_s, context.deadline - time.monotonic()))
    answer = fetch(options.url, timeout_s)
    body = _body(answer)
    if body is None:
        return (_no_body(answer, context),)
    # No mapping: names that may not be shown are all the same.
    entries = list(_entries(next((body[key] for key in _CHECKS if body.get(key)), None)))
    bad = [entry for entry in entries if entry.status is not Status.OK]
    own = [entry for entry in bad if entry.name not in options.blames]
    blamed = [entry for entry in bad if entry.name in options.blames]
    # With no fault of its own, what it says of others may be their restart. What is its own counts at once.
    is_explained = bool(blamed) and worst([entry.status for entry in own]) is not Status.CRITICAL
    readings = [_status(body, is_explained=is_explained)]
    readings.append(_listed("entries", own, len(entries), options, is_symptom=False))
    if blamed:
        readings.append(_listed("blamed", blamed, len(entries), options, is_symptom=True))
    return tuple(
        replace(each, is_settling=is_explained and each.status is not Status.OK, is_self_report=True) for each in readings
    )


def judge(text: str) -> Status:
    """Return what a status or an entry means: a word, or a word, a colon and something about it."""
    word = text.split(":", maxsplit=1)[0].strip().lower()
    if word in GOOD:
        return Status.OK
    return Status.WARNING if word in FAIR else Status.CRITICAL


def _body(answer: Answer) -> Mapping[str, Any] | None:
    try:
        # An error's text in it may be of any charset.
        body = msgspec.json.decode(answer.text.removeprefix(BOM))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    # Whatever the HTTP status: an unhealthy site says why with a 503.
    return body if isinstance(body, dict) and "status" in body else None


def _no_body(answer: Answer, context: ProbeContext) -> Reading:
    """Return the reading of an answer that is no health body."""
    # A wrong body behind HTTP 200 is nobody else's fault and nobody else's finding.
    is_away = answer.status != HTTP_OK or bool(answer.failure)
    has_refused = answer.status not in (0, HTTP_OK)
    reason = status_reason(answer) if has_refused else answer.failure or fill("body")
    facts: dict[str, Scalar] = {"reason": reason, "http_status": answer.status, "config": config_file(context), **answer.within}
    if answer.is_blind:
        return Reading("answer", Status.UNKNOWN, facts=facts)
    # Nobody there may be a restart: that counts only when it lasts.
    return Reading("answer", Status.CRITICAL, facts=facts, is_symptom=is_away, is_settling=is_away)


def _entries(checks: object) -> Iterator[_Entry]:
    """Yield what `checks` has: a table by name, or a list of tables with their names in them.

    A text is somebody's remark about the whole, whose status stands beside it; and null says that nothing was looked at.
    """
    if isinstance(checks, dict):
        named = [(name, value) for name, value in checks.items() if value is not None]
    elif isinstance(checks, list):
        named = [(str(each.get("name", "")) if isinstance(each, dict) else "", each) for each in checks if each is not None]
    else:
        return
    for name, value in named:
        yield _entry(name, value)


def _entry(name: str, value: object) -> _Entry:
    """Return an entry; of several values the worst counts, and none at all says nothing against it."""
    texts = [_text(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    text = max(texts, key=lambda each: judge(each).severity, default=GOOD[0])
    return _Entry(name, text, judge(text))


def _text(value: object) -> str:
    if isinstance(value, dict):
        # health+json: what has only figures says nothing against itself.
        said = (value[key] for key in _YES_OR_NO if isinstance(value.get(key), bool))
        value = value["status"] if value.get("status") is not None else next(said, GOOD[0])
    if isinstance(value, bool):
        return "ok" if value else "false"
    return str(value).strip()


def _status(body: Mapping[str, Any], *, is_explained: bool) -> Reading:
    said = "ok" if body["status"] is True else str(body["status"]).strip()
    status = judge(said) if _WORD.fullmatch(said) else Status.CRITICAL
    text = word(said.lower(), HEALTH_WORDS) or fill("other")
    facts: Facts = {"body_status": text, "reason": text, "body_status_text": private(said, _MOST_TEXT)}
    return Reading("status", status, facts=facts, is_symptom=status is not Status.OK and is_explained)


def _listed(aspect: str, bad: Sequence[_Entry], count: int, options: Options, *, is_symptom: bool) -> Reading:
    names = [name for entry in bad if (name := entry.public_name(options)) is not None]
    said = private(", ".join(entry.said(options) for entry in bad), _MOST_TEXT)
    listed = joined(", ", dict.fromkeys(names))
    facts: dict[str, Scalar] = {"entries": listed, "others": len(bad) - len(names), "count": count}
    if bad:
        facts |= {"reason": listed, "entries_text": said}
    return Reading(aspect, worst([entry.status for entry in bad]), facts=facts, is_symptom=is_symptom)
