"""An earlier script's settings are read as the shell reads them, and only the health check's own cron lines go."""

import subprocess

import pytest

from deploy.installer.earlier import settings_of, without_health_check

SCRIPT = "/usr/local/bin/neuronova-health-check"
WEBHOOK = "https://hooks.slack.com/services/T0/B0/x"


@pytest.mark.parametrize(
    "line",
    [
        'ALERT_EMAIL="ops@example.com"',
        "ALERT_EMAIL='ops@example.com'   # 운영팀",
        'ALERT_EMAIL="ops@example.com"\t# before: "old@example.com"',
        "ALERT_EMAIL=ops@example.com # ours",
        "  export ALERT_EMAIL='ops@example.com'",
        'readonly ALERT_EMAIL="ops@example.com";',
        'declare -x ALERT_EMAIL="ops@example.com"',
        'ALERT_EMAIL="first@example.com"\nALERT_EMAIL="ops@example.com"',
        'ALERT_EMAIL="${ALERT_EMAIL:-ops@example.com}"',
        "#ALERT_EMAIL=old@example.com\nALERT_EMAIL=ops@example.com",
    ],
)
def test_the_address_is_read(line: str) -> None:
    assert settings_of(line).values == {"ALERT_EMAIL": "ops@example.com"}
    shell = subprocess.run(["bash", "-c", f"{line}\necho -n $ALERT_EMAIL"], check=True, capture_output=True, text=True, env={})
    assert shell.stdout == "ops@example.com"


@pytest.mark.parametrize(
    "line", ["ALERT_EMAIL=$(cat /etc/mail)", 'ALERT_EMAIL="$OPS"', 'ALERT_EMAIL="unfinished', "ALERT_EMAIL=ops"]
)
def test_what_is_unclear_is_named(line: str) -> None:
    found = settings_of(line)
    assert found.values == {}
    assert found.left == ("ALERT_EMAIL",)


@pytest.mark.parametrize(
    "line",
    [
        "",
        'ALERT_EMAIL=""',
        'ALERT_EMAIL="your-email@example.com"',
        'SLACK_WEBHOOK="https://hooks.slack.com/services/YOUR/WEBHOOK/URL"',
    ],
)
def test_the_guides_examples_are_nothing(line: str) -> None:
    found = settings_of(line)
    assert found.values == {}
    assert found.left == ()


def test_a_single_quoted_dollar_is_plain() -> None:
    assert settings_of(f"SLACK_WEBHOOK='{WEBHOOK}$1'").values == {"SLACK_WEBHOOK": f"{WEBHOOK}$1"}


def test_several_addresses_get_commas() -> None:
    assert settings_of('ALERT_EMAIL="a@x.kr b@x.kr; c@x.kr"').values == {"ALERT_EMAIL": "a@x.kr,b@x.kr,c@x.kr"}


CRONTAB = f"""# m h dom mon dow command
MAILTO=ops@example.com
*/5 * * * * {SCRIPT} >> /var/log/neuronova/cron.log 2>&1
0 3 * * * /usr/local/sbin/backup
"""


def test_the_line_is_taken_out() -> None:
    found = without_health_check(CRONTAB)
    assert found.removed == (f"*/5 * * * * {SCRIPT} >> /var/log/neuronova/cron.log 2>&1",)
    assert found.text == CRONTAB.replace(found.removed[0] + "\n", "")
    assert found.has_jobs


@pytest.mark.parametrize(
    "line",
    [
        f"*/5 * * * * {SCRIPT}",
        f"@hourly {SCRIPT} > /dev/null 2>&1",
        f"*/5 * * * * sudo bash {SCRIPT}",
        f"*/5 * * * * ALERT_EMAIL=a@x.kr {SCRIPT} &> /dev/null",
        "*/5 * * * * bash /home/ubuntu/NeuroNova/deploy/monitoring/health_check.sh",
    ],
)
def test_the_health_check_alone_goes(line: str) -> None:
    assert without_health_check(f"{line}\n").text == ""


@pytest.mark.parametrize(
    "line",
    [
        f"*/5 * * * * {SCRIPT} && /usr/local/sbin/backup",
        f"*/5 * * * * {SCRIPT} | logger",
        f"*/5 * * * * /usr/local/sbin/backup; {SCRIPT}",
        f"0 3 * * * tar -cf /var/backups/scripts.tar {SCRIPT}",
    ],
)
def test_a_line_that_does_more_stays(line: str) -> None:
    found = without_health_check(f"{line}\n")
    assert found.text == f"{line}\n"
    assert found.left == (line,)


@pytest.mark.parametrize("line", [f"# */5 * * * * {SCRIPT}", "*/5 * * * * /opt/my-neuronova-health-checker", "", f"X={SCRIPT}"])
def test_other_lines_are_not_looked_at(line: str) -> None:
    found = without_health_check(f"{line}\n")
    assert (found.text, found.removed, found.left) == (f"{line}\n", (), ())


def test_the_user_field_is_skipped() -> None:
    """In /etc/cron.d the sixth field is a user."""
    found = without_health_check(f"*/5 * * * * root {SCRIPT}\n", has_user=True)
    assert found.removed
    assert not found.has_jobs
