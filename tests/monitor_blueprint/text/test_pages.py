"""The words of the pages: that both languages have every one mypy sees to; here it is that they say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

import monitor_blueprint
from monitor_blueprint import probes
from monitor_blueprint.domain.models import EventKind
from monitor_blueprint.text import en_pages, en_runbooks, ko, ko_pages, ko_runbooks
from monitor_blueprint.text.advice import advice
from monitor_blueprint.text.page_words import PageWords

PACKAGE = Path(monitor_blueprint.__file__).parent
NAMES = [field.name for field in msgspec.structs.fields(PageWords)]


@dataclass(frozen=True)
class Seen:
    aspect: str
    status: str
    facts: dict[str, object] = field(default_factory=dict)


def places(text: object) -> set[str]:
    return set(re.findall(r"{(\w+)}", str(text)))


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_places(name: str) -> None:
    ko, en = getattr(ko_pages.WORDS, name), getattr(en_pages.WORDS, name)
    if isinstance(ko, dict):
        assert list(ko) == list(en)
        assert [places(ko[key]) for key in ko] == [places(en[key]) for key in ko]
    else:
        assert places(ko) == places(en)


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_used(name: str) -> None:
    texts = [path.read_text("utf-8") for path in [*PACKAGE.glob("web/templates/*.html"), *PACKAGE.glob("web/pages/*.py")]]
    assert any(re.search(rf"\b(w|words\(\)|known)\.{name}\b", text) for text in texts)


def test_templates_use_words_that_are_there() -> None:
    used = {word for path in PACKAGE.glob("web/templates/*.html") for word in re.findall(r"\bw\.(\w+)", path.read_text("utf-8"))}
    assert used <= set(NAMES)


def test_every_event_has_a_word() -> None:
    assert set(en_pages.WORDS.event_kinds) == set(EventKind)


def test_all_that_can_fail_has_advice() -> None:
    """Of every kind and aspect that the catalogue has a sentence for where it is not well, in both languages."""
    assert set(ko_runbooks.RUNBOOKS) == set(en_runbooks.RUNBOOKS)
    assert {kind for kind, *_ in ko_runbooks.RUNBOOKS} == {*probes.available(), "monitor"}
    failing = [(kind, aspect) for (kind, aspect), texts in ko.LINES.items() if texts.bad or texts.warning]
    assert len(failing) > 60
    for catalogue, blind in ((ko_runbooks.RUNBOOKS, ko_runbooks.BLIND), (en_runbooks.RUNBOOKS, en_runbooks.BLIND)):
        told = {each: advice(catalogue, blind, each[0], [Seen(each[1], "CRITICAL")]) for each in failing}
        assert [each for each, text in told.items() if not text] == []
        assert all(places(text) == set() for text in catalogue.values())


@pytest.mark.parametrize(
    ("kind", "reading", "wanted", "unwanted"),
    [
        ("service", ("unit", "CRITICAL", {"state": "failed/failed"}), "왜 멈췄는지", ""),
        ("service", ("unit", "CRITICAL", {"state": "activating/auto-restart"}), "시작을 마치지 못하고", "멈췄는지"),
        ("service", ("unit", "CRITICAL", {"state": "masked"}), "mask", "멈췄는지"),
        ("service", ("http", "CRITICAL", {"reason": "timeout"}), "실행 중이지만", "멈췄는지"),
        ("service", ("http", "CRITICAL", {"reason": "status", "http_status": 500}), "오류로 응답", "멈췄는지"),
        ("golden", ("fallback", "WARNING", {}), "예측은 맞지만", "틀린 값"),
        ("tls", ("expired", "CRITICAL", {}), "이미 만료", "곧 만료"),
        ("health_body", ("answer", "CRITICAL", {"reason": "body"}), "상태 JSON이 아닙니다", "항목"),
        ("monitor", ("config", "WARNING", {}), "이전 설정으로 계속", "알리거나 기록하지"),
        ("monitor", ("channel_pager", "CRITICAL", {}), "이 채널로는", ""),
        ("updates", ("lists", "WARNING", {}), "목록", "설치하십시오"),
        ("disk", ("gone", "UNKNOWN", {}), ko_runbooks.BLIND, "지우거나"),
    ],
)
def test_advice_is_of_what_fails(kind: str, reading: tuple[str, str, dict[str, object]], wanted: str, unwanted: str) -> None:
    told = advice(ko_runbooks.RUNBOOKS, ko_runbooks.BLIND, kind, [Seen("other", "OK"), Seen(*reading)])
    assert wanted in told
    assert not unwanted or unwanted not in told


def test_unknown_or_well_has_no_advice() -> None:
    assert advice(ko_runbooks.RUNBOOKS, "", "own", [Seen("thing", "CRITICAL")]) == ""
    assert advice(ko_runbooks.RUNBOOKS, "", "disk", [Seen("usage", "OK")]) == ""
