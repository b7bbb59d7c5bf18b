"""Messages as Slack's blocks: within its limits, and nothing of them is markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.blocks import Block as SlackBlock

from monitor_blueprint.adapters.slack_blocks import blocks_of
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, EventKind, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import messages
from monitor_blueprint.text.outline import outline_of
from tests.monitor_blueprint.text.samples import AT, RESULTS, event
from tests.monitor_blueprint.text.test_outline import HOSTILE, linked, words

pytestmark = pytest.mark.usefixtures("seoul")


def parts_of(message: Message) -> dict[str, Any]:
    """As it arrives."""
    whole: dict[str, Any] = json.loads(json.dumps(blocks_of(outline_of(message.body))))
    return whole


def texts(value: Any) -> Iterator[dict[str, Any]]:
    """Whatever has a text, or is one."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from texts(each)


def said(parts: dict[str, Any]) -> str:
    return "\n".join(each["text"] for each in texts(parts))


def lists(parts: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [parts["blocks"], *(each["blocks"] for each in parts.get("attachments", []))]


def test_blocks_say_all_that_the_text_says() -> None:
    """But for what is called so in the text, and for what has no room."""
    for name, message in linked():
        spoken = words(said(parts_of(message)))
        missing = set(words(message.body)) - set(spoken) - {"확인", "장애", "화면"}
        assert missing == set() or "(+" in said(parts_of(message)), (name, missing)


def test_every_message_is_within_the_limits() -> None:
    for name, message in linked():
        parts = parts_of(message)
        assert all(0 < len(blocks) <= 50 for blocks in lists(parts)), name
        for block in (block for blocks in lists(parts) for block in blocks):
            known = SlackBlock.parse(block)
            assert known is not None
            known.validate_json()
        for each in texts(parts):
            assert 0 < len(each["text"]) <= (150 if each["type"] == "plain_text" else 3000), name
        assert sum(len(each["text"]) for each in texts(parts)) < 13_000, name


def test_what_has_no_room_is_counted() -> None:
    names = tuple(f"check-{number}" for number in range(90))
    parts = parts_of(messages.alert(event(checks=names), "nn-7", {}))
    (attachment,) = parts["attachments"]
    assert len(attachment["blocks"]) == 50
    # Ninety checks, and the incident.
    assert said({"x": attachment["blocks"][-1]}) == f"… (+{91 - 49})"
    long = messages.alert(event(checks=("Flask",)), "nn-7", RESULTS, [("oom", Public("x" * 4000))])
    (cut,) = [each["text"] for each in texts(parts_of(long)) if "xxx" in each["text"]]
    assert len(cut) <= 3000
    assert cut.endswith(f"x… (+{4000 - cut.count('x')})")
    title = replace(long, body=Public("t" * 200))
    (cut,) = [each["text"] for each in texts(parts_of(title))]
    assert cut.endswith(f"t… (+{200 - cut.count('t')})")


def test_an_address_can_be_opened() -> None:
    """The incident's page, and the operators' own runbook."""
    message = messages.alert(event(checks=("Flask",)), "nn-7", RESULTS, [], {"Flask": Public("https://wiki.example.org/flask")})
    parts = parts_of(messages.linked(message, "https://mon.example.org/m"))
    links = [each["url"] for each in texts(parts) if each["type"] == "link"]
    assert links == ["https://wiki.example.org/flask", "https://mon.example.org/m/incidents/7"]


def test_the_bar_has_the_colour_of_the_level() -> None:
    fine = replace(event(EventKind.RECOVERED, ("Flask",)), failing=(), lasted_s={"Flask": 60.0})
    blind = replace(event(EventKind.BLIND, ("Flask",)), blind=("Flask",))
    for each, colour in ((event(), "danger"), (fine, "good"), (blind, "warning")):
        (attachment,) = parts_of(messages.alert(each, "nn-7", RESULTS))["attachments"]
        assert attachment["color"] == colour


def test_hostile_text_is_only_text() -> None:
    reading = Reading("unit", Status.CRITICAL, facts={"state": Public(HOSTILE)})
    results = {HOSTILE: CheckResult(HOSTILE, "service", (reading,), AT)}
    notified = replace(event(checks=(HOSTILE,)), silenced=(HOSTILE,), consequences={HOSTILE: (HOSTILE,)})
    parts = parts_of(messages.alert(notified, "nn-7", results, [("journal " + HOSTILE, Public(HOSTILE))]))
    hostile = [each for each in texts(parts) if "script" in each["text"]]
    assert len(hostile) >= 5
    assert {each["type"] for each in hostile} == {"text"}
    assert {each["type"] for each in texts(parts)} <= {"text", "plain_text"}
    assert "mrkdwn" not in json.dumps(parts)
