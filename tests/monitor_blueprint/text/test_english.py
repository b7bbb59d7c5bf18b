"""English beside the Korean catalogues: all that a page says has its sentence, and what was said in Korean is found again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import monitor_blueprint
from monitor_blueprint.domain.language import Catalogue, retold, said, speaking
from monitor_blueprint.domain.models import ABSENT, CheckResult, Reading, Status
from monitor_blueprint.domain.readings import Thresholds
from monitor_blueprint.domain.standing import Standing, Why
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import Public, fill
from monitor_blueprint.domain.unit_runs import Ending, UnitRun
from monitor_blueprint.text import endings, english, evidence, ko, ko_channels, ko_config, next_steps, render, rows, story

PACKAGE = Path(monitor_blueprint.__file__).parent
PAIRS = list(english.pairs())
ENGLISH: Catalogue = english.English()
KOREAN = re.compile("[가-힣]")
PLACE = re.compile(r"\{\w+[^{}]*\}|\\\d")
AT = datetime(2026, 11, 28, 3, 0, 1, tzinfo=UTC)
# Who makes what stands in a page.
SPEAKERS = [
    "engine/self_check.py",
    *(f"text/{name}.py" for name in ("endings", "evidence", "limits", "next_steps", "places", "render", "rows", "story")),
    *(f"console/{path.name}" for path in (PACKAGE / "console").glob("*.py")),
]
# What they say to logs, messages and commands only, or in both languages alike.
ELSEWHERE = {
    *("ko.EVENT", "ko.SILENCED_LINE", "ko.STEP", "ko.SHARED_TITLE", "ko.SYSTEMD_STATUS", "ko.UNCHANGED_BAD", "ko.UNCHANGED_OPEN"),
    *(
        "ko.DELIVERED_LATE",
        "ko.DELIVERIES",
        "ko.INCIDENT_LINE",
        "ko.LASTED",
        "ko.ONGOING",
        "ko.NOT_WELL",
        "ko.NOT_WELL_TOO",
        "ko.NO_OWNER",
    ),
    *("ko.OWNER", "ko.REMAINING", "ko.STILL", "ko.STILL_OPEN", "ko.STILL_WHY", "ko.WATCHED", "ko_services.RUN_REASONS"),
    # The page has words of its own for these.
    "ko.EVENT_KINDS",
    # Put together from those of single catalogues.
    *("ko.LINES", "ko.REASONS"),
    *("ko.MEASURED_LIMIT", "ko.SMALLER_MEASURES", "ko_channels.TEST_COMMAND"),
    *("ko_evidence.RAISED_AT", "ko_evidence.STATUSES", "ko_evidence.SYSTEMD_LINE"),
}


def test_places_are_the_same() -> None:
    assert [(korean, other) for korean, other in PAIRS if sorted(PLACE.findall(korean)) != sorted(PLACE.findall(other))] == []


def test_one_sentence_has_one_meaning() -> None:
    assert len(dict(PAIRS)) == len(set(PAIRS))


def test_english_has_no_korean() -> None:
    assert [other for _, other in PAIRS if KOREAN.search(other)] == []


def test_mappings_have_the_same_keys() -> None:
    for korean, other in english.CATALOGUES:
        for name, value in vars(other).items():
            if isinstance(value, Mapping) and name.isupper():
                assert set(getattr(korean, name)) == set(value), (other.__name__, name)


def test_every_field_is_said_in_both() -> None:
    """What the Korean one leaves to the general text, the English one leaves to it, too."""
    known = dict(PAIRS)
    texts = [*ko.LINES.values(), ko.GENERAL, ko.ABSENT]
    sentences = {text for each in texts for text in (each.ok, each.warning, each.bad, each.more, each.limit) if text}
    assert {text for text in sentences if KOREAN.search(text)} <= set(known)


@pytest.mark.parametrize("file", SPEAKERS)
def test_every_sentence_of_a_page_is_there(file: str) -> None:
    catalogues = {korean.__name__.rpartition(".")[2]: other for korean, other in english.CATALOGUES}
    tree = ast.parse((PACKAGE / file).read_text("utf-8"))
    imported = [name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names]
    called = {name.asname or name.name: name.name for name in imported if name.name.partition("_")[0] == "ko"}
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.isupper()]
    named = [(node.value.id, node.attr) for node in attributes if isinstance(node.value, ast.Name)]
    used = {(called[module], name) for module, name in named if module in called}
    missing = {f"{module}.{name}" for module, name in used if not hasattr(catalogues.get(module), name)}
    assert missing <= ELSEWHERE


def filled(sentence: str, facts: Mapping[str, str]) -> str:
    return PLACE.sub(lambda place: facts[place[0]], sentence)


@pytest.mark.parametrize(("korean", "other"), [pair for pair in PAIRS if KOREAN.search(pair[0]) and not pair[0].startswith("^")])
def test_what_was_said_is_found_again(korean: str, other: str) -> None:
    facts = {place: f"{number}7" for number, place in enumerate(PLACE.findall(korean), 3)}
    assert ENGLISH.retold(filled(korean, facts), is_ours=True) == filled(other, facts)


def test_what_others_wrote_stays() -> None:
    for text in ("사용자 3일", "2026-11-28 12:00:01 KST web: 파일 3개", "Traceback: 오류 503", "1.2G  /data/백업.tar"):
        assert ENGLISH.retold(text) == text
    assert ENGLISH.retold("no Korean") == "no Korean"


PIECES = ("가 · ", "가, ", "가 (", "시간 전", "가 [가] ", "없음 (3일 전), ", " - 곧 다시 확인", "개 외 ", "))가((, ")


@pytest.mark.parametrize("piece", PIECES)
def test_a_hostile_line_ends(piece: str) -> None:
    """However it is put together, a line is not taken apart without end."""
    for is_ours in (False, True):
        for count in (2000, 990 // len(piece)):
            assert len(ENGLISH.retold(piece * count, is_ours=is_ours)) >= count


def test_korean_is_the_rule() -> None:
    assert said(ko.NO_REASON) == ko.NO_REASON
    assert retold("연결 거부") == "연결 거부"
    with speaking(ENGLISH):
        assert said(ko.NO_REASON) == "no reason given"
        assert fill(ko.NEVER) == "none"
        with speaking(None):
            assert fill(ko.NEVER) == ko.NEVER
    assert fill(ko.NEVER) == ko.NEVER


FACTS: dict[str, Public | int] = {
    **dict.fromkeys(("unit", "source", "was", "target", "type", "where", "place", "server", "entries", "issuer"), Public("x")),
    **dict.fromkeys(("hours", "days", "days_ago", "count", "free_bytes", "bytes", "minutes", "limit_s", "others"), 3),
    **dict.fromkeys(("limit_h", "limit_days", "limit_min", "limit_percent", "limit_free_percent", "most", "http_status"), 5),
    **dict.fromkeys(("address", "model_version", "file", "codes", "path", "config", "field", "expected"), Public("y")),
}


def readings(kind: str, aspect: str) -> Iterator[Reading]:
    reasons = [*ko.REASONS, "timeout", "no answer from the probe for 5 s"]
    for status in Status:
        for limits in (None, Thresholds(80, 90, 2)):
            yield Reading(aspect, status, 85.5, "%", limits, facts=FACTS)
        yield Reading(aspect, status, facts={**FACTS, "hours": 0, "days": 0, "bytes": 1}, is_settling=True)
        for state in (*ko.STATES, "failed/failed", "inactive/dead", "activating/start"):
            yield Reading(aspect, status, facts={**FACTS, "state": Public(state), "result": Public("oom-kill")}, is_settling=True)
            yield Reading(aspect, status, facts={**FACTS, "state": Public(state), "result": Public("signal")})
        for reason in reasons:
            yield Reading(aspect, status, facts={**FACTS, "reason": Public(reason), "within_s": 5})


@pytest.mark.parametrize(("kind", "aspect"), [*ko.LINES, ("plugin", "thing"), ("plugin", ABSENT)])
def test_a_reading_is_all_english(kind: str, aspect: str) -> None:
    for reading in readings(kind, aspect):
        result = CheckResult("Name", kind, (reading,), AT)
        with speaking(ENGLISH):
            told = [render.full_line(result, reading).text, render.line(result, reading), render.title("Name", kind)]
            told += [next_steps.commands(result, 1), *story.measured(result)]
        korean = story.measured(result)
        assert not KOREAN.search(" ".join(told)), told
        # The same as it was kept.
        assert [ENGLISH.retold(line, is_ours=True) for line in korean] == told[-len(korean) :]


def test_standings_are_english() -> None:
    with speaking(ENGLISH):
        for why in Why:
            standing = Standing("Web", True, why, AT, ("Disk",), 4, AT + timedelta(hours=1))
            assert not KOREAN.search(rows.note(standing))
        assert rows.value_range("h", [0.5]) == "30 min"


def test_durations_are_english() -> None:
    with speaking(ENGLISH):
        assert render.duration(2 * 86400 + 3 * 3600) == "2 d 3 h"
        assert render.duration(0) == "0 s"


def test_the_story_is_english() -> None:
    facts = dict.fromkeys(
        ("number", "by", "check", "why", "text", "checks", "name", "role", "count", "address", "added", "units"), "x"
    )
    with speaking(ENGLISH):
        for kind in StoryKind:
            entry = StoryEntry(AT, kind, {**facts, "until": AT.isoformat(), "cut": "1", "configured": "1", "removed": "y"})
            assert not KOREAN.search(story.line(entry))


def test_how_a_service_ended_is_retold() -> None:
    ended = Ending(AT, "ExecStart", "exited", 203)
    run = UnitRun(result="exit-code", ended=ended, restarts=2, program=("/srv/app",), environment_files=())
    told = endings.of_run(run)
    assert KOREAN.search(told)
    with speaking(ENGLISH):
        said_now = endings.of_run(run)
        assert evidence.retold_piece("unit web", told) == said_now
    assert said_now.splitlines()[0].startswith("main process ended: exit code 203/EXEC · ")
    assert said_now.splitlines()[1] == "the program is missing or cannot be run: /srv/app"


def test_counted_answers_are_retold() -> None:
    lines = f"{evidence.statuses([(502, 3), (504, 1)], AT, AT)}\n2026-11-28 12:00:01 KST 502 GET /3일"
    with speaking(ENGLISH):
        counted, request = evidence.retold_piece("nginx_5xx", lines).split("\n")
    assert counted.startswith("502: 3 times · 504: 1 times (")
    assert request.endswith("GET /3일")


@pytest.mark.parametrize(
    "answer",
    ["no answer within 10 s", "ConnectionRefusedError: Connection refused", "550 no such user", "gaierror: x", "timed out", ""],
)
def test_a_channel_that_fails_is_retold(answer: str) -> None:
    told = render.channel_reason(Public(answer))
    with speaking(ENGLISH):
        now = render.channel_reason(Public(answer))
        assert retold(told, is_ours=True) == now
        assert not KOREAN.search(now)


@pytest.mark.parametrize(
    "error",
    [
        'top: key "disks" is not known; did you mean "disk"?; allowed: a, b',
        "/etc/x.toml: top level: key ***  is not known; allowed: none",
        "not valid TOML: Expected '=' (at line 3, column 4)",
        "Expected `int` >= 1 - at `$.every_minutes`",
        "Expected `int | null`, got `str` - at `$.every_minutes`",
        "Expected `str` of length >= 1 - at `$.name`",
        "Invalid enum value 'x' - at `$.kind`",
        "[[check]] 2: name is missing",
        "[[check]] Disk: warning must not be above critical",
        "environment: MONITOR_BINDD is not known; did you mean MONITOR_BIND?",
        "environment: MONITOR_ADMIN_TOKEN must be 16 to 256 letters, digits and . _ ~ - (or empty: one is made)",
        "environment: MONITOR_STATS_TOKEN must be 16 to 256 letters, digits and . _ ~ - (or empty: there is none)",
        "environment: MONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN",
        "environment: MONITOR_BIND must be 127.0.0.1:PORT or unix:/PATH (or empty: 127.0.0.1:9001)",
        "environment: SLACK_WEBHOOK must be an https:// URL (http:// only to this machine itself); SMTP_HOST is missing",
        "environment: HEARTBEAT_URL must be an http:// or https:// URL",
        "environment: SMTP_PORT must be a number from 1 to 65535",
        "environment: SMTP_TLS must be one of starttls, tls, none (or not set: used where the server offers it)",
        "environment: SMTP_HOST must be a host name or an address (HOST, HOST:PORT or [ADDRESS]:PORT), without scheme",
        "environment: SMTP_USER and SMTP_PASSWORD must both be set, or neither",
        "environment: SMTP_HOST goes on in the next line: is its closing quotation mark missing?",
        "environment: ALERT_EMAIL: number 2 is no mail address (several are separated by commas)",
        "environment: ALERT_EMAIL: number 1 has no domain, and only a mail server of this machine itself knows whom it means",
        "environment: ALERT_EMAIL holds no address (several are separated by commas)",
        "environment: SMTP_HOST and SMTP_PORT name different ports",
        "environment: SMTP_TLS=none would send SMTP_PASSWORD in clear: use starttls or tls, or leave SMTP_USER out",
        "[[notifier]] email: ca_file: there is no file /etc/ca.pem",
        "environment: MONITOR_URL must be where people open the monitor's pages, as https://m.example.com or http://m.example.com,"
        " without user, query and fragment (or empty: messages have no link)",
        '[[maintenance]]: start and end must be two different local times such as "02:00:00"',
        '[[maintenance]]: start must be a local time such as "02:00:00"',
        "[[check]] Web: a service needs `unit`, `url` or both",
        '[[check]] Web: `body` needs `method = "POST"`',
        "[[check]] 2: name must be a text of 1 to 40 characters without blanks, quotes and *",
        "[[check]] Web: runbook must be one line of 300 characters at most, or a link",
    ],
)
def test_a_fault_of_the_configuration_is_english(error: str) -> None:
    with speaking(ENGLISH):
        assert not KOREAN.search(ko_config.fault(error))
        assert not KOREAN.search(render.config_fault(error))
    with_korean = render.config_fault(error)
    assert KOREAN.search(with_korean)
    assert not KOREAN.search(ENGLISH.retold(with_korean, is_ours=True))


def test_the_reason_of_a_channel_keeps_what_it_names() -> None:
    with speaking(ENGLISH):
        assert ko_channels.reason("cannot be sent: SMTPNotSupportedError").endswith("(SMTPNotSupportedError)")
