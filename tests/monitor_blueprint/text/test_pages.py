"""The words of the pages: that both languages have every one mypy sees to; here it is that they say the same."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import monitor_blueprint
from monitor_blueprint import probes
from monitor_blueprint.domain.models import EventKind
from monitor_blueprint.text import en_pages, en_runbooks, ko_pages, ko_runbooks
from monitor_blueprint.text.page_words import PageWords

PACKAGE = Path(monitor_blueprint.__file__).parent
NAMES = [field.name for field in msgspec.structs.fields(PageWords)]


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


def test_every_kind_has_a_runbook() -> None:
    kinds = {*probes.available(), "monitor"}
    assert set(ko_runbooks.RUNBOOKS) == set(en_runbooks.RUNBOOKS) == kinds
