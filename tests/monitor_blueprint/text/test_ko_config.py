"""What is wrong with a configuration is said in Korean: every sentence of the reader's own has its words."""

from __future__ import annotations

import re

import pytest

from monitor_blueprint.config import environment
from monitor_blueprint.text.ko_config import fault

# Names of keys, variables, examples and protocols are no sentences.
_ENGLISH = re.compile(r"\b(must|is|are|not|known|missing|expected|got|allowed|where|without|taken|empty|set)\b", re.IGNORECASE)


@pytest.mark.parametrize(
    "environ",
    [
        {"MONITOR_ADMIN_TOKEN": "short"},
        {"MONITOR_STATS_TOKEN": "short"},
        {"MONITOR_STATS_TOKEN": "a" * 20, "MONITOR_ADMIN_TOKEN": "a" * 20},
        {"MONITOR_BIND": "0.0.0.0:80"},
        {"SLACK_WEBHOOK": "http://example.com/x"},
        {"HEARTBEAT_URL": "ftp://example.com"},
        {"ALERT_EMAIL": "a@example.com", "SMTP_PORT": "x"},
        {"ALERT_EMAIL": "a@example.com", "SMTP_TLS": "x"},
        {"ALERT_EMAIL": "a@example.com", "SMTP_HOST": "smtp://x"},
        {"ALERT_EMAIL": "a@example.com", "SMTP_HOST": "localhost", "SMTP_USER": "x"},
        {"ALERT_EMAIL": "nobody", "SMTP_HOST": "mail.example.com"},
        {"ALERT_EMAIL": "a b@c"},
        {"ALERT_EMAIL": ","},
        {"ALERT_EMAIL": "a@example.com", "SMTP_HOST": "localhost:25", "SMTP_PORT": "26"},
        {
            "ALERT_EMAIL": "a@example.com",
            "SMTP_HOST": "m.example.com",
            "SMTP_TLS": "none",
            "SMTP_USER": "x",
            "SMTP_PASSWORD": "y",
        },
        {"SMPT_HOST": "x"},
        {"MONITOR_URL": "x"},
        {"SMTP_HOST": "x\ny"},
    ],
    ids="+".join,
)
def test_variables_in_korean(environ: dict[str, str]) -> None:
    found = environment.problems(environ, {})
    assert found
    told = fault("environment: " + "; ".join(found))
    assert not _ENGLISH.search(told), told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Expected `int`, got `str` - at `$.every_minutes`", 'every_minutes 값은 정수 형식이어야 함 (지금은 글자("..."))'),
        ('start must be a local time such as "02:00:00"', 'start 값은 그 지역의 시각이어야 함. 예: "02:00:00"'),
        (
            'start and end must be two different local times such as "02:00:00"',
            'start와 end는 서로 다른 시각이어야 함. 예: "02:00:00"',
        ),
        ("a service needs `unit`, `url` or both", "service 점검에는 unit이나 url이 필요함"),
        ('`body` needs `method = "POST"`', 'body를 쓰려면 method = "POST"가 필요함'),
    ],
)
def test_sections_in_korean(said: str, told: str) -> None:
    assert fault(said) == told
