from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from monitor_blueprint import config, notifiers, probes
from monitor_blueprint.config import Config, ConfigError
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.maintenance import Weekday
from monitor_blueprint.domain.messages import Handover, Message, Retry
from monitor_blueprint.domain.models import Thresholds
from monitor_blueprint.domain.text import Public

ROOT = Path(__file__).parents[3]
FLASK = """
[[check]]
name = "Flask"
kind = "http"
url = "http://127.0.0.1:9000/health"
"""


def parse(text: str, environ: Mapping[str, str] | None = None) -> Config:
    return config.parse(tomllib.loads(text), environ or {}, source="monitor.toml")


# --- What is there without any settings


def test_the_default_is_the_guide() -> None:
    found = config.load({})
    document = tomllib.loads(config.DEFAULT_FILE.read_text())
    assert [section["name"] for section in document["check"]][:6] == ["Nginx", "Django", "Flask", "Disk", "Memory", "CPU"]
    assert found.settings.every_minutes == 5
    assert found.settings.keep_days == 30
    assert found.is_embedded
    services = {check.name: check.options for check in found.checks if check.kind == "service"}
    assert {name: (options.unit, options.url) for name, options in services.items()} == {
        "Nginx": ("nginx", ""),
        "Django": ("gunicorn_django", "http://127.0.0.1:8000/api/health/"),
        "Flask": ("gunicorn_flask", "http://127.0.0.1:9000/health"),
    }
    thresholds = {check.name: check.options.thresholds for check in found.checks if check.kind in ("disk", "memory", "cpu")}
    assert thresholds == {"Disk": Thresholds(80, 90), "Memory": Thresholds(80, 90), "CPU": Thresholds(70, 90)}
    depends_on = {policy.name: policy.depends_on for policy in found.policies}
    assert (depends_on["Nginx"], depends_on["Django"], depends_on["Flask"]) == (("Django",), ("Flask",), ())
    assert {policy.name: policy.explained_by for policy in found.policies if policy.explained_by} == {"Django": ("DjangoHealth",)}


@pytest.mark.parametrize(
    "runbook", ["Kim: 010-0000-0000, then restart", "https://wiki/page?id=3#nginx", "see the wiki (https://wiki/)"]
)
def test_a_check_may_have_a_runbook(runbook: str) -> None:
    config = parse(f"[[check]]\nname = 'Disk'\nkind = 'disk'\nrunbook = '{runbook}'")
    assert config.runbooks == {"Disk": runbook}


@pytest.mark.parametrize("runbook", ["ftp://wiki/", "https://", "https://kim:secret@wiki/", "javascript://x", "x" * 301, "a\\nb"])
def test_a_runbook_that_is_none_is_refused(runbook: str) -> None:
    with pytest.raises(ConfigError, match="runbook"):
        parse(f'[[check]]\nname = "Disk"\nkind = "disk"\nrunbook = "{runbook}"')


def test_what_is_about_one_thing_is_known() -> None:
    """Of a check of many units only its result says which of them it is about."""
    shares = {policy.name: policy.shares for policy in config.load({}).policies}
    assert shares["Disk"] == shares["Inodes"] == shares["DiskTrend"] == {"path /"}
    assert shares["Swap"] == shares["OutOfMemory"] == shares["Memory"] == {"memory"}
    assert shares["Flask"] == {"unit gunicorn_flask"}
    assert shares["Restarts"] == shares["CPU"] == shares["Monitor"] == frozenset()


def test_who_reads_the_same_address_explains_it() -> None:
    """And another of the same site does not: of that it says nothing."""
    site = "http://127.0.0.1:8000/"
    asking = "".join(f'[[check]]\nname = "{name}"\nkind = "http"\nurl = "{site}{name}"\n' for name in ("health", "portal"))
    body = f'[[check]]\nname = "Body"\nkind = "health_body"\nurl = "{site}health/"\n'
    explained = {policy.name: policy.explained_by for policy in parse(asking + body).policies}
    assert explained == {"health": ("Body",), "portal": (), "Body": (), "Monitor": ()}


def test_the_guides_thresholds_are_default() -> None:
    kinds = "".join(f'[[check]]\nname = "{kind}"\nkind = "{kind}"\n' for kind in ("disk", "memory", "cpu"))
    thresholds = {check.name: check.options.thresholds for check in parse(kinds).checks}
    assert thresholds == {"disk": Thresholds(80, 90), "memory": Thresholds(80, 90), "cpu": Thresholds(70, 90)}


def test_the_installers_file_is_valid() -> None:
    path = ROOT / "deploy" / "monitoring" / "monitor.toml"
    found = config.load({"NEURONOVA_CONFIG": str(path)})
    assert [check.name for check in found.checks][:6] == ["Nginx", "Django", "Flask", "Disk", "Memory", "CPU"]
    assert (found.source, found.is_embedded) == (str(path), False)


# --- What the configuration gives


def test_checks_keep_the_files_order() -> None:
    """The monitor's own comes last."""
    text = "".join(f'[[check]]\nname = "{name}"\nkind = "cpu"\n' for name in "ZAM")
    found = parse(text)
    assert [policy.name for policy in found.policies] == ["Z", "A", "M", "Monitor"]


def test_the_schedule_limits_the_interval() -> None:
    """No check runs more often."""
    found = parse("[monitor]\nevery_minutes = 10" + FLASK + "interval_s = 5\n")
    assert found.checks[0].policy.interval_s == 600.0


def test_a_kind_may_run_less_often() -> None:
    """The file has the last word."""
    updates = '[[check]]\nname = "Updates"\nkind = "updates"\n'
    assert parse(updates).checks[0].policy.interval_s > 300.0
    assert parse(updates + "interval_s = 900\n").checks[0].policy.interval_s == 900.0
    assert parse(updates + "interval_s = 0\n").checks[0].policy.interval_s == 300.0


def test_units_are_collected_once_each() -> None:
    text = """
[[check]]
name = "A"
kind = "service"
unit = "nginx"
[[check]]
name = "B"
kind = "restarts"
units = ["nginx", "gunicorn_flask"]
"""
    assert parse(text).units == ("nginx", "gunicorn_flask")


def test_a_window_is_local_time() -> None:
    text = (
        FLASK
        + """
[[maintenance]]
days = ["sun"]
start = 02:00:00
end = 03:30:00
timezone = "Asia/Seoul"
checks = ["Flask"]
why = "backup"
"""
    )
    (window,) = parse(text).windows
    assert (window.days, window.start, window.end, window.checks) == ((Weekday.SUN,), time(2), time(3, 30), ("Flask",))
    # Saturday 17:30 in UTC is Sunday 02:30 in Korea.
    (silence,) = maintenance.active((window,), datetime(2025, 12, 6, 17, 30, tzinfo=UTC))
    assert (silence.check, silence.why) == ("Flask", "backup")
    assert not maintenance.active((window,), datetime(2025, 12, 6, 18, 30, tzinfo=UTC))


def test_a_window_may_end_after_midnight() -> None:
    window = '[[maintenance]]\ndays = ["sun"]\nstart = 23:00:00\nend = 01:00:00\ntimezone = "UTC"\n'
    assert [(each.start, each.end) for each in parse(FLASK + window).windows] == [(time(23), time(1))]


def test_the_monitor_follows_its_section() -> None:
    """Its own check, and the rules."""
    found = parse("[monitor]\nevery_minutes = 10\nreminder_minutes = 7" + FLASK)
    assert [(policy.name, policy.interval_s) for policy in found.policies] == [("Flask", 600.0), ("Monitor", 600.0)]
    assert found.incident_rules.reminder_s == 420.0


def test_equal_limits_leave_no_warning() -> None:
    (check,) = parse('[[check]]\nname = "CPU"\nkind = "cpu"\nwarning = 90\ncritical = 90').checks
    assert check.options.thresholds == Thresholds(90, 90)


# --- What is refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[monitr]",
            'top level: key "monitr" is not known (did you mean "monitor"?); allowed: monitor, check, channel, maintenance',
        ),
        (
            "[monitor]\nevery_minute = 5",
            '[monitor]: key "every_minute" is not known (did you mean "every_minutes"?); '
            "allowed: every_minutes, reminder_minutes, grace_s, keep_days, log_dir, state_dir, public_page",
        ),
        ("[monitor]\nevery_minutes = 0", "[monitor]: Expected `int` >= 1 - at `$.every_minutes`"),
        ("[monitor]\nevery_minutes = 31", "[monitor]: Expected `int` <= 30 - at `$.every_minutes`"),
        ("[monitor]\nevery_minutes = '5'", "[monitor]: Expected `int`, got `str` - at `$.every_minutes`"),
        ("[monitor]\nlog_dir = ''", "[monitor]: Expected `str` of length >= 1 - at `$.log_dir`"),
        ("monitor = 5", "[monitor] must be a table of keys and values"),
        ("[check]\nname = 'Flask'", "check must be written [[check]], with double brackets, once for each"),
        ("check = ['Flask']", "every [[check]] must be a table of keys and values"),
        ("channel = ['slack']", "every [[channel]] must be a table of keys and values"),
        ("maintenance = [1]", "every [[maintenance]] must be a table of keys and values"),
        ("[[check]]\nkind = 'cpu'", '[[check]] "?": Object missing required field `name`'),
        ("[[check]]\nname = 'CPU'", '[[check]] "CPU": kind is missing; allowed: ' + ", ".join(probes.available())),
        (
            "[[check]]\nname = 'A b'\nkind = 'cpu'",
            '[[check]] "A b": name must be a text of 1 to 40 characters without blanks, quotes and *',
        ),
        (
            FLASK.replace("http://", ""),
            '[[check]] "Flask": url must be an http://, https:// or http+unix://%2Frun%2Fsite.sock/ '
            "address (%2F for each / of the socket's path): a host, a port from 1 to 65535 or none, "
            "no user or password, no blank",
        ),
        (FLASK + "expect_status = []", '[[check]] "Flask": Expected `array` of length >= 1 - at `$.expect_status`'),
        (FLASK + "expect_status = [200, 600]", '[[check]] "Flask": Expected `int` <= 599 - at `$.expect_status[1]`'),
        (
            FLASK + "timeout = 3",
            '[[check]] "Flask": key "timeout" is not known (did you mean "timeout_s"?); allowed: name, kind, depends_on, '
            "confirm, interval_s, grace_s, runbook, url, method, body, content_type, secret_headers, expect_status, expect_text, "
            "expect_json, tolerance, attempts, retry_delay_s, timeout_s",
        ),
        (FLASK + "timeout_s = 'long'", '[[check]] "Flask": Expected `float`, got `str` - at `$.timeout_s`'),
        (FLASK + "attempts = 11", '[[check]] "Flask": Expected `int` <= 10 - at `$.attempts`'),
        (FLASK + "confirm = 0", '[[check]] "Flask": Expected `int` >= 1 - at `$.confirm`'),
        (FLASK + "depends_on = 'CPU'", '[[check]] "Flask": Expected `array`, got `str` - at `$.depends_on`'),
        (FLASK + FLASK, '[[check]] "Flask": the name is taken; every check needs a name of its own'),
        (
            FLASK.replace("Flask", "Monitor"),
            '[[check]] "Monitor": the name is taken; every check needs a name of its own',
        ),
        (
            FLASK + FLASK.replace('"Flask"', '"Django"\ndepends_on = ["Flsk"]'),
            '[[check]] "Django": depends_on "Flsk" is not known (did you mean "Flask"?); allowed: Flask',
        ),
        (FLASK + "depends_on = ['Flask']", '[[check]] "Flask": depends_on names the check itself; allowed: none'),
        (
            FLASK + "depends_on = ['Flask']\n[[check]]\nname = 'CPU'\nkind = 'cpu'",
            '[[check]] "Flask": depends_on names the check itself; allowed: CPU',
        ),
        (FLASK + "depends_on = ['Flsk']", '[[check]] "Flask": depends_on "Flsk" is not known; allowed: none'),
        (
            FLASK + "[[check]]\nname = 'CPU'\nkind = 'cpu'\nwarning = 95",
            '[[check]] "CPU": `warning` must not be above `critical`',
        ),
        (
            "[[check]]\nname = 'Disk'\nkind = 'disk'\ncritical = 900",
            '[[check]] "Disk": Expected `float` <= 100.0 - at `$.critical`',
        ),
        (
            "[[check]]\nname = 'CPU'\nkind = 'cpu'\nwarning = nan",
            '[[check]] "CPU": Expected `float` > 0.0 - at `$.warning`',
        ),
        ("[[check]]\nname = 'CPU'\nkind = 'cpu'\nwarning = 0", '[[check]] "CPU": Expected `float` > 0.0 - at `$.warning`'),
        ("[[check]]\nname = 'CPU'\nkind = 'cpu'\nclear = 51", '[[check]] "CPU": Expected `float` <= 50.0 - at `$.clear`'),
        ("[[check]]\nname = 'X'\nkind = 'service'", '[[check]] "X": a service needs `unit`, `url` or both'),
        (
            "[[check]]\nname = 'X'\nkind = 'service'\nunit = 'x'\nwhen_absent = 'ignore'",
            "[[check]] \"X\": Invalid enum value 'ignore' - at `$.when_absent`; allowed: fail, skip, url",
        ),
        (
            "[[channel]]\nkind = 'slak'",
            '[[channel]]: kind "slak" is not known (did you mean "slack"?); allowed: ' + ", ".join(notifiers.available()),
        ),
        ("[[channel]]", "[[channel]]: kind is missing; allowed: " + ", ".join(notifiers.available())),
        (
            "[[channel]]\nkind = 'email'\nca_flie = '/etc/ca.crt'",
            '[[channel]] email: key "ca_flie" is not known (did you mean "ca_file"?); allowed: kind, ca_file',
        ),
        ("[[channel]]\nkind = 'slack'\n" * 2, '[[channel]] "slack" is there twice; each kind can be there once'),
        ("[monitor]", "no [[check]] is configured; a monitor that checks nothing would say OK for ever"),
    ],
)
def test_a_mistake_is_told(text: str, expected: str) -> None:
    """With the file, the key and what is allowed."""
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert str(refused.value) == f"monitor.toml: {expected}"


def test_an_unknown_kind_is_told() -> None:
    """With those that exist."""
    with pytest.raises(ConfigError) as refused:
        parse("[[check]]\nname = 'Disk'\nkind = 'disc'")
    notified = str(refused.value)
    assert notified.startswith(
        'monitor.toml: [[check]] "Disk": kind "disc" is not known (did you mean "disk"?); allowed: backup, cpu, '
    )


# --- A new file that is not finished yet

PAGER = """
import msgspec
from monitor_blueprint.notifiers import Delivered

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass

ENVIRONMENT = ("PAGER_ADDRESS",)

def is_configured(options, environ):
    return bool(environ.get("PAGER_ADDRESS"))

def check(options, environ):
    return []

def send(message, options, environ, timeout_s):
    return Delivered()
"""


PutFile = Callable[[ModuleType, str], Path]


@pytest.fixture
def put_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PutFile:
    """Puts a file beside those of a package; its name is one that no other test has: what is imported stays so."""

    def put(package: ModuleType, text: str) -> Path:
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        path = tmp_path / f"{tmp_path.name}.py"
        path.write_text(text)
        return path

    return put


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import not_there", " cannot be imported (ModuleNotFoundError: No module named 'not_there')"),
        ("def probe(:", " cannot be imported (SyntaxError: invalid syntax"),
        ("raise SystemExit(1)", " cannot be imported (SystemExit: 1)"),
        ("", " has no Options, probe; needed: Options, probe"),
        ("class Options: ...\ndef probe(options, context): ...", ": Options must be a msgspec.Struct"),
    ],
)
def test_a_broken_check_is_told(put_file: PutFile, text: str, why: str) -> None:
    """With its file, and what is wrong with it."""
    path = put_file(probes, text)
    with pytest.raises(ConfigError) as refused:
        parse(f"[[check]]\nname = 'Uptime'\nkind = '{path.stem}'")
    assert str(refused.value).startswith(f'monitor.toml: [[check]] "Uptime": {path}{why}')
    # Who does not name it is not stopped by it.
    assert parse(FLASK).faults == ()


def test_a_private_file_is_no_plugin(put_file: PutFile) -> None:
    path = put_file(probes, "")
    path.rename(path.with_name("_draft.py"))
    assert "_draft" not in probes.available()
    with pytest.raises(ConfigError, match=r'kind "_draft" is not known'):
        parse("[[check]]\nname = 'Uptime'\nkind = '_draft'")


HALF_WRITTEN = [
    ("import not_there", "{file} cannot be imported (ModuleNotFoundError: No module named 'not_there')"),
    ("ENVIRONMENT = ()", "{file} has no Options, is_configured, check, send; needed: Options, ENVIRONMENT, is_configured, "),
    (PAGER.replace('environ.get("PAGER_ADDRESS")', 'environ["PAGER"]'), "notifiers/{name}: is_configured() failed: KeyError"),
]


@pytest.mark.parametrize(("text", "why"), HALF_WRITTEN, ids=["import", "names", "is_configured"])
def test_a_broken_channel_is_told(put_file: PutFile, text: str, why: str) -> None:
    """It is refused where it is configured, and left out where it is not."""
    path = put_file(notifiers, text)
    why = why.format(file=path, name=path.name)
    found = parse(FLASK, {"SLACK_WEBHOOK": "https://hooks.slack.com/x"})
    assert [channel.name for channel in notifiers.channels(found.environ)] == ["slack"]
    (fault,) = found.faults
    assert fault.whole.startswith(why)
    with pytest.raises(ConfigError) as refused:
        parse(FLASK + f"[[channel]]\nkind = '{path.stem}'")
    assert str(refused.value).startswith(f'monitor.toml: [[channel]] "{path.stem}": {why}')


def test_a_failing_check_of_settings(put_file: PutFile) -> None:
    """The channel's file raises where it should say what is wrong."""
    kind = put_file(notifiers, PAGER.replace("return []", 'raise ValueError("secret")')).stem
    assert parse(FLASK).faults == ()
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {"PAGER_ADDRESS": "1"})
    assert str(refused.value) == f"environment: notifiers/{kind}.py: check() failed: ValueError"


def test_a_channel_needs_no_section(put_file: PutFile) -> None:
    """A new one is a file, and the environment alone configures it."""
    kind = put_file(notifiers, PAGER).stem
    assert notifiers.channels(parse(FLASK).environ) == ()
    (channel,) = notifiers.channels(parse(FLASK, {"PAGER_ADDRESS": "1"}).environ)
    assert channel.name == kind
    with pytest.raises(ConfigError, match=r"PAGER_ADRESS is not known \(did you mean PAGER_ADDRESS\?\)"):
        parse(FLASK, {"PAGER_ADRESS": "1"})


@pytest.mark.parametrize(
    ("ending", "why"),
    [("return None", "fault in the notifier: it returned NoneType"), ('raise ValueError("secret")', "unexpected ValueError")],
)
def test_a_channel_without_an_outcome(put_file: PutFile, ending: str, why: str) -> None:
    """It is tried again."""
    put_file(notifiers, PAGER.replace("return Delivered()", ending))
    (channel,) = notifiers.channels({"PAGER_ADDRESS": "1"})
    message = Message("nn-1", Public("subject"), Public("body"), datetime(2025, 12, 6, tzinfo=UTC))
    assert channel.send(message, Handover()) == Retry(why)


def test_a_section_wants_a_channel(put_file: PutFile) -> None:
    """One that must be told something."""
    text = PAGER.replace("    pass", "    url: str").replace('bool(environ.get("PAGER_ADDRESS"))', "True")
    kind = put_file(notifiers, text).stem
    assert parse(FLASK).faults == ()
    assert notifiers.channels({}) == ()
    found = parse(FLASK + f"[[channel]]\nkind = '{kind}'\nurl = 'x'")
    assert [channel.kind for channel in found.channels] == [kind]


@pytest.mark.parametrize(
    "unit", ["gunicorn django", "nginx\n", "gunicorn.django", "worker@", "worker@.service", "nginx*", "엔진"]
)
def test_an_impossible_unit_is_refused(unit: str) -> None:
    """With one such name systemd would watch none."""
    sections = (
        [{"name": "Nginx", "kind": "service", "unit": unit}],
        [{"name": "Nginx", "kind": "restarts", "units": ["nginx", unit]}],
    )
    for section in sections:
        with pytest.raises(ConfigError, match=r'\[\[check\]\] "Nginx": unit .* is no name of a systemd unit'):
            config.parse({"check": section}, {}, source="monitor.toml")


@pytest.mark.parametrize(
    "unit",
    [
        "nginx",
        "nginx.service",
        "worker@1",
        "worker@a.b.service",
        "postgresql@9.6-main",
        "backup.timer",
        "my.app.service",
        r"dev-disk\x2d1.mount",
    ],
)
def test_a_possible_unit_is_taken(unit: str) -> None:
    assert config.parse({"check": [{"name": "A", "kind": "service", "unit": unit}]}, {}, source="monitor.toml").units == (unit,)


@pytest.mark.parametrize("name", ["", "two words", 'quo"te', "quo'te", "*", "x" * 41, "line\n", "\n", "tab\t"])
def test_an_untypable_name_is_refused(name: str) -> None:
    """No command line could take it."""
    with pytest.raises(ConfigError, match=r"name must be a text of 1 to 40 characters"):
        config.parse({"check": [{"name": name, "kind": "cpu"}]}, {}, source="monitor.toml")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("timezone", '"Asia/Seul"', 'timezone "Asia/Seul" is not known (did you mean "Asia/Seoul"?); allowed: '),
        ("days", '["sunday"]', "Invalid enum value 'sunday' - at `$.days[0]`; allowed: mon, tue, wed, thu, fri, sat, sun"),
        ("days", "[]", "Expected `array` of length >= 1 - at `$.days`"),
        ("end", "02:00:00", 'start and end must be two different local times such as "02:00:00"'),
        ("start", '"02:00:00Z"', 'start must be a local time such as "02:00:00"'),
        ("start", '"3:00"', 'start must be a local time such as "02:00:00"'),
        ("end", "3", 'end must be a local time such as "02:00:00"'),
        ("checks", '["Flsk"]', 'checks "Flsk" is not known (did you mean "Flask"?); allowed: Flask, *'),
        ("why", "5", "Expected `str`, got `int` - at `$.why`"),
        (
            "zone",
            '"x"',
            'key "zone" is not known (did you mean "timezone"?); allowed: days, start, end, timezone, checks, why',
        ),
    ],
)
def test_a_wrong_maintenance_window_is_told(key: str, value: str, expected: str) -> None:
    window = {"days": '["sun"]', "start": "02:00:00", "end": "03:00:00", "timezone": '"Asia/Seoul"', key: value}
    text = FLASK + "[[maintenance]]\n" + "\n".join(f"{name} = {text}" for name, text in window.items())
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert str(refused.value).startswith(f"monitor.toml: [[maintenance]]: {expected}")


@pytest.mark.parametrize("channels", ["", "[[channel]]\nkind = 'slack'\n[[channel]]\nkind = 'email'\n"])
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"SLACK_WEBHOOK": "hooks.slack.com/secret"},
            "SLACK_WEBHOOK must be an https:// URL (http:// only to this machine itself)",
        ),
        ({"ALERT_EMAIL": "a@b.kr, ops@"}, "ALERT_EMAIL: number 2 is no mail address (several are separated by commas)"),
        (
            {"ALERT_EMAIL": "ops@example.com", "SMTP_PORT": "smtp"},
            "SMTP_PORT must be a number from 1 to 65535",
        ),
        ({"HEARTBEAT_URL": "hc-ping.com/secret"}, "HEARTBEAT_URL must be an http:// or https:// URL"),
        (
            {"ALERT_EMAIL": 'ops@example.com\nSLACK_WEBHOOK=https://hooks.slack.com/secret"'},
            "ALERT_EMAIL goes on in the next line: is its closing quotation mark missing?",
        ),
    ],
)
def test_a_wrong_variable_is_told(environ: dict[str, str], channels: str, expected: str) -> None:
    """By its name, and no secret with it."""
    with pytest.raises(ConfigError) as refused:
        parse(channels + FLASK, environ)
    assert str(refused.value) == f"environment: {expected}"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SMPT_HOST", "SMTP_HOST"),
        ("SMPT_TLS", "SMTP_TLS"),
        ("SMTP_HSOT", "SMTP_HOST"),
        ("SLAK_WEBHOOK", "SLACK_WEBHOOK"),
        ("ALERT_EMIAL", "ALERT_EMAIL"),
        ("MONITOR_ADMIN_TOKN", "MONITOR_ADMIN_TOKEN"),
        ("MONITOR_STAT_TOKEN", "MONITOR_STATS_TOKEN"),
        ("HEARTBEAT_URI", "HEARTBEAT_URL"),
        ("ML_APIKEY", "ML_API_KEY"),
        ("NEURONOVA_CONFG", "NEURONOVA_CONFIG"),
        ("MONITOR_BNID", "MONITOR_BIND"),
    ],
)
def test_a_misspelt_variable_is_told(name: str, meant: str) -> None:
    """With the one that was meant."""
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {name: "secret"})
    assert str(refused.value) == f"environment: {name} is not known (did you mean {meant}?)"


@pytest.mark.parametrize(
    "name",
    ["SFTP_HOST", "SFTP_USER", "SFTP_PASSWORD", "SNMP_HOST", "IMAP_PASSWORD", "LLM_API_KEY", "MAIL_API_KEY", "API_KEY", "PATH"],
)
def test_another_programs_variable_is_fine(name: str) -> None:
    """It is none of ours misspelt."""
    assert parse(FLASK, {name: "x"}).environ == {name: "x"}


@pytest.mark.parametrize("token", ["", " ", "x" * 16, "x" * 256, "Az09._~-Az09._~-", f" {'x' * 16}\n"])
def test_a_typable_token_is_taken(token: str) -> None:
    assert parse(FLASK, {"MONITOR_ADMIN_TOKEN": token}).environ == {"MONITOR_ADMIN_TOKEN": token}


@pytest.mark.parametrize("token", ["x" * 15, "x" * 257, "x" * 16 + ":", "x" * 16 + " x", "\uac00" * 16])
def test_a_weak_token_is_refused(token: str) -> None:
    """Or one that nobody can type."""
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {"MONITOR_ADMIN_TOKEN": token})
    assert str(refused.value) == (
        "environment: MONITOR_ADMIN_TOKEN must be 16 to 256 letters, digits and . _ ~ - (or empty: one is made)"
    )


def test_a_weak_statistics_token_is_refused() -> None:
    """By the rules of the administrators' one."""
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {"MONITOR_ADMIN_TOKEN": "x" * 16, "MONITOR_STATS_TOKEN": "generate"})
    assert str(refused.value) == (
        "environment: MONITOR_STATS_TOKEN must be 16 to 256 letters, digits and . _ ~ - (or empty: there is none)"
    )


def test_equal_tokens_are_refused() -> None:
    """Whoever has the one for the statistics must not be an administrator by it."""
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {"MONITOR_ADMIN_TOKEN": "x" * 16, "MONITOR_STATS_TOKEN": f" {'x' * 16}"})
    assert str(refused.value) == "environment: MONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN"
    assert parse(FLASK, {"MONITOR_ADMIN_TOKEN": "", "MONITOR_STATS_TOKEN": " "})


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("", "http://127.0.0.1:9001"),
        (" 127.0.0.1:9101\n", "http://127.0.0.1:9101"),
        ("[::1]:9101", "http://[::1]:9101"),
        ("localhost:65535", "http://localhost:65535"),
        ("unix:/run/gunicorn_monitor/http.sock", "http+unix://%2Frun%2Fgunicorn_monitor%2Fhttp.sock"),
    ],
)
def test_the_pages_have_an_address(bind: str, url: str) -> None:
    environ = {"MONITOR_BIND": bind}
    assert parse(FLASK, environ).environ == environ
    assert config.own_url(environ) == url


@pytest.mark.parametrize(
    "bind", ["0.0.0.0:9001", "192.168.0.1:9001", "clinic.example:9001", "9001", ":9001", "127.0.0.1", "[::]:9001", "localhost:0"]
)
def test_the_pages_stay_on_this_machine(bind: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {"MONITOR_BIND": bind})
    assert str(refused.value) == ("environment: MONITOR_BIND must be 127.0.0.1:PORT or unix:/PATH (or empty: 127.0.0.1:9001)")


@pytest.mark.parametrize("url", ["", " https://mon.example.org/\n", "http://10.0.0.7:8080/monitor", "https://[fd00::7]/m"])
def test_messages_may_link_to_the_pages(url: str) -> None:
    assert parse(FLASK, {"MONITOR_URL": url}).environ == {"MONITOR_URL": url}


@pytest.mark.parametrize(
    "url",
    [
        "mon.example.org",
        "ftp://mon.example.org",
        "javascript:alert(1)",
        "https://",
        "https://admin:secret@mon.example.org",
        "https://mon.example.org/?token=secret",
        "https://mon.example.org/#x",
        "https://mon.example.org/ x",
        'https://mon.example.org/"><b>',
        "https://mon.example.org:99999",
        "https://[::1",
        "https://병원.example",
    ],
)
def test_a_link_that_is_none_is_refused(url: str) -> None:
    """Its value is not repeated: there may be a secret in it."""
    with pytest.raises(ConfigError) as refused:
        parse(FLASK, {"MONITOR_URL": url})
    assert str(refused.value) == (
        "environment: MONITOR_URL must be where people open the monitor's pages, as https://HOST or https://HOST:PORT/PATH,"
        " without user, query and fragment (or empty: messages have no link)"
    )


def test_a_last_newline_is_no_tear() -> None:
    assert parse(FLASK, {"ALERT_EMAIL": "ops@example.com\n"}).environ


def test_all_wrong_variables_at_once() -> None:
    with pytest.raises(ConfigError, match=r"SMTP_PORT .*; SLACK_WEBHOOK .*; HEARTBEAT_URL "):
        parse(FLASK, {"ALERT_EMAIL": "a@example.com", "SMTP_PORT": "0", "SLACK_WEBHOOK": "x", "HEARTBEAT_URL": "x"})


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load({"NEURONOVA_CONFIG": f"{tmp_path}/nowhere.toml"})
    assert str(refused.value) == (
        f"{tmp_path}/nowhere.toml: cannot be read (No such file or directory); NEURONOVA_CONFIG must name a readable file"
    )


@pytest.mark.parametrize(
    ("content", "why"), [(b"[monitor", "not valid TOML: "), (b"# caf\xe9", "not valid TOML: 'utf-8' codec can't decode")]
)
def test_a_broken_file_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "monitor.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        config.load({"NEURONOVA_CONFIG": str(path)})
    assert str(refused.value).startswith(f"{path}: {why}")


SECRETS = ["https://hooks.slack.com/services/T0/B0/hunter2", "https://user:hunter2/x@host/", "xoxb-12345678-hunter2"]
HTTP_CHECK = {"name": "Site", "kind": "http", "url": "http://127.0.0.1/"}


def test_key_of_an_earlier_version_is_ignored_and_told() -> None:
    """An upgrade is not refused for a word that nobody needs any more; what has replaced it is said by name."""
    document = {"check": [HTTP_CHECK], "channel": [{"kind": "email", "sendmail": "/usr/sbin/sendmail"}]}
    settings = config.parse(document, {}, source="monitor.toml")
    (replaced,) = settings.replaced
    assert replaced.told.startswith('email: "sendmail" is no longer used and ignored: mail goes to SMTP_HOST')
    with pytest.raises(ConfigError, match='key "sendmai" is not known'):
        config.parse({"check": [HTTP_CHECK], "channel": [{"kind": "email", "sendmai": "x"}]}, {}, source="monitor.toml")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "document",
    [
        lambda secret: {"check": [HTTP_CHECK | {"method": secret}]},
        lambda secret: {"check": [HTTP_CHECK | {"kind": secret}]},
        lambda secret: {"check": [HTTP_CHECK | {"name": f"{secret} x"}]},
        lambda secret: {"check": [HTTP_CHECK | {"url": f"{secret} x"}]},
        lambda secret: {"check": [HTTP_CHECK | {"depends_on": [secret]}]},
        lambda secret: {"check": [HTTP_CHECK | {secret: 1}]},
        lambda secret: {"check": [HTTP_CHECK | {"secret_headers": {"Authorization": f"Bearer {secret}"}}]},
        lambda secret: {"check": [{"name": "A", "kind": "service", "unit": f"{secret} x"}]},
        lambda secret: {"check": [HTTP_CHECK], "channel": [{"kind": secret}]},
        lambda secret: {"check": [HTTP_CHECK], "channel": [{"kind": "slack", "webhook": secret}]},
        lambda secret: {"check": [HTTP_CHECK], secret: {}},
        lambda secret: {"check": [HTTP_CHECK], "monitor": {"every_minutes": secret}},
    ],
)
def test_no_error_repeats_a_secret(document: Callable[[str], dict[str, Any]], secret: str) -> None:
    """Everybody reads the journal; a line may have been put in the wrong place."""
    with pytest.raises(ConfigError) as refused:
        config.parse(document(secret), {}, source="monitor.toml")
    assert "hunter2" not in str(refused.value)


def test_the_files_name_may_be_another_lines_secret() -> None:
    with pytest.raises(ConfigError) as refused:
        config.load({"NEURONOVA_CONFIG": SECRETS[0]})
    assert "hunter2" not in str(refused.value)
