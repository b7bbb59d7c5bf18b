"""Without SMTP_HOST the mail goes to the machine's own mail server, out of the hardened unit: with those that people have."""

from collections.abc import Iterator

import pytest

from tests.box.box import MAIL_SERVERS, Box

pytestmark = pytest.mark.box

ENVIRONMENT = "/etc/neuronova/monitor.env"
IS_THERE = "ss -Hltn sport = :25 | grep -q ."


@pytest.fixture(params=MAIL_SERVERS)
def mailbox(request: pytest.FixtureRequest, box: Box) -> Iterator[str]:
    """The mailbox of an operator on a machine with this mail server, in the place of the tests' own."""
    box.run(f"cp -p {ENVIRONMENT} /root/monitor.env && useradd --create-home oncall")
    box.run("systemctl stop stand-ins")
    box.run(f"DEBIAN_FRONTEND=noninteractive dpkg --install /opt/mail/{request.param}/*.deb", timeout_s=300)
    box.run("systemctl start exim4 || systemctl start postfix")
    box.wait_until("somebody takes mail", lambda: box.run(IS_THERE, expect=None).code == 0)
    box.run(f"sed -i '/^SMTP_/d; s/^ALERT_EMAIL=.*/ALERT_EMAIL=\"oncall\"/; s/^SLACK_WEBHOOK=.*//' {ENVIRONMENT}")
    box.run("systemctl restart gunicorn_monitor")
    yield "/var/mail/oncall"
    names = "$(dpkg-query -W -f '${Package} ' 'exim4-*' postfix 2>/dev/null)"
    box.run(f"dpkg --purge {names}", timeout_s=300)
    box.run(f"userdel --force --remove oncall; cp -p /root/monitor.env {ENVIRONMENT}")
    box.run("systemd-run --quiet --unit=stand-ins --collect /opt/stand-ins/venv/bin/python /opt/stand-ins/stand_ins.py")
    box.wait_until("the stand-ins listen", lambda: box.run("ss -Hltn | grep -q :8099", expect=None).code == 0)
    box.run("systemctl restart gunicorn_monitor")


def test_local_mail_server_delivers(box: Box, mailbox: str) -> None:
    """What the running monitor sends, and an alert."""
    sent = box.run("neuronova-monitor check-config --send")
    assert "email: " in sent.output
    box.wait_until("the trial is in the mailbox", lambda: "[TEST]" in subjects(box, mailbox))
    box.run("systemctl stop nginx")
    box.wait_until("the alert is there", lambda: "[CRITICAL]" in subjects(box, mailbox))
    box.run("systemctl start nginx")
    box.wait_until("and the recovery", lambda: "[OK]" in subjects(box, mailbox))


def subjects(box: Box, mailbox: str) -> str:
    """The subjects of the mails; they have Korean in them."""
    code = (
        "import mailbox, email.header as h; "
        f"print(*(str(h.make_header(h.decode_header(m['subject']))) for m in mailbox.mbox('{mailbox}')), sep='\\n')"
    )
    return box.run(f'PYTHONIOENCODING=utf-8 python3 -c "{code}"', expect=None).output
