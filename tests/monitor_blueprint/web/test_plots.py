"""The pages with pictures: of a check, of several, and of the incidents, with a real database."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.test import TestResponse

from monitor_blueprint.console.gate import new_token
from monitor_blueprint.domain.access import Role
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Event, EventKind, Incident, Reading, Silence, State, Status, Thresholds
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation
from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.pages.plotting import RANGES
from tests.monitor_blueprint.conftest import Script, StartMonitor
from tests.monitor_blueprint.running import Running

HOSTILE = "<img/src=x/onerror=alert(1)>"
CHECKS = f"""
[[check]]
name = "Load"
kind = "scripted"
line = "Load"
depends_on = ["Web"]

[[check]]
name = "Web"
kind = "scripted"
line = "Web"

[[check]]
name = "{HOSTILE}"
kind = "scripted"
line = "hostile"
"""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NAMES = ("Load", "Web", HOSTILE)
Fill = Callable[..., Running]


def result(name: str, at: datetime, number: int, status: Status = Status.OK) -> CheckResult:
    if name == "Load":
        readings = (Reading("load", status, value=float(20 + number % 60), unit="%", thresholds=Thresholds(80, 90)),)
    else:
        readings = (Reading("http", status, facts={"http_status": 200, "latency_ms": 10.0 + number % 40}),)
    return CheckResult(name, "cpu" if name == "Load" else "http", readings, at, duration_ms=1.5)


@pytest.fixture
def fill(start_monitor: StartMonitor, script: Script) -> Fill:
    """Starts a monitor that has watched its checks for some days, with an hour's hole and half an hour's outage of Web."""
    script["Load"] = lambda context: Observation((Reading("load", value=42.0, unit="%", thresholds=Thresholds(80, 90)),))
    script["Web"] = lambda context: Observation((Reading("http", facts={"http_status": 200, "latency_ms": 33.0}),))
    script["hostile"] = lambda context: Observation((Reading("thing", value=7.0, unit=HOSTILE),))

    def start(days: float = 2, step: timedelta = 5 * MINUTE, **environ: str) -> Running:
        running = start_monitor(CHECKS, **environ)
        begin = datetime.now(UTC) - timedelta(days=days)
        for number in range(int(days * DAY / step)):
            at = begin + number * step
            left = begin + days * DAY - at
            if timedelta(hours=9) < left < timedelta(hours=10):
                continue
            is_down = timedelta(hours=4) < left < timedelta(hours=4.5)
            results = [result(name, at, number, Status.CRITICAL if is_down and name == "Web" else Status.OK) for name in NAMES]
            running.monitor.store.run(
                lambda tx, at=at, results=results: tx.record_round(at, 1.0, Status.OK, results),  # type: ignore[misc]
                is_lasting=False,
            )
        return running

    return start


def open_incident(running: Running, number: int, opened_at: datetime, closed_at: datetime | None = None, by: str = "") -> None:
    incident = Incident(number, opened_at, opened_at, acked_by=by, acked_at=opened_at if by else None)
    name = "Web" if number % 2 else "Load"
    event = Event(EventKind.OPENED, opened_at, number, opened_at, (name,))
    message = Message(f"m{number}", Public("subject"), Public("body"), opened_at)
    store = running.monitor.store
    state = store.reads.state()
    store.run(lambda tx: tx.save_state(State(state.checks, incident, number), opened_at))
    store.run(lambda tx: tx.add_event(event, message, ()))
    store.run(lambda tx: tx.story.add_told(f"m{number}", opened_at, f"{name} fails: reason {number}", []))
    if closed_at is not None:
        store.run(lambda tx: tx.save_state(State(state.checks, None, number), closed_at))


def get(running: Running, address: str, status: int = 200) -> str:
    answer: TestResponse = running.admin.get(address)
    assert answer.status_code == status, answer.text
    return answer.text


def pictures(page: str) -> list[str]:
    return re.findall(r'<svg class="picture".*?</desc>.*?(?=</svg></div>)', page, re.DOTALL)


def texts(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", page).split()))


# --- A check


@pytest.mark.parametrize("key", RANGES)
def test_every_range_is_drawn(fill: Fill, key: str) -> None:
    page = get(fill(), f"/checks/Load?range={key}&lang=en")
    load = pictures(page)[0]
    assert 'class="area mean"' in load
    assert 'class="curve mean"' in load
    assert all(f'class="limit {kind}"' in load for kind in ("warning", "critical"))
    assert re.search(r"<desc[^>]*>Least 20%, mean [\d.]+%, greatest 79%", load)
    assert f'href="?range={key}" aria-current="page"' in page
    # The same figures as a table.
    assert re.search(r"<tr><td>[-\d :]+<td>\d+<td>[\d.]+<td>\d+", page)


def test_nothing_in_a_page_is_code_or_style(fill: Fill) -> None:
    """The Content-Security-Policy lets neither do anything; there is none in the first place."""
    running = fill()
    for address in ("/checks/Load", "/checks/Web?range=30d", "/compare", "/incidents"):
        page = get(running, address)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", re.sub(r"&[#\w]+;", "", page)), address


def test_the_hole_is_hatched_and_no_curve_crosses_it(fill: Fill) -> None:
    page = get(fill(), "/checks/Load?lang=en")
    load = pictures(page)[0]
    (title,) = re.findall(r'<rect class="band unwatched" fill="url\(#hatch\)"[^>]*><title>([^<]*)', load)
    assert title.startswith("not watched: ")
    (curve,) = re.findall(r'<path d="([^"]*)" class="curve mean"', load)
    assert curve.count("M") == 2


def test_how_it_stood_is_told_by_height_and_word(fill: Fill) -> None:
    page = get(fill(), "/checks/Web?lang=en")
    spans = re.findall(r'<rect class="span (\w+)"[^>]* height="(\d+)"><title>(\w+)', page)
    assert [(kind, word) for kind, _, word in spans] == [
        ("ok", "up"),
        ("unwatched", "not"),
        ("ok", "up"),
        ("critical", "down"),
        ("ok", "up"),
    ]
    assert len({height for _, height, _ in spans}) > 1


def test_incidents_silences_and_starts_are_marked(fill: Fill) -> None:
    running, now = fill(), datetime.now(UTC)
    open_incident(running, 1, now - timedelta(hours=5), now - timedelta(hours=4))
    open_incident(running, 2, now - timedelta(hours=3), now - timedelta(hours=2))
    store = running.monitor.store
    store.run(lambda tx: tx.add_silence(Silence("*", now - timedelta(hours=8), now - timedelta(hours=7), HOSTILE)))
    store.run(lambda tx: tx.add_silence(Silence("Load", now - timedelta(hours=8), now - timedelta(hours=7), "of another")))
    store.run(lambda tx: tx.story.add(StoryEntry(now - timedelta(hours=6), StoryKind.STOPPED)))
    page = get(running, "/checks/Web?lang=en")
    (band,) = re.findall(r'<rect class="band incident"[^>]*><title>([^<]*)', page)
    assert band.startswith("Incident 1: ")
    (silence,) = re.findall(r'<rect class="span silence"[^>]*><title>([^<]*)', page)
    assert silence.endswith(html.escape(f" · {HOSTILE}"))
    assert "Monitor stopped" in "".join(re.findall(r'<path d="[^"]*" class="mark"><title>([^<]*)', page))
    assert HOSTILE not in page
    # As links, too, for whoever does not see the picture.
    assert 'href="/incidents/1"' in page
    assert 'href="/incidents/2"' not in page


def test_response_times_have_their_spread(fill: Fill) -> None:
    page = texts(get(fill(), "/checks/Web?lang=en"))
    # The latencies are 10 to 49 ms, one as often as another.
    assert re.search(r"The last 24 hours \(Count 2\d\d\) p50 (29|30)ms · p95 4[78]ms", page)


def test_a_long_time_says_what_is_not_kept(fill: Fill) -> None:
    page = texts(get(fill(), "/checks/Web?range=1y&lang=en"))
    assert "p50 and p95 are told of up to 7 days. Single results are kept for 30 days" in page


def test_last_results_and_configuration(fill: Fill) -> None:
    page = get(fill(), "/checks/Load?lang=en")
    rows = re.findall(r'<tr><td class="time">([^<]*)</td><td><span class="badge ok">OK</span></td><td>Load [\d.]+</td>', page)
    assert len(rows) == 20
    assert rows == sorted(rows, reverse=True)
    assert "<dt><code>line</code></dt><dd><code>Load</code></dd>" in page
    assert '<a href="/checks/Web">Web</a>' in page


def test_availability_is_honest(fill: Fill) -> None:
    """Of 30 days two were watched, and half an hour of them was down; an hour nobody saw."""
    page = texts(get(fill(), "/checks/Web?lang=en"))
    found = re.search(r"Availability in 30 days: ([\d.]+)% · down (\d+) min · watched 1 d (\d+) h", page)
    assert found is not None
    share, down, hours = float(found[1]), int(found[2]), int(found[3])
    assert 98.5 < share < 99.2
    assert 24 <= down <= 35
    assert hours in {22, 23}


def test_hostile_names_are_names(fill: Fill) -> None:
    running = fill()
    for address in (f"/checks/{HOSTILE}", f"/compare?check={HOSTILE}", f"/incidents?check={HOSTILE}&text={HOSTILE}"):
        page = get(running, address)
        assert HOSTILE not in page
        assert HOSTILE in texts(page)


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("/checks/Nobody?lang=en", 404, "Nobody: there is no check of that name"),
        ("/checks/Load?range=2y&lang=en", 422, "range: there is no 2y. Possible are: 24h, 7d, 30d, 1y"),
        ("/compare?range=<b>&lang=en", 422, "range: there is no <b>."),
        ("/compare?check=Nobody&lang=en", 422, "check: there is no check Nobody"),
        ("/incidents?since=yesterday&lang=en", 422, "since: write a day such as 2026-11-28"),
        ("/incidents?until=0001-01-01&lang=en", 422, "until: write a day such as 2026-11-28"),
        ("/incidents?since=2026-03-02&until=2026-03-01&lang=en", 422, "until: is a day before since"),
        ("/incidents?state=half&lang=en", 422, "state: only open or closed can be asked for"),
        ("/incidents?before=x&lang=en", 422, "before: must be a number"),
        ("/incidents?before=99999999999999999999&lang=en", 422, "before: must be a number"),
    ],
)
def test_what_is_wrong_is_named(fill: Fill, address: str, status: int, told: str) -> None:
    assert told in texts(get(fill(days=0), address, status))


# --- The forecast


@pytest.mark.parametrize(
    ("per_hour", "told", "drawn"),
    [
        (-1.0, "available now. By this trend it is full at ", 'class="moment full"'),
        (0.5, "It is not getting less", 'class="curve trend"'),
    ],
)
def test_a_disk_has_a_forecast(start_monitor: StartMonitor, per_hour: float, told: str, drawn: str) -> None:
    running, now = start_monitor('[[check]]\nname = "Trend"\nkind = "disk_trend"'), datetime.now(UTC)
    samples = [[(now - 5 * MINUTE * (72 - number)).timestamp(), (10 + per_hour * number / 12) * 2**30] for number in range(73)]
    found = CheckResult("Trend", "disk_trend", (Reading("trend", value=4.0, unit="h"),), now, checkpoint={"samples": samples})
    running.monitor.store.run(lambda tx: tx.record_round(now, 1.0, Status.OK, [found]))
    page = get(running, "/checks/Trend?lang=en")
    assert told in texts(page)
    assert drawn in page
    if per_hour < 0:
        # Four gigabytes are left, one goes each hour.
        full = datetime.strptime(re.findall(r"full at (.{16})\.", texts(page))[0], "%Y-%m-%d %H:%M").astimezone()
        assert abs(full - now - timedelta(hours=4)) < 2 * MINUTE


def test_few_samples_are_no_forecast(start_monitor: StartMonitor) -> None:
    running = start_monitor('[[check]]\nname = "Trend"\nkind = "disk_trend"')
    page = get(running, "/checks/Trend?lang=en")
    assert "There are too few measurements yet for a trend." in texts(page)
    assert 'class="curve trend"' not in page


# --- Several checks


def test_several_share_one_axis(fill: Fill) -> None:
    running, now = fill(), datetime.now(UTC)
    open_incident(running, 1, now - timedelta(hours=5), now - timedelta(hours=4))
    page = get(running, "/compare?check=Web&check=Load&lang=en")
    drawn = pictures(page)
    assert len(drawn) == 3
    # The times stand below the last only; an incident of one goes through all.
    assert ['class="time' in each for each in drawn] == [False, False, True]
    assert all('class="band incident"' in each for each in drawn)
    # What measures nothing is seen by how fast it answers.
    assert "Web · Response time" in texts(page)
    assert re.findall(r'value="(\w+)" checked', page) == ["Load", "Web"]


def test_the_first_that_measure_are_compared(fill: Fill) -> None:
    assert re.findall(r'value="(\w+)" checked', get(fill(days=0.1), "/compare")) == ["Load"]


# --- Incidents


def test_incidents_come_page_by_page(fill: Fill) -> None:
    running, now = fill(days=0), datetime.now(UTC)
    for number in range(1, 31):
        begin = now - timedelta(hours=31 - number)
        open_incident(
            running, number, begin, None if number == 30 else begin + timedelta(minutes=30), "kim" if number == 29 else ""
        )
    page = get(running, "/incidents?lang=en")
    assert re.findall(r'scope="row"><a href="/incidents/(\d+)"', page) == [f"{number}" for number in range(30, 5, -1)]
    assert "ongoing" in page
    assert "30 min" in page
    assert "kim" in page
    (following,) = re.findall(r'href="([^"]*)" rel="next"', page)
    rest = get(running, html.unescape(following))
    assert re.findall(r'scope="row"><a href="/incidents/(\d+)"', rest) == ["5", "4", "3", "2", "1"]
    assert 'rel="next"' not in rest


def test_incidents_are_searched(fill: Fill) -> None:
    running, now = fill(days=0), datetime.now(UTC)
    for number in range(1, 5):
        begin = now - timedelta(days=5 - number)
        open_incident(
            running, number, begin, None if number == 4 else begin + timedelta(minutes=30), "kim" if number == 3 else ""
        )

    def numbers(query: str) -> list[str]:
        return re.findall(r'scope="row"><a href="/incidents/(\d+)"', get(running, f"/incidents?{query}"))

    assert numbers("check=Load") == ["4", "2"]
    assert numbers("state=open") == ["4"]
    assert numbers("state=closed&check=Load") == ["2"]
    assert numbers("text=REASON+3") == ["3"]
    assert numbers("text=kim") == ["3"]
    day = (now - timedelta(days=3)).astimezone().date()
    assert numbers(f"since={day}&until={day}") == ["2"]
    assert "조건에 맞는 장애가 없습니다" in get(running, "/incidents?text=nothing+of+the+kind")


def test_the_month_is_a_time_line(fill: Fill) -> None:
    running, now = fill(days=0), datetime.now(UTC)
    for number in range(1, 4):
        open_incident(running, number, now - timedelta(days=9 - number), now - timedelta(days=9 - number, hours=-1))
    page = get(running, "/incidents?lang=en")
    (drawn,) = pictures(page)
    assert re.search(r"<desc[^>]*>3 incidents of 2 checks\.", drawn)
    assert re.findall(r'class="lane"[^>]*>(\w+ \(\d\))', drawn) == ["Web (2)", "Load (1)"]


# --- Who sees what, and how much


def test_another_language_is_the_same_page(fill: Fill) -> None:
    page = get(fill(days=0), "/compare?check=Load&range=7d&check=Web&lang=en&text=%22%3E")
    assert 'href="?check=Load&amp;check=Web&amp;range=7d&amp;text=%22%3E&amp;lang=ko"' in page


def test_readers_see_nothing_typed(fill: Fill) -> None:
    running, now = fill(), datetime.now(UTC)
    token, record = new_token("reader", Role.READ, "admin", now)
    store = running.monitor.store
    store.run(lambda tx: tx.access.add_token(record))
    open_incident(running, 1, now - timedelta(hours=5), now - timedelta(hours=4), by="Kim Secret")
    store.run(lambda tx: tx.add_silence(Silence("*", now - timedelta(hours=8), now - timedelta(hours=7), "secret reason")))
    for address in ("/checks/Web", "/compare?check=Web", "/incidents", "/incidents?text=kim"):
        answer = running.anybody.get(address, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, address
        assert "secret" not in re.sub(r'value="[^"]*"', "", answer.text.lower()), address
        assert "secret" in get(running, address).lower() or address == "/incidents?text=kim"


def test_pages_are_small(fill: Fill) -> None:
    """However long the time: 60 KB, and a year no more than twice that."""
    running = fill(days=30, step=30 * MINUTE)
    for address in ("/checks/Load", "/checks/Web", "/compare?check=Web&check=Load", "/incidents"):
        for key in RANGES:
            page = get(running, f"{address}{'&' if '?' in address else '?'}range={key}")
            assert len(page.encode()) < (120_000 if key == "1y" else 60_000), (address, key)


def test_ranges_end_now() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert RANGES["7d"].times(now) == Times(now - 7 * DAY, now)
