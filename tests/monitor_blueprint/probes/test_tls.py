from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from monitor_blueprint.adapters import command
from monitor_blueprint.adapters.certificates import Certificate, in_file
from monitor_blueprint.domain.models import ProbeError, Reading, Status
from monitor_blueprint.domain.text import Private
from monitor_blueprint.probes import tls
from tests.monitor_blueprint.certificates import server_context
from tests.monitor_blueprint.probes.looking import NOW, Site, looking, nobody, private
from tests.monitor_blueprint.standins import listening

pytestmark = pytest.mark.skipif(not command.is_installed("openssl"), reason="openssl is not installed")

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return a maker of self-signed certificates, valid for so many days from now; key and certificate in one file."""
    folder = tmp_path_factory.mktemp("certificates")

    def make_one(days: int, name: str = "clinic.example") -> Path:
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        argv += ["-subj", f"/CN={name}", "-days", str(days), "-keyout", str(key), "-out", str(certificate)]
        argv += ["-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(argv, check=True, capture_output=True)
        both = folder / f"{name}-{days}.pem"
        both.write_text(certificate.read_text() + key.read_text())
        return both

    return make_one


def today() -> datetime:
    """Certificates are made at the real time, so they are looked at in relation to it: a little later."""
    return datetime.now(UTC) + timedelta(minutes=10)


def look(options: tls.Options, days_from_now: float = 0) -> list[Reading]:
    return list(tls.probe(options, looking(today() + timedelta(days=days_from_now))).readings)


@contextmanager
def serve_tls(
    certificate: Path, path: Path | None = None, change: Callable[[ssl.SSLContext], object] = lambda context: None
) -> Iterator[int]:
    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A client that only looks at the certificate hangs up."""

    server = Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    if path is not None:
        server.socket.close()
        server.socket = listening(path)
    context = server_context(certificate)
    change(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("days_from_now", "status", "aspect"),
    [
        (0, Status.OK, "expiry"),
        (68.9, Status.OK, "expiry"),
        (69.1, Status.WARNING, "expiry"),
        (82.9, Status.WARNING, "expiry"),
        (83.1, Status.CRITICAL, "expiry"),
        (90.1, Status.CRITICAL, "expired"),
        (-1, Status.CRITICAL, "not_yet_valid"),
    ],
)
def test_days_left_are_judged(make: Make, days_from_now: float, status: Status, aspect: str) -> None:
    """A certificate in a file is judged by the days left."""
    (reading,) = look(tls.Options(file=str(make(90))), days_from_now)
    assert (reading.status, reading.aspect) == (status, aspect)
    assert reading.value == pytest.approx(90 - days_from_now, abs=0.1)
    assert private(reading.facts["subject_text"]) == "clinic.example"
    until = datetime.strptime(str(reading.facts["until"]).rpartition(" ")[0], "%Y-%m-%d %H:%M").astimezone()
    assert today() + timedelta(days=89) <= until <= today() + timedelta(days=90)


def test_first_to_expire_counts(make: Make) -> None:
    """Of several files, the first to expire counts."""
    make(80, "a.example")
    make(20, "b.example")
    folder = make(90).parent
    (reading,) = look(tls.Options(file=f"{folder}/[ab].example-*.pem"))
    assert (reading.status, private(reading.facts["subject_text"])) == (Status.WARNING, "b.example")


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a site's certificate for 90 days, that of its authority for 20, and the site's key."""
    folder = tmp_path_factory.mktemp("chain")

    def openssl(*argv: object) -> None:
        subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True, cwd=folder)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new, "-subj", "/CN=Authority", "-days", 20, "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *new, "-subj", "/CN=clinic.example", "-keyout", "site.key", "-out", "site.csr")
    openssl("x509", "-req", "-in", "site.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", 90, "-out", "site.pem")
    parts = [(folder / name).read_text() for name in ("site.pem", "ca.pem", "site.key")]
    path = folder / "fullchain.pem"
    path.write_text("".join(parts))
    return path


@pytest.mark.parametrize(
    ("days_from_now", "status", "aspect"),
    [(0, Status.WARNING, "expiry"), (15, Status.CRITICAL, "expiry"), (30, Status.CRITICAL, "expired")],
)
def test_whole_chain_of_a_server_counts(chain: Path, days_from_now: float, status: Status, aspect: str) -> None:
    """Though its own certificate is good for months, nobody trusts it once the one above has expired."""
    with serve_tls(chain) as port:
        (reading,) = look(tls.Options(port=port, server_name="clinic.example"), days_from_now)
    assert (reading.status, reading.aspect, private(reading.facts["subject_text"])) == (status, aspect, "Authority")
    assert reading.facts["place"] == " #2"


def test_every_certificate_of_a_file_counts(chain: Path) -> None:
    (reading,) = look(tls.Options(file=str(chain)))
    assert (reading.status, private(reading.facts["subject_text"]), reading.facts["place"]) == (
        Status.WARNING,
        "Authority",
        " #2",
    )


def test_chain_behind_a_socket_is_read(chain: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        with serve_tls(chain, path):
            options = msgspec.convert({"host": str(path)}, tls.Options)
            (reading,) = look(options)
            assert tls.is_possible(options)
    assert (private(reading.facts["subject_text"]), reading.facts["where"]) == ("Authority", str(path))


def test_broken_file_hides_no_other(make: Make, tmp_path: Path) -> None:
    """Files that cannot be read are told, and what the others say counts all the same."""
    broken = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"
    shutil.copy(make(5), tmp_path / "b.pem")
    for name, text in (("a.pem", broken), ("d.pem", "no certificate at all"), ("e.pem", make(90).read_text() + broken[:30])):
        (tmp_path / name).write_text(text)
    (tmp_path / "c.pem").symlink_to("gone.pem")
    expiry, unread = look(tls.Options(file=f"{tmp_path}/*.pem"))
    assert (expiry.status, expiry.aspect) == (Status.CRITICAL, "expiry")
    # Whatever else in the path looks like somebody's name or number is taken out.
    assert private(expiry.facts["where_text"]).endswith("/b.pem")
    assert (unread.status, unread.aspect, unread.facts["count"]) == (Status.UNKNOWN, "unreadable", 4)
    assert all(f"/{name}.pem" in private(unread.facts["why_text"]) for name in "acde")


def test_not_yet_valid_hides_behind_no_other() -> None:
    """The worst counts, though another one ends earlier."""
    certificates = [Certificate(Private("early"), 0, NOW.timestamp() + 60 * tls.DAY_S), Certificate(Private("late"), 2e9, 3e9)]
    assert tls.worst_end(certificates, NOW.timestamp(), tls.Options()).facts["subject_text"] == Private("late")


def test_slow_chain_leaves_the_own_one(make: Make) -> None:
    """A server that shakes hands once, and the second time drips."""
    context = server_context(make(5))
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        pool.submit(shake_hands_once, listener, context)
        expiry, unread = look(tls.Options(port=listener.getsockname()[1], timeout_s=1.0))
    assert (expiry.status, private(expiry.facts["subject_text"])) == (Status.CRITICAL, "clinic.example")
    assert (unread.aspect, unread.status) == ("unreadable", Status.UNKNOWN)


def shake_hands_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True):
        pass
    # Until the client is gone.
    with listener.accept()[0] as second:
        while second.recv(65536):
            pass


def test_untrusted_certificate_is_read(make: Make) -> None:
    """The certificate that a server shows is read, though nobody vouches for it."""
    with serve_tls(make(20)) as port:
        (reading,) = look(tls.Options(port=port, server_name="clinic.example"))
    assert (reading.status, reading.aspect) == (Status.WARNING, "expiry")
    assert reading.facts["where"] == f"clinic.example:{port}"


def test_an_expired_certificate_is_critical(make: Make) -> None:
    with serve_tls(make(20)) as port:
        (reading,) = look(tls.Options(port=port), days_from_now=30)
    assert (reading.status, reading.aspect) == (Status.CRITICAL, "expired")


def test_untrusted_certificate_may_be_critical(make: Make) -> None:
    """A certificate that nobody vouches for is critical where that matters."""
    with serve_tls(make(90)) as port:
        expiry, trust = look(tls.Options(port=port, server_name="clinic.example", verify=True))
    assert expiry.status is Status.OK
    assert (trust.aspect, trust.status) == ("trust", Status.CRITICAL)
    assert "self" in str(trust.facts["reason"])


def test_trusted_certificate_is_fine(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is vouched for is fine, for its own name only."""
    certificate = make(90)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve_tls(certificate) as port:
        _, trust = look(tls.Options(port=port, server_name="clinic.example", verify=True))
        _, wrong_name = look(tls.Options(port=port, server_name="other.example", verify=True))
    assert trust.status is Status.OK
    assert wrong_name.status is Status.CRITICAL


def test_gone_server_is_consequence() -> None:
    port = int(nobody().rstrip("/").rpartition(":")[2])
    (reading,) = look(tls.Options(port=port))
    assert (reading.aspect, reading.status, reading.is_symptom) == ("answer", Status.CRITICAL, True)
    assert reading.facts["reason"] == "refused"


def test_server_without_tls_is_critical(site: Site) -> None:
    site.answers = [b""]
    (reading,) = look(tls.Options(port=int(site.url.rstrip("/").rpartition(":")[2])))
    assert (reading.aspect, reading.status, reading.is_symptom) == ("handshake", Status.CRITICAL, False)


def test_unusable_file_is_probe_error(tmp_path: Path) -> None:
    """A file that is missing, or no certificate, is a probe error."""
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    with pytest.raises(ProbeError, match=r"broken\.pem: no certificate"):
        look(tls.Options(file=str(broken)))
    with pytest.raises(ProbeError, match="no such file"):
        look(tls.Options(file=str(tmp_path / "none.pem")))


def test_possible_where_certificate_exists(make: Make, tmp_path: Path) -> None:
    assert tls.is_possible(tls.Options(file=str(make(90))))
    assert not tls.is_possible(tls.Options(file=str(tmp_path / "none.pem")))
    assert tls.is_possible(tls.Options(host="clinic.example"))


@pytest.mark.parametrize(
    ("days", "status", "aspect"),
    [
        (21, Status.OK, "expiry"),
        (7, Status.WARNING, "expiry"),
        (0, Status.CRITICAL, "expiry"),
        (-1 / 86400, Status.CRITICAL, "expired"),
    ],
)
def test_certificate_on_the_limit(days: float, status: Status, aspect: str) -> None:
    now = NOW.timestamp()
    reading = tls._expiry(Certificate(Private("clinic.example"), 0, now + days * tls.DAY_S), now, tls.Options())
    assert (reading.status, reading.aspect) == (status, aspect)


def test_certificate_that_begins_now_is_valid() -> None:
    now = NOW.timestamp()
    reading = tls._expiry(Certificate(Private("clinic.example"), now, now + 90 * tls.DAY_S), now, tls.Options())
    assert (reading.status, reading.aspect) == (Status.OK, "expiry")


def test_certificate_without_end_is_fine() -> None:
    """RFC 5280, 4.1.2.5: 99991231235959Z is for one that has no good end."""
    reading = tls._expiry(Certificate(Private("device"), 0, 253402300799.0), NOW.timestamp(), tls.Options())
    assert (reading.status, reading.facts["until"]) == (Status.OK, "9999-12-31 23:59 UTC")


def test_empty_host_is_refused() -> None:
    """A host without a name is refused at start."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"host": ""}, tls.Options)


@pytest.mark.parametrize("host", ["https://a.example", "a.example:443", "a b", "user@a", "[::1]", "run/x.sock", "/a\nb"])
def test_bad_host_is_refused(host: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"host": host}, tls.Options)


@pytest.mark.parametrize("host", ["a.example", "127.0.0.1", "::1", "fe80::1%eth0", "/run/site.sock"])
def test_good_host_is_taken(host: str) -> None:
    assert msgspec.convert({"host": host, "server_name": "a.example"}, tls.Options).host == host


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("verify", [False, True])
def test_server_that_wants_a_certificate_shows_its_own(
    make: Make, newest: ssl.TLSVersion, verify: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there, and its certificate can be read: that is what is looked at."""
    certificate = make(30, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def demand(context: ssl.SSLContext) -> None:
        context.maximum_version = newest
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)

    with serve_tls(certificate, change=demand) as port:
        options = tls.Options(port=port, server_name="localhost", verify=verify)
        readings = look(options)
        assert [(reading.aspect, reading.status) for reading in readings] == [("expiry", Status.OK), ("trust", Status.OK)][
            : 1 + verify
        ]
        assert look(options, 25)[0].status is Status.CRITICAL


def test_server_that_agrees_on_nothing_has_failed(make: Make) -> None:
    """It hangs up with the same alert, and shows nothing."""

    def refuse(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("PSK")

    with serve_tls(make(30), change=refuse) as port:
        assert [(reading.aspect, reading.status) for reading in look(tls.Options(port=port))] == [("handshake", Status.CRITICAL)]


@pytest.mark.parametrize(
    ("subject", "file", "is_public"),
    [
        ("clinic.example", "live/clinic.example/fullchain.pem", True),
        ("*.clinic.example", "live/clinic.example-0001/fullchain.pem", True),
        ("clinic.example", "live/other.example/fullchain.pem", False),
        ("hong", "live/hong/fullchain.pem", False),
        ("900101.example", "live/900101.example/fullchain.pem", False),
    ],
)
def test_file_of_a_site_is_named(subject: str, file: str, is_public: bool) -> None:
    """What a pattern stands for is told where it is the site's own name; anything else may be anybody's."""
    certificate = Certificate(Private(subject), 0, NOW.timestamp() + 86400, f"/etc/{file}")
    reading = tls._expiry(certificate, NOW.timestamp(), tls.Options(file="/etc/live/*/fullchain.pem"))
    assert reading.facts["where"] == (f"/etc/{file}" if is_public else "/etc/live/*/fullchain.pem")
    assert private(reading.facts["where_text"]) == f"/etc/{file}"


@pytest.mark.parametrize(("days", "began"), [(30, None), (10, None), (3, -4), (-2, -2)])
def test_an_end_is_too_near_from_its_limit_on(days: float, began: float | None) -> None:
    """Whenever somebody looks; and what is over is over since then."""
    now = NOW.timestamp()
    reading = tls.worst_end([Certificate(Private("clinic.example"), 0, now + days * tls.DAY_S)], now, tls.Options())
    assert reading.began_at == (None if began is None else NOW + timedelta(days=began))


@pytest.mark.parametrize(("issuer", "known"), [("Let's Encrypt", "Let's Encrypt"), ("Hong Gildong", None)])
def test_a_known_issuer_may_be_told(issuer: str, known: str | None) -> None:
    """By it is known who renews the certificate; anybody may call an authority of one's own anything."""
    now = NOW.timestamp()
    certificate = Certificate(Private("clinic.example"), 0, now + tls.DAY_S, issuer=Private(issuer))
    facts = tls.worst_end([certificate], now, tls.Options()).facts
    assert (facts.get("issuer"), facts["issuer_text"]) == (known, Private(issuer))


def test_subject_and_issuer_are_told_apart(make: Make) -> None:
    """Who has signed for oneself is both."""
    (found,) = in_file(make(3), time.monotonic() + 60).certificates
    assert (found.subject, found.issuer) == (Private("clinic.example"), Private("clinic.example"))
