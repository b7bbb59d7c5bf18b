"""A message's body is taken apart without anything of it getting lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from monitor_blueprint.domain.messages import Item, Message, Section
from monitor_blueprint.domain.models import CheckResult, Event, EventKind, Reading, Status, Thresholds
from monitor_blueprint.domain.receivers import Logged
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import backlog, mail_page, messages
from monitor_blueprint.text.outline import outline_of
from tests.monitor_blueprint.text.samples import AT, RESULTS, event

pytestmark = pytest.mark.usefixtures("seoul")
LATER = AT + timedelta(minutes=40)
RUNBOOKS = {"Flask": Public("https://wiki.example.org/flask"), "Disk": Public("first: ask · then <b>delete</b>")}
EVIDENCE = [("journal nginx", Public("one · two: three\n- four\n\n  five")), ("oom", Public("six"))]
HOSTILE = "<script>alert(1)</script><img/src=x>&amp;'\"<!channel>*_~`{{7*7}}[x]"


def of(kind: EventKind, **more: object) -> Event:
    return replace(event(kind, ("Flask",)), **more)  # type: ignore[arg-type]


EVENTS = {
    "opened": event(checks=("Django", "Flask", "Disk")),
    "caused": replace(event(), consequences={"Django": ("Flask",)}, silenced=("Disk",)),
    "joined": replace(event(EventKind.JOINED), checks=("Flask",)),
    "many": event(checks=tuple(f"check-{number}" for number in range(150))),
    "reminder": of(EventKind.REMINDER),
    "flapping": of(EventKind.FLAPPING, flapping={"Flask": 5}),
    "calm": of(EventKind.CALM, failing=(), lasted_s={"Flask": 60.0}),
    "blind": of(EventKind.BLIND, blind=("Flask",)),
    "partly": of(EventKind.PARTLY_RECOVERED, failing=("Disk",), lasted_s={"Flask": 60.0}, told_apart=("Disk",)),
    "recovered": of(EventKind.RECOVERED, failing=(), lasted_s={"Flask": 120.0}, due_to={"Flask": ("Disk",)}),
}


def sent() -> Iterator[tuple[str, Message]]:
    """Every message that there is, each as it leaves."""
    logged = []
    for number, (name, each) in enumerate(EVENTS.items(), 1):
        message = messages.alert(each, f"nn-{number}", RESULTS, EVIDENCE, RUNBOOKS)
        logged.append(Logged(number, each, message))
        yield name, message
        yield f"{name} late", backlog.catch_up(logged[-1:], [], RESULTS, LATER)
        yield f"{name} brief", backlog.catch_up(logged[-1:], [], RESULTS, AT, is_brief=True)
        yield f"{name} again", messages.repeated(backlog.catch_up(logged[-1:], logged[:1], RESULTS, AT))
    yield "backlog", messages.repeated(backlog.catch_up(logged, logged, RESULTS, LATER))
    yield "truth", backlog.truth(logged, RESULTS, LATER)
    for is_gone in (True, False):
        yield "deadman", Message("nn", *messages.deadman(is_gone=is_gone, last=AT, now=LATER), LATER)
    yield "test", Message("nn", *messages.test(AT), AT)
    yield "empty", Message("nn", Public(""), Public(""), AT)


def linked() -> list[tuple[str, Message]]:
    return [(name, messages.linked(message, "https://mon.example.org/m")) for name, message in sent()]


def words(text: str) -> list[str]:
    """All words of a message, without the marks between its parts, in any order."""
    return sorted(word for word in re.split(r"[\s·:\[\]]+|^- |부터|---", text, flags=re.MULTILINE) if word not in ("", "-"))


def shown(page: str) -> str:
    body = page.partition("<body")[2]
    return unescape(re.sub(r"<!--.*?-->|<[^>]*>", "\n", f"<body{body}"))


def test_a_page_says_all_that_the_text_says() -> None:
    """And nothing else but what its parts are called."""
    called = ("무엇", "왜", "결과", "언제", "확인", "id", "nn-x")
    for name, message in linked():
        page = mail_page.page_of(outline_of(message.body), "nn-x")
        text, own = words(message.body), words(shown(page))
        for word in set(text):
            assert own.count(word) >= text.count(word) or word == "확인", (name, word)
        assert set(own) <= {*text, *called}, (name, set(own) - set(text))


def test_the_parts_are_found() -> None:
    message = messages.linked(messages.alert(EVENTS["caused"], "nn-1", RESULTS, EVIDENCE), "https://mon.example.org/m")
    parts = outline_of(message.body)
    assert (parts.level, parts.title) == ("CRITICAL", "[CRITICAL] NeuroNova 서비스 장애 발생!")
    assert [label for label, _ in parts.facts] == ["실패한 서비스", "시각", "시간대", "서버", "알림 중지 중인 장애"]
    commands = ("systemctl status ml.service", "sudo journalctl -u ml.service -n 50", "sudo systemctl restart ml.service")
    assert parts.items == (
        Item(
            Public("Flask"),
            Public("중지됨 (failed/failed)"),
            Public("2025-12-06 14:35:01 KST부터"),
            (),
            tuple(map(Public, commands)),
        ),
        Item(
            Public("Django API"),
            Public("응답 이상 (HTTP 502)"),
            Public("2025-12-06 14:35:01 KST부터"),
            (Public("원인: Flask"),),
        ),
    )
    assert [each.title for each in parts.sections] == ["저널 nginx", "메모리 부족(OOM) 종료"]
    assert parts.link == "https://mon.example.org/m/incidents/7"
    assert parts.incident == (("장애 번호", "7"),)
    assert [command for _, command in parts.commands] == ["sudo neuronova-monitor ack", "sudo neuronova-monitor history 7"]
    assert parts.sections[0].lines == ("one · two: three", "- four", "", "  five")
    assert parts.notes == ()


def test_a_runbook_stands_beside_the_commands() -> None:
    parts = outline_of(messages.alert(event(checks=("Flask", "Disk")), "nn-1", RESULTS, [], RUNBOOKS).body)
    flask, disk = parts.items
    assert flask.advice == (("지침", "https://wiki.example.org/flask"),)
    assert flask.commands[0] == "systemctl status ml.service"
    assert disk.advice == (("지침", "first: ask · then <b>delete</b>"),)
    assert disk.commands[0] == "df -h /"
    page = mail_page.page_of(parts, "nn-1")
    assert 'href="https://wiki.example.org/flask"' in page
    assert "<b>delete" not in page


def test_a_limit_belongs_to_what_is_said() -> None:
    (disk,) = outline_of(messages.alert(event(checks=("Swap",)), "nn-1", SWAP).body).items
    assert disk.since == "2025-12-06 14:35:01 KST부터"
    assert " · 위험 기준 " in disk.said


def test_earlier_moments_stay_as_they_were_told() -> None:
    logged = [
        Logged(n, EVENTS[name], messages.alert(EVENTS[name], f"nn-{n}", RESULTS)) for n, name in ((1, "opened"), (2, "calm"))
    ]
    message = messages.repeated(backlog.catch_up(logged, logged[:1], RESULTS, LATER))
    first, second, unsure = outline_of(message.body).sections
    assert first.title == "2025-12-06 14:35:01 KST · nn-1"
    assert first.lines[-2:] == ("", "장애 번호: 7")
    assert second.lines[0].startswith("[OK] NeuroNova 서비스 복구")
    assert unsure == Section(
        Public("수신 확인을 받지 못한 앞선 알림 (이미 받으셨을 수 있음):"),
        (Public(f"- 2025-12-06 14:35:01 KST · nn-1 · {logged[0].message.subject}"),),
    )
    assert outline_of(message.body).notes[-1] == "(재전송: 이전 발송의 수신 확인을 받지 못했습니다)"


def test_the_link_stands_below_the_number() -> None:
    """Once, in every message about an incident; without an address, and for what is no incident, there is none."""
    for name, message in linked():
        lines = message.body.split("\n")
        if message.incident and "장애 번호: 7" in lines:
            assert lines[lines.index("장애 번호: 7") + 1] == "장애 화면: https://mon.example.org/m/incidents/7", name
        assert message.body.count("장애 화면") == (1 if message.incident else 0), name
    alert = messages.alert(EVENTS["opened"], "nn-1", RESULTS)
    assert messages.linked(alert, "") == alert
    bare = replace(alert, body=Public("cannot be put together"))
    assert messages.linked(bare, "https://m").body.split("\n") == [bare.body, "장애 화면: https://m/incidents/7"]


def test_hostile_text_is_no_markup() -> None:
    results = {
        HOSTILE: CheckResult(HOSTILE, "service", (Reading("unit", Status.CRITICAL, facts={"state": Public(HOSTILE)}),), AT)
    }
    notified = replace(event(checks=(HOSTILE,)), silenced=(HOSTILE,), consequences={HOSTILE: (HOSTILE,)})
    message = messages.alert(notified, HOSTILE, results, [("journal " + HOSTILE, Public(HOSTILE))])
    page = mail_page.page_of(outline_of(message.body), message.id)
    assert HOSTILE in shown(page)
    assert re.findall(r"<(?!/?(?:html|head|meta|title|style|body|table|tr|td|col|colgroup|div|span|b|br|a)[ >]|!)", page) == []
    assert "49" not in page


SWAP = {
    "Swap": CheckResult("Swap", "swap", (Reading("usage", Status.CRITICAL, 95.0, "%", thresholds=Thresholds(80.0, 90.0)),), AT)
}
