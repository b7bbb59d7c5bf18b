from __future__ import annotations

from monitor_blueprint.config import parse
from monitor_blueprint.config.digest import digest_of

DOCUMENT = {"check": [{"name": "Flask", "kind": "service", "unit": "gunicorn_flask"}]}


def digest(environ: dict[str, str] | None = None, **monitor: object) -> str:
    return digest_of(parse({"monitor": monitor, **DOCUMENT}, environ or {}, source="monitor.toml"))


def test_the_same_has_the_same_digest() -> None:
    """Whatever else systemd puts into the environment."""
    assert digest() == digest({"INVOCATION_ID": "1234"}) == digest({"ALERT_EMAIL": ""})


def test_every_setting_changes_it() -> None:
    assert digest() != digest(reminder_minutes=7)
    assert digest() != digest({"SLACK_WEBHOOK": "https://hooks.slack.com/services/a/b/c"})


def test_no_secret_is_in_it() -> None:
    secret = "https://hooks.slack.com/services/a/b/c"
    assert secret not in digest({"SLACK_WEBHOOK": secret})
    assert len(digest({"SLACK_WEBHOOK": secret})) == 16
