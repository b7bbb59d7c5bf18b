"""What stands in the places of a sentence: for everybody, and for this machine's administrators."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from monitor_blueprint.domain.language import retold, said
from monitor_blueprint.domain.models import CheckResult, Reading
from monitor_blueprint.domain.text import Private, Public, configured, label, private
from monitor_blueprint.text import ko, ko_models, ko_resources, ko_services

_MOST_TEXT = 500
_TIMEOUT = "timeout"
_KIB = 1024


def size(count: float) -> Public:
    """Return a number of bytes as `df -h` shows it."""
    for unit in ("B", "K", "M", "G"):
        if count < 1024:
            return Public(f"{count:.0f}{unit}" if unit == "B" else f"{count:.1f}{unit}")
        count /= 1024
    return Public(f"{count:.1f}T")


class Places:
    """What stands in the places of a sentence for everybody: facts that are our own words, and numbers.

    A fact that the sentence asks for and the probe did not give shows as "?".
    """

    def __init__(self, result: CheckResult, reading: Reading) -> None:
        self.is_withholding = False
        self._facts = reading.facts
        self._made: dict[str, Callable[[], object]] = {
            "name": lambda: configured(result.check),
            "aspect": lambda: label(reading.aspect),
            "value": lambda: _number(reading.value),
            "shown": lambda: self._value_and_reason(reading),
            "state": self._state,
            # Of a name that means another unit, or others: which.
            "real_unit": lambda: f" ({self._fact('real')})" if "real" in self._facts else "",
            "real_state": lambda: f", {self._fact('unit')}" if "real" in self._facts else "",
            "how": self._how,
            "kind_of_answer": self._kind_of_answer,
            "result": self._result,
            "reason": self._reason,
            "disk": self._disk,
            "entries": self._entries,
            "at_address": lambda: self._optional("address", ko.AT_ADDRESS),
            "of_model": lambda: self._optional("model_version", ko_services.OF_MODEL),
            "issued_by": lambda: self._optional("issuer", ko_services.ISSUED_BY),
            "of_file": lambda: self._optional("file", ko_services.OF_FILE),
            "farthest": lambda: said(ko_models.FARTHEST).format(psi=self._fact("psi")),
            "codes": lambda: self._optional("codes", ko_services.CODES),
            "limit": lambda: self._optional("limit_s", ko.LIMIT),
            "where": self._where,
            "room": self._room,
            "size": self._size,
            "ago": lambda: self._counted("hours", ko_resources.AGO, ko_resources.AGO_SHORT),
            "in_hours": lambda: self._counted("hours", ko_resources.IN_HOURS, ko_resources.IN_HOURS_SHORT),
            "in_days": lambda: self._counted("days", ko_resources.IN_DAYS, ko_resources.IN_DAYS_SHORT),
            "days_ago": lambda: self._counted("days", ko_resources.DAYS_AGO, ko_resources.DAYS_AGO_SHORT),
            "wrong": lambda: said(ko_services.WRONG.get(self._fact_text("field"), ko_services.WRONG_PREDICTION)),
        }

    def __getitem__(self, key: str) -> object:
        return self._made[key]() if key in self._made else self._fact(key)

    def _fact(self, key: str) -> object:
        found = self._facts.get(key, _UNKNOWN)
        return self._shown(found) if isinstance(found, Private | str) else found

    def _shown(self, text: Private | str) -> str:
        if isinstance(text, Public):
            return text
        # A `str` that does not say whose it is came from outside, too.
        self.is_withholding = True
        return said(ko.WITHHELD)

    def _fact_text(self, key: str) -> str:
        """Return what the fact says, to be held against words of ours."""
        found = self._facts.get(key, "")
        return found.text if isinstance(found, Private) else str(found)

    def _state(self) -> object:
        ours = ko.STATES.get(self._fact_text("state"))
        return self._fact("state") if ours is None else said(ours).format_map(self)

    def _how(self) -> str:
        state = self._fact_text("state")
        if state.startswith("deactivating/"):
            return said(ko_services.STOPPING)
        if state.startswith("activating/") and not state.endswith("/auto-restart"):
            return said(ko_services.STARTING)
        is_not_started = state.startswith("activating") or "has_failed_to_start" in self._facts
        return said(ko_services.NOT_STARTED if is_not_started else ko_services.STOPPED)

    def _kind_of_answer(self) -> str:
        return said(ko_services.ANSWERED if self._facts.get("http_status") else ko_services.NOT_ANSWERED)

    def _result(self) -> str:
        """Return in plain words what systemd says of a unit: why it ended, and what its state means."""
        state = self._fact_text("state")
        # What keeps a unit from being started at all is said by its state.
        if state in ko.STATES:
            return ""
        meant = next((words for begin, words in ko_services.STATES.items() if state.startswith(begin)), None)
        return "".join(f", {said(words)}" for words in (ko_services.RESULTS.get(self._fact_text("result")), meant) if words)

    def _reason(self) -> object:
        reason = self._fact_text("reason")
        if reason == _TIMEOUT and "within_s" in self._facts:
            return said(ko_services.TIMEOUT_WITHIN).format_map(self)
        ours = ko.REASONS.get(reason)
        if ours is not None:
            return said(ours).format_map(self)
        return _late(retold(str(self._fact("reason")), is_ours=True))

    def _disk(self) -> str:
        """Return which disk it is, where it is not the one that the guide means; of a device, where it is mounted."""
        places = [str(self._fact(key)) for key in ("path", "mounted_at") if key in self._facts]
        return f" ({', '.join(places)})" if places not in ([], ["/"]) else ""

    def _optional(self, key: str, text: str) -> str:
        return said(text).format(**{key: self._fact(key)}) if key in self._facts else ""

    def _where(self) -> object:
        # Whoever may know is told which of the files that a pattern means.
        more = self._facts.get("where_text")
        self.is_withholding |= more is not None and self._fact_text("where_text") != self._fact_text("where")
        return self._fact("where")

    def _room(self) -> str:
        free = self._facts.get("free_bytes", self._facts.get("available_bytes"))
        return said(ko_resources.ROOM).format(free=size(free)) if isinstance(free, int | float) else ""

    def _size(self) -> str:
        count = self._facts.get("bytes")
        if not isinstance(count, int | float):
            return str(_UNKNOWN)
        return said(ko_resources.BYTES).format(count=count) if count < _KIB else size(count)

    def _counted(self, key: str, text: str, less: str) -> str:
        count = self._facts.get(key)
        if isinstance(count, int | float) and count < 1:
            return said(less)
        return said(text).format(**{key: self._fact(key)})

    def _entries(self) -> object:
        names, count = self._fact("entries"), self._facts.get("others", 0)
        return said(ko.AND_OTHERS if names else ko.ONLY_OTHERS).format(names=names, count=count) if count else names

    def _value_and_reason(self, reading: Reading) -> str:
        value = "" if reading.value is None else f"{reading.value:g}{label(reading.unit)}"
        reason = str(self._fact("reason")) if "reason" in self._facts else ""
        text = ", ".join(part for part in (value, reason) if part)
        return f" ({text})" if text else ""


class AllPlaces(Places):
    """The same for this machine's administrators: `x_text` stands in the place of `x`, and nothing is withheld."""

    def __init__(self, result: CheckResult, reading: Reading) -> None:
        super().__init__(result, reading)
        self._more = {key: text for key, text in reading.facts.items() if key.endswith("_text") and isinstance(text, Private)}

    def unsaid(self, sentence: str) -> list[str]:
        """Return the private texts that had no place in the sentence and do not stand in it, and what they are."""
        return [
            said(ko.SAID.get(key, "{said}")).format(said=retold(shown))
            for key, text in self._more.items()
            if (shown := self._shown(text)) and shown not in sentence
        ]

    def _fact(self, key: str) -> object:
        more = self._more.pop(f"{key}_text", None) if key != "reason" else None
        return super()._fact(key) if more is None else self._shown(more)

    def _shown(self, text: Private | str) -> str:
        return text if isinstance(text, Public) else private(text.text if isinstance(text, Private) else text, _MOST_TEXT).text

    def _entries(self) -> object:
        return self._fact("entries")


class _Unknown:
    """Shows as "?", whatever format the text asks for."""

    def __format__(self, spec: str) -> str:
        return "?"

    def __str__(self) -> str:
        return "?"


_UNKNOWN = _Unknown()


def _late(reason: str) -> str:
    """Return in words of ours that something of ours was not done in its time; any other reason as it is."""
    for pattern, words in ko_services.LATE.items():
        reason = re.sub(pattern, said(words), reason)
    return reason


def _number(value: float | None) -> str:
    """Return the number as `df` shows it: whole, rounded down, so that 79.9 is never shown as a limit it has not met."""
    return "?" if value is None or not math.isfinite(value) else str(math.floor(value))
