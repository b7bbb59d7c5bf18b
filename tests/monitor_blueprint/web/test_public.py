"""The public page and its badges: names and states for everybody, where the operator wants that, and nothing else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from monitor_blueprint import Monitor, create_monitor
from monitor_blueprint.config import ConfigError
from monitor_blueprint.domain.models import ABSENT, Reading, Silence, Status, Thresholds
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.probes import Observation
from monitor_blueprint.web.badge import COLOURS, GREY, draw_badge, width
from tests.monitor_blueprint.conftest import Script, StartMonitor
from tests.monitor_blueprint.running import TOKEN, Running, configure

OPEN = "public_page = true"
SECRET = "db7.internal.example"
DOWN = Observation(
    (Reading("thing", Status.CRITICAL, value=77.7, facts={"reason": Public("gone"), "reason_text": Private(SECRET)}),)
)
FULL = Observation((Reading("usage", value=85.0, unit="%", thresholds=Thresholds(80, 90)),))
AWAY = Observation((Reading(ABSENT),))
KOREAN = '[[check]]\nname = "데이터<b>&/베이스"\nkind = "scripted"\nline = "Flask"\n'
ADDRESSES = ("/public/", "/public/status.json", "/public/public.css", "/badges/overall.svg", "/badges/Flask.svg")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def ailing(start_monitor: StartMonitor, script: Script) -> Running:
    """Flask is down, Disk is fuller than it should be; somebody has silenced Flask and said why."""
    script["Flask"] = lambda context: DOWN
    script["Disk"] = lambda context: FULL
    running = start_monitor(settings=OPEN)
    now = datetime.now(UTC)
    running.monitor.store.run(lambda tx: tx.add_silence(Silence("Flask", now, now + timedelta(hours=1), "kim is at it")))
    return running


def picture(client: FlaskClient, name: str, query: str = "") -> tuple[str, list[str], str]:
    """The badge's title, its two texts, and the colour of the state."""
    answer = client.get(f"/badges/{name}.svg{query}")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    root = ET.fromstring(answer.get_data())
    assert root.get("role") == "img"
    title = root.findtext(f"{SVG}title") or ""
    assert root.get("aria-label") == title
    return title, [each.text or "" for each in root.iter(f"{SVG}text")], root.findall(f"{SVG}rect")[1].get("fill", "")


def test_it_is_closed_unless_asked_for(start_monitor: StartMonitor) -> None:
    """Then it is no address: a stranger is not told so, an administrator is."""
    running = start_monitor()
    for address in ADDRESSES:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            assert running.anybody.open(address, method=method).status_code == 401, (address, method)
        assert running.admin.get(address).status_code == 404


def test_everybody_sees_names_and_states(ailing: Running) -> None:
    """And no reason, value, host, silence or number of an incident."""
    page = ailing.anybody.get("/public/")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    text = page.get_data(as_text=True)
    rows = re.findall(r'<th scope="row">(.*?)</th><td><span class="badge (.*?)">(.*?)</span>', text)
    assert rows == [("Flask", "critical", "장애"), ("Disk", "warning", "경고"), ("Monitor", "ok", "정상")]
    assert '<header class="critical">' in text
    assert "장애가 있습니다" in text
    assert re.search(r"마지막 점검: 20[0-9-]+ [0-9:]+ [A-Z]+", text)
    for address in ADDRESSES:
        said = ailing.anybody.get(address).get_data(as_text=True)
        for hidden in ("gone", SECRET, "77.7", "85", "kim", "silence", "/incidents", TOKEN):
            assert hidden not in said, (address, hidden)


def test_programs_see_the_same(ailing: Running) -> None:
    found = ailing.anybody.get("/public/status.json").get_json()
    assert datetime.fromisoformat(found.pop("last_check_at")).tzinfo is not None
    assert found == {
        "ok": True,
        "overall": "CRITICAL",
        "stale": None,
        "checks": [
            {"name": "Flask", "status": "CRITICAL"},
            {"name": "Disk", "status": "WARNING"},
            {"name": "Monitor", "status": "OK"},
        ],
    }


def test_page_speaks_english_too(ailing: Running) -> None:
    text = ailing.anybody.get("/public/?lang=en").get_data(as_text=True)
    assert '<html lang="en">' in text
    assert "Something is down" in text


def test_badges_show_state_and_colour(ailing: Running) -> None:
    client = ailing.anybody
    assert picture(client, "Flask") == ("Flask: 장애", ["Flask", "장애"], COLOURS["CRITICAL"])
    assert picture(client, "Disk") == ("Disk: 경고", ["Disk", "경고"], COLOURS["WARNING"])
    assert picture(client, "Monitor", "?lang=en") == ("Monitor: OK", ["Monitor", "OK"], COLOURS["OK"])
    assert picture(client, "overall") == ("NeuroNova: 장애", ["NeuroNova", "장애"], COLOURS["CRITICAL"])
    assert client.get("/badges/Nothing.svg").status_code == 401
    assert ailing.admin.get("/badges/Nothing.svg").status_code == 404


def test_nothing_is_green_when_nobody_looks(start_monitor: StartMonitor) -> None:
    """The schedule stands still, and everything was well when it was last looked at."""
    running = start_monitor(settings=OPEN)
    assert picture(running.anybody, "overall")[2] == COLOURS["OK"]
    running.monitor.store.run(lambda tx: tx.prune(datetime.now(UTC) + timedelta(days=2), 1))
    for name in ("overall", "Flask", "Disk", "Monitor"):
        title, _, colour = picture(running.anybody, name)
        assert (title.partition(": ")[2], colour) == ("점검 멈춤", GREY)
    text = running.anybody.get("/public/").get_data(as_text=True)
    assert "점검이 멈춰 있습니다" in text
    assert "지금은 상태를 알 수 없습니다" in text
    assert re.findall(r'class="badge (.*?)"', text) == ["unknown"] * 3
    found = running.anybody.get("/public/status.json").get_json()
    assert (found["overall"], found["stale"]) == ("UNKNOWN", "stalled")
    assert {each["status"] for each in found["checks"]} == {"UNKNOWN"}


def test_what_was_never_seen_is_not_green(tmp_path: Path, script: Script) -> None:
    """The monitor has just been installed, and no schedule runs."""
    app = create_monitor({"NEURONOVA_CONFIG": str(configure(tmp_path, settings=OPEN))})
    try:
        assert picture(app.test_client(), "Flask")[2] == GREY
        assert picture(app.test_client(), "overall")[2] == GREY
        assert "아직 점검하지 않았습니다" in app.test_client().get("/public/").get_data(as_text=True)
    finally:
        app.extensions["neuronova_monitor"].store.close()


def test_what_is_not_here_is_left_out(start_monitor: StartMonitor, script: Script) -> None:
    script["Flask"] = lambda context: AWAY
    running = start_monitor(settings=OPEN)
    assert picture(running.anybody, "Flask")[1:] == (["Flask", "제외"], GREY)
    assert running.anybody.get("/public/status.json").get_json()["checks"][0]["status"] == "LEFT_OUT"


def test_a_name_is_text_and_nothing_else(start_monitor: StartMonitor) -> None:
    running = start_monitor(KOREAN, OPEN)
    assert picture(running.anybody, "데이터<b>&/베이스")[1][0] == "데이터<b>&/베이스"
    assert "데이터&lt;b&gt;&amp;/베이스" in running.anybody.get("/public/").get_data(as_text=True)


def test_other_sites_may_show_a_badge_only(ailing: Running) -> None:
    """No browser keeps what may be another tomorrow."""
    for address in ADDRESSES:
        headers = ailing.anybody.get(address).headers
        allowed = "cross-origin" if address.startswith("/badges/") else "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == allowed
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    text = ailing.anybody.get("/public/").get_data(as_text=True)
    assert "<script" not in text
    assert "style=" not in text
    assert ailing.anybody.get(re.findall(r'rel="stylesheet" href="(.*?)"', text)[0]).mimetype == "text/css"


@pytest.fixture
def host() -> Iterator[Flask]:
    app = Flask(__name__)
    app.add_url_rule("/public/", "own", lambda: "the host's own")
    yield app
    app.extensions["neuronova_monitor"].store.close()


def test_a_hosts_addresses_are_its_own(host: Flask, tmp_path: Path, script: Script) -> None:
    """At its root, unless the public page is asked for; under a prefix it is nobody else's."""
    environ = {"NEURONOVA_CONFIG": str(configure(tmp_path)), "MONITOR_ADMIN_TOKEN": TOKEN}
    Monitor(host, environ=environ, url_prefix="/")
    assert host.test_client().get("/public/").text == "the host's own"
    assert host.test_client().get("/badges/overall.svg").status_code == 404


def test_a_prefix_is_kept(host: Flask, tmp_path: Path, script: Script) -> None:
    Monitor(host, environ={"NEURONOVA_CONFIG": str(configure(tmp_path, settings=OPEN))}, url_prefix="/ops")
    text = host.test_client().get("/ops/public/").get_data(as_text=True)
    assert '"/ops/public/public.css"' in text
    assert host.test_client().get("/ops/badges/Disk.svg").status_code == 200
    assert host.test_client().get("/public/").text == "the host's own"


def test_a_wrong_setting_names_file_and_key(tmp_path: Path, script: Script) -> None:
    path = configure(tmp_path, settings='public_page = "yes"')
    with pytest.raises(ConfigError, match=rf"{re.escape(str(path))}: \[monitor\]: .*bool.*public_page"):
        create_monitor({"NEURONOVA_CONFIG": str(path)})


def test_a_badge_is_as_wide_as_its_words() -> None:
    """About as a browser would draw them; Korean letters are broad, and marks above letters take no room."""
    assert width("가") == width("한") == 11
    assert width("가나다") == 33
    assert width("e\u0301") == width("e")
    assert width("WWWW") > width("eeee") > width("iiii")
    root = ET.fromstring(draw_badge("x" * 40, "정상", GREY))
    texts = list(root.iter(f"{SVG}text"))
    assert float(root.get("width", "0")) >= sum(float(each.get("textLength", "0")) for each in texts) + 20


def test_white_letters_are_readable() -> None:
    """A contrast of 4.5 to 1, as WCAG AA asks for."""
    for colour in {*COLOURS.values(), "#24292f"}:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (light + 0.05) >= 4.5, colour
