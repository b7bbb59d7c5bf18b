from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor_blueprint.domain.messages import Delivered, Handover, InDoubt, Message, Outcome, PerReceiver, Refused, Retry, Waits
from monitor_blueprint.domain.text import Public
from monitor_blueprint.notifiers import email
from tests.monitor_blueprint.certificates import cut_at_any_moment, make_certificate, server_context
from tests.monitor_blueprint.standins import DrippingMailServer, EndlessServer, MailStandIn, ScriptedMailServer, free_port

MESSAGE = Message(
    id="17-opened",
    subject=Public("[CRITICAL] NeuroNova 서비스 장애 발생!"),
    body=Public("[CRITICAL] NeuroNova 서비스 장애 발생!\n실패한 서비스: Django Flask\n시각: 2025-12-06 14:35:01"),
    at=datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC),
    incident=17,
    kind="opened",
)
LOGIN = {"SMTP_USER": "monitor", "SMTP_PASSWORD": "pass phrase"}


def send(
    environ: Mapping[str, str], message: Message = MESSAGE, wait_s: float = 10.0, options: email.Options | None = None
) -> Outcome:
    return email.send(message, options or email.Options(), environ, Handover(Waits(*[wait_s] * 7)))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    return server_context(certificate)


def test_mail_arrives_complete() -> None:
    """A mail arrives with a Korean subject, the whole text and its id."""
    with MailStandIn() as server:
        assert send(server.environ) == Delivered("accepted")
        mail = server.next_mail()
    assert mail.sender == "monitor@example.org"
    assert mail.recipients == ["ops@example.com"]
    assert mail.parsed["Subject"] == MESSAGE.subject
    assert mail.parsed["Message-ID"] == "<17-opened@example.org>"
    assert mail.parsed["Date"].datetime == MESSAGE.at
    assert mail.parsed["Auto-Submitted"] == "auto-generated"
    assert mail.parsed["References"] == mail.parsed["In-Reply-To"] == f"<incident-17.{email._own_name()}@example.org>"
    assert mail.parsed.get_content_type() == "text/plain"
    assert mail.text == f"{MESSAGE.body}\n\nid: 17-opened\n"


def test_mail_is_plain_ascii() -> None:
    """Every line of a mail is plain ASCII, so that any server can pass it on."""
    mail = email.mail_of(MESSAGE, "monitor@example.org", ("ops@example.com",))
    assert mail.as_bytes().isascii()


def test_a_page_comes_beside_the_text() -> None:
    """Whoever shows no HTML has the text as it always was, and has it first."""
    with MailStandIn() as server:
        assert send(server.environ, replace(MESSAGE, page=Public("<p>장애 &amp; 복구</p>"))) == Delivered("accepted")
        mail = server.next_mail()
    assert mail.parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.parsed.iter_parts()] == ["text/plain", "text/html"]
    assert mail.text == f"{MESSAGE.body}\n\nid: 17-opened\n"
    assert mail.page == "<p>장애 &amp; 복구</p>\n"
    assert mail.content.isascii()


def test_long_id_stays_whole() -> None:
    """A long id stays one message id."""
    long = Message("incident-" + "a" * 200, Public("s"), Public("b"), MESSAGE.at)
    raw = email.mail_of(long, "monitor@example.org", ("ops@example.com",)).as_bytes()
    assert f"<{long.id}@example.org>".encode() in raw


def test_text_cannot_inject_a_header() -> None:
    evil = Message(
        "1\r\nBcc: thief@example.com", Public("down\r\nBcc: thief@example.com\r\n\r\nbody"), Public("text"), MESSAGE.at
    )
    with MailStandIn() as server:
        assert send(server.environ, evil) == Delivered("accepted")
        mail = server.next_mail()
    assert mail.recipients == ["ops@example.com"]
    assert mail.parsed["Bcc"] is None
    assert mail.parsed["Subject"] == "down Bcc: thief@example.com body"


def test_several_recipients_are_reached_at_once() -> None:
    with MailStandIn() as server:
        send(server.environ | {"ALERT_EMAIL": "a@example.com, b@example.com,"})
        assert server.next_mail().recipients == ["a@example.com", "b@example.com"]


def test_one_refused_recipient_is_reported() -> None:
    """One recipient of two that is refused is reported, and the other is reached."""
    refuse_b = lambda address: "550 no such user" if address.startswith("b") else "250 OK"  # noqa: E731
    with MailStandIn(reply_to_recipient=refuse_b) as server:
        outcome = send(server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com"})
        refused = Refused("b@example.com: 550 no such user")
        assert outcome == PerReceiver({"a@example.com": Delivered("accepted"), "b@example.com": refused})
        assert server.next_mail().recipients == ["a@example.com"]


def test_unknown_mailbox_is_not_retried() -> None:
    with MailStandIn(reply_to_recipient=lambda address: "550 no such user") as server:
        assert send(server.environ) == Refused("ops@example.com: 550 no such user")


def test_greylisting_is_tried_again() -> None:
    with MailStandIn(reply_to_recipient=lambda address: "451 later please") as server:
        assert send(server.environ) == Retry("ops@example.com: 451 later please")


@pytest.mark.parametrize(("reply", "kind"), [("552 too big", Refused), ("452 disk full", Retry)])
def test_reply_to_text_decides(reply: str, kind: type[Refused | Retry]) -> None:
    """The answer to the text itself decides."""
    with MailStandIn(reply_to_mail=lambda mail: reply) as server:
        assert send(server.environ) == kind(reply)


def test_nobody_listening_is_tried_again() -> None:
    outcome = send({"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(free_port())})
    assert outcome == Retry("ConnectionRefusedError: Connection refused")


def test_silent_server_times_out() -> None:
    """A server that accepts the connection and says nothing ends at the time limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(silent.getsockname()[1])}
        outcome = send(environ, wait_s=1)
    assert outcome == Retry("no answer within 1 s")


def test_dripping_greeting_is_not_awaited() -> None:
    with DrippingMailServer() as server:
        outcome = send(server.environ, wait_s=0.2)
    assert outcome == Retry("no answer within 0 s")


def test_dripping_tls_handshake_not_awaited() -> None:
    with cut_at_any_moment(), EndlessServer(0, b"\x16\x03\x03\x3f\xff\x02", pause_s=0.05) as server:
        environ = {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_TLS": "tls"}
        outcome = send(environ, wait_s=0.2)
    assert isinstance(outcome, Retry)


@pytest.mark.parametrize(("reply", "kind"), [(b"554 no service here\r\n", Refused), (b"421 too busy\r\n", Retry)])
def test_the_greeting_may_be_a_refusal(reply: bytes, kind: type[Outcome]) -> None:
    with EndlessServer(0, reply) as server:
        environ = {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port)}
        assert isinstance(send(environ), kind)


def test_hangup_after_text_is_doubt() -> None:
    with MailStandIn(reply_to_mail=lambda mail: "250 OK CUT") as server:
        assert isinstance(send(server.environ), InDoubt)


def test_starttls_is_used_where_offered(tls: ssl.SSLContext) -> None:
    """STARTTLS is used where it is offered, even with a certificate nobody knows."""
    with MailStandIn(tls=tls) as server:
        assert send(server.environ) == Delivered("accepted")
        assert server.next_mail().is_encrypted


def test_demanded_starttls_distrusts_unknown_certificate(tls: ssl.SSLContext) -> None:
    with MailStandIn(tls=tls) as server:
        outcome = send(server.environ | {"SMTP_TLS": "starttls"})
        assert isinstance(outcome, Retry)
        assert "SSLCertVerificationError" in outcome.reason


def test_login_with_own_certificate(tls: ssl.SSLContext, certificate: Path) -> None:
    """A login over STARTTLS works with a certificate of one's own."""
    options = email.Options(ca_file=f"{certificate}.crt")
    with MailStandIn(tls=tls, login=("monitor", "pass phrase")) as server:
        assert send(server.environ | LOGIN | {"SMTP_TLS": "starttls"}, options=options) == Delivered("accepted")
        mail = server.next_mail()
    assert mail.is_encrypted
    assert mail.user == "monitor"


def test_tls_from_the_first_byte(tls: ssl.SSLContext, certificate: Path) -> None:
    options = email.Options(ca_file=f"{certificate}.crt")
    with MailStandIn(tls=tls, is_tls_from_the_start=True) as server:
        assert send(server.environ | {"SMTP_TLS": "tls"}, options=options) == Delivered("accepted")


@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_other_names_certificate_is_distrusted(tls: ssl.SSLContext, certificate: Path, mode: str) -> None:
    options = email.Options(ca_file=f"{certificate}.crt")
    with MailStandIn(tls=tls, is_tls_from_the_start=mode == "tls") as server:
        outcome = send(server.environ | {"SMTP_TLS": mode, "SMTP_HOST": "localhost"}, options=options)
        assert server.mails.empty()
    assert isinstance(outcome, Retry)
    assert "SSLCertVerificationError" in outcome.reason
    assert "localhost" in outcome.reason


def test_demanded_starttls_missing_sends_nothing() -> None:
    """With STARTTLS demanded, nothing is sent to a server without it."""
    with MailStandIn() as server:
        outcome = send(server.environ | {"SMTP_TLS": "starttls"})
        assert outcome == Retry("the server offers no STARTTLS, and without it nothing is sent")
        assert server.mails.empty()


def test_wrong_password_is_not_repeated(tls: ssl.SSLContext) -> None:
    """A wrong password is refused, and not repeated in the reason."""
    with MailStandIn(tls=tls, login=("monitor", "another")) as server:
        outcome = send(server.environ | LOGIN)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("535")
    assert "pass phrase" not in outcome.reason


# --- How far it came: every answer comes in time, late, or never


def test_late_greeting_is_waited_for() -> None:
    """Each step has its own limit: a slow greeting uses up nobody else's."""
    waits = Waits(connect_s=0.2, greeting_s=30.0, command_s=0.2, data_s=0.2, block_s=0.2, accept_s=0.2)
    with ScriptedMailServer({}, {"": 0.6}) as server:
        assert email.send(MESSAGE, email.Options(), server.environ, Handover(waits)) == Delivered("accepted")


def test_late_acknowledgement_is_waited_for() -> None:
    waits = Waits(connect_s=0.2, greeting_s=0.2, command_s=0.2, data_s=0.2, block_s=0.2, accept_s=30.0)
    with ScriptedMailServer({}, {".": 0.6}) as server:
        assert email.send(MESSAGE, email.Options(), server.environ, Handover(waits)) == Delivered("accepted")
        assert len(server.texts) == 1


@pytest.mark.parametrize("word", ["", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("is_silent", [True, False])
def test_before_the_text_nothing_is_out(word: str, is_silent: bool) -> None:
    """Whether the server says nothing any more, or hangs up."""
    server = ScriptedMailServer({}, {word: 60.0}) if is_silent else ScriptedMailServer({word: None})
    with server:
        assert isinstance(send(server.environ, wait_s=0.3), Retry)


@pytest.mark.parametrize("is_silent", [True, False])
def test_after_the_text_it_is_doubt(is_silent: bool) -> None:
    server = ScriptedMailServer({}, {".": 60.0}) if is_silent else ScriptedMailServer({".": None})
    with server:
        assert isinstance(send(server.environ, wait_s=0.3), InDoubt)
        assert len(server.texts) == 1


def test_nonsense_after_the_text_is_doubt() -> None:
    with ScriptedMailServer({".": "hello?"}) as server:
        assert isinstance(send(server.environ), InDoubt)


def test_one_mailbox_by_two_names_is_refused_by_both() -> None:
    with ScriptedMailServer({"RCPT TO:<root@localhost>": "550 no"}) as server:
        outcome = send(server.environ | {"ALERT_EMAIL": "root,root@localhost"})
        assert not server.texts
    assert isinstance(outcome, PerReceiver)
    assert [type(each) for each in outcome.outcomes.values()] == [Refused, Refused]


def test_doubt_is_only_of_those_taken() -> None:
    """Who was refused before the text went out is refused, whatever comes of it."""
    with ScriptedMailServer({"RCPT TO:<b": "550 no", ".": None}) as server:
        outcome = send(server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com"})
    assert isinstance(outcome, PerReceiver)
    assert isinstance(outcome.outcomes["a@example.com"], InDoubt)
    assert outcome.outcomes["b@example.com"] == Refused("b@example.com: 550 no")


def test_one_greylisted_recipient_of_two() -> None:
    grey = lambda address: "450 later" if address.startswith("b") else "250 OK"  # noqa: E731
    with MailStandIn(reply_to_recipient=grey) as server:
        outcome = send(server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com"})
        later = Retry("b@example.com: 450 later")
        assert outcome == PerReceiver({"a@example.com": Delivered("accepted"), "b@example.com": later})
        again = send(server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com"}, replace(MESSAGE, to=("a@example.com",)))
        assert again == Delivered("accepted")
        assert [server.next_mail().recipients for _ in range(2)] == [["a@example.com"]] * 2


def test_closing_server_is_asked_no_more() -> None:
    """421 after one recipient: the others are put off with it."""
    with ScriptedMailServer({"RCPT": "421 closing"}) as server:
        outcome = send(server.environ | {"ALERT_EMAIL": "a@example.com,b@example.com"})
        assert [line for line in server.received if line.startswith("rcpt")] == ["rcpt TO:<a@example.com>"]
    assert outcome == Retry("421 closing")


def test_repeat_is_marked() -> None:
    mail = email.mail_of(replace(MESSAGE, is_repeat=True), "monitor@example.org", ("ops@example.com",))
    assert mail["X-NeuroNova-Repeat"] == "yes"
    assert mail["Message-ID"] == "<17-opened@example.org>"
    assert "X-NeuroNova-Repeat" not in email.mail_of(MESSAGE, "monitor@example.org", ("ops@example.com",))


# --- What servers and configurations there are


@pytest.mark.parametrize("offered", ["PLAIN LOGIN", "LOGIN", "PLAIN CRAM-MD5"])
def test_password_outside_ascii(offered: str) -> None:
    """In UTF-8, as RFC 4616 says."""
    user, password = "감시", "암호 ñ"
    said: dict[str, str | None] = {
        "EHLO": f"250-me\r\n250 AUTH {offered}",
        "AUTH PLAIN": "235 ok",
        "AUTH LOGIN": "334 UGFzc3dvcmQ6",
    }
    encoded = base64.b64encode(password.encode()).decode()
    with ScriptedMailServer(said | {encoded: "235 ok"}) as server:
        outcome = send(
            server.environ | {"SMTP_USER": user, "SMTP_PASSWORD": password, "SMTP_FROM": "m@example.org", "SMTP_TLS": ""}
        )
        # No password in clear: these are not sent over a network, though, and loopback is none.
        assert outcome == Delivered("accepted")
        login = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        assert (f"AUTH PLAIN {login}" in server.received) == ("PLAIN" in offered)
        assert (encoded in server.received) == ("PLAIN" not in offered)


def test_password_outside_ascii_without_a_way() -> None:
    environ = {"SMTP_USER": "m", "SMTP_PASSWORD": "암호", "SMTP_FROM": "m@example.org"}
    with ScriptedMailServer({"EHLO": "250-me\r\n250 AUTH CRAM-MD5"}) as server:
        outcome = send(server.environ | environ)
    assert isinstance(outcome, Refused)
    assert "AUTH PLAIN" in outcome.reason


@pytest.mark.parametrize("answer", ["454 not now", "220 go ahead"])
def test_failing_starttls_falls_back(answer: str) -> None:
    """Where nothing demands it; and says so. The second answers the handshake with nonsense."""
    said: dict[str, str | None] = {"EHLO": "250-me\r\n250 STARTTLS", "STARTTLS": answer}
    with ScriptedMailServer(said) as server:
        outcome = send(server.environ, wait_s=1.0)
        assert isinstance(outcome, Delivered)
        assert outcome.remark.startswith("STARTTLS failed: ")
        assert outcome.remark.endswith(": sent in clear")
        assert len(server.texts) == 1


@pytest.mark.parametrize("demand", [{"SMTP_TLS": "starttls"}])
def test_failing_starttls_sends_nothing_if_demanded(demand: dict[str, str]) -> None:
    with ScriptedMailServer({"EHLO": "250-me\r\n250 STARTTLS", "STARTTLS": "454 not now"}) as server:
        assert send(server.environ | demand) == Retry("STARTTLS failed: 454")
        assert server.texts == []


@pytest.mark.parametrize("form", ["127.0.0.1:{port}", "localhost:{port}", "[127.0.0.1]:{port}"])
def test_host_and_port_in_one(form: str) -> None:
    with ScriptedMailServer({}) as server:
        environ = {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": form.format(port=server.port)}
        assert email.check(email.Options(), environ) == []
        assert send(environ) == Delivered("accepted")


@pytest.mark.parametrize(
    ("host", "port"), [("[::1]:{port}", ""), ("::1", "{port}"), ("[::1]", "{port}"), ("[::1]:{port}", "{port}")]
)
def test_ipv6_server(host: str, port: str) -> None:
    with ScriptedMailServer({}, family=socket.AF_INET6) as server:
        environ = {"ALERT_EMAIL": "ops", "SMTP_HOST": host.format(port=server.port), "SMTP_PORT": port.format(port=server.port)}
        assert email.check(email.Options(), environ) == []
        assert send(environ) == Delivered("accepted")


def test_two_ports_contradict_each_other() -> None:
    environ = {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "mail.example.com:587", "SMTP_PORT": "25"}
    assert email.check(email.Options(), environ) == ["SMTP_HOST and SMTP_PORT name different ports"]


@pytest.mark.parametrize(
    ("host", "is_known"), [("", True), ("127.0.0.1", True), ("localhost:25", True), ("mail.example.com", False)]
)
def test_address_without_domain_is_local(host: str, is_known: bool) -> None:
    """Only a server of this machine knows whom it means."""
    problems = email.check(email.Options(), {"ALERT_EMAIL": "root", "SMTP_HOST": host})
    assert ["has no domain" in problem for problem in problems] == [] if is_known else [True]


@pytest.mark.parametrize(
    ("host", "is_right"),
    [("mail:25", True), ("[::1]:25", True), ("fe80::1%eth0", True), ("mail:abc", False), ("mail:", False), ("a:b:25", False)],
)
def test_port_that_is_none_is_refused(host: str, is_right: bool) -> None:
    """At start, not as a host of that name."""
    problems = email.check(email.Options(), {"ALERT_EMAIL": "a@example.com", "SMTP_HOST": host})
    assert (problems == []) is is_right


def test_fields_have_complete_addresses() -> None:
    """Exim refuses a whole mail for a name without a domain in a field of it."""
    mail = email.mail_of(MESSAGE, "neuronova", ["root", "ops@example.com"])
    assert (mail["From"], mail["To"]) == ("NeuroNova <neuronova@localhost>", "root@localhost, ops@example.com")
    assert str(mail["Message-ID"]).endswith("@localhost>")


def test_address_without_domain_is_completed() -> None:
    with ScriptedMailServer({}) as server:
        assert send(server.environ | {"ALERT_EMAIL": "root"}) == Delivered("accepted")
        assert "rcpt TO:<root@localhost>" in server.received


def test_without_host_the_own_server_is_used() -> None:
    """On port 25 as everybody's, or where SMTP_PORT says."""
    with ScriptedMailServer({}) as server:
        assert send({"ALERT_EMAIL": "root", "SMTP_PORT": str(server.port)}) == Delivered("accepted")
    outcome = send({"ALERT_EMAIL": "root", "SMTP_PORT": str(free_port())})
    assert outcome == Retry("no SMTP_HOST is set, and no mail server listens on this machine")


_WITHOUT_FILES = """
import sys
from datetime import UTC, datetime

import monitor_blueprint.cli
from monitor_blueprint.domain.messages import Handover, Message
from monitor_blueprint.notifiers import email

environ = dict(each.split("=") for each in sys.argv[1:])
assert email.check(email.Options(), environ) == []
sys.meta_path.clear()
print(email.send(Message("1", "subject", "body", datetime.now(UTC)), email.Options(), environ, Handover()))
"""


def test_nothing_is_imported_for_an_alert() -> None:
    """The disk may be gone by then."""
    with MailStandIn() as server:
        argv = [sys.executable, "-c", _WITHOUT_FILES, *(f"{name}={value}" for name, value in server.environ.items())]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("Delivered(answer='accepted', remark='')\n", "")


def test_a_good_configuration_has_no_problem() -> None:
    assert email.check(email.Options(), {"ALERT_EMAIL": "root"}) == []
    assert email.check(email.Options(), {"ALERT_EMAIL": "a@example.com, b@example.com", "SMTP_HOST": "mail"} | LOGIN) == []
    assert email.is_configured(email.Options(), {"ALERT_EMAIL": "root"})
    assert not email.is_configured(email.Options(), {"SMTP_HOST": "mail"})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"ALERT_EMAIL": "a@b@c"}, "ALERT_EMAIL"),
        ({"ALERT_EMAIL": "ops@example.com; other@example.com"}, "ALERT_EMAIL"),
        ({"ALERT_EMAIL": ","}, "ALERT_EMAIL"),
        ({"SMTP_FROM": "Monitor <m@example.com>"}, "SMTP_FROM"),
        ({"SMTP_PORT": "smtp"}, "SMTP_PORT"),
        ({"SMTP_PORT": "0"}, "SMTP_PORT"),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({"SMTP_TLS": "yes"}, "SMTP_TLS"),
        ({"SMTP_HOST": "smtp://mail.example.com"}, "SMTP_HOST"),
        ({"SMTP_TLS": "none", **LOGIN}, "SMTP_TLS"),
        ({"SMTP_USER": "monitor"}, "SMTP_PASSWORD"),
    ],
)
def test_a_bad_variable_is_named(given: dict[str, str], named: str) -> None:
    environ = {"ALERT_EMAIL": "ops@example.com", "SMTP_HOST": "mail.example.com"} | given
    (problem,) = email.check(email.Options(), environ)
    assert named in problem
    assert "pass phrase" not in problem
