from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor_blueprint.adapters import command
from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.probes import journal as probe_journal
from monitor_blueprint.probes.journal import Options, parse, probe
from tests.monitor_blueprint.probes.looking import looking, private

# The recorded quarter of an hour begins here; what happens when is told by `journalctl --directory`.
BEGIN = datetime(2025, 12, 6, 5, 30, 0, tzinfo=UTC).timestamp()


def test_errors_are_counted_per_minute(journal: str) -> None:
    """Errors of the watched units are counted per minute."""
    (reading,) = probe(Options(directory=journal), looking(BEGIN + 240)).readings
    # CRITICAL of gunicorn, two ERROR lines of Django, Nginx's priority "err"; not cron's.
    assert reading.facts["errors"] == 4
    assert reading.value == 0.8
    assert reading.facts["unit"] == "gunicorn_django"


def test_errors_have_limits(journal: str) -> None:
    """Errors are held against limits, and may be a consequence."""
    (reading,) = probe(Options(directory=journal, warning=2, critical=3), looking(BEGIN + 240)).readings
    assert reading.thresholds is not None
    assert (reading.thresholds.warning, reading.thresholds.critical) == (2, 3)
    assert reading.is_symptom


def test_last_error_hides_secrets(journal: str) -> None:
    """The last error is shown without secrets and names."""
    (reading,) = probe(Options(directory=journal, units=("gunicorn_django",)), looking(BEGIN + 240)).readings
    last = private(reading.facts["last_text"])
    assert last.startswith("ERROR clinic:")
    for secret in ("Kim", "Minsu", "kim@example.org", "abcdefghijk0123"):
        assert secret not in last


def test_next_look_continues(journal: str) -> None:
    """The next look goes on where the last one ended."""
    options = Options(directory=journal)
    first = probe(options, looking(BEGIN + 240))
    second = probe(options, looking(BEGIN + 250, checkpoint=first.checkpoint))
    assert second.readings[0].facts["errors"] == 4
    assert second.checkpoint["cursor"] == first.checkpoint["cursor"]


def test_only_what_is_new_is_read(journal: str) -> None:
    options = Options(directory=journal, units=("gunicorn_django",))
    lines = command.run(
        ["journalctl", "-o", "json", "-D", journal, "-u", "gunicorn_django"], looking().deadline
    ).text.splitlines()
    middle = json.loads(lines[-2])["__CURSOR"]
    checkpoint = {"cursor": middle, "at": BEGIN + 80, "counts": [[int(BEGIN) // 60 + 1, "gunicorn_django", 10]], "last": "x"}
    (reading,) = probe(options, looking(BEGIN + 240, checkpoint=checkpoint)).readings
    assert reading.facts["errors"] == 11


def test_a_flood_began_with_its_first_error(journal: str) -> None:
    """What was said before, now and then, is not of it; nor is it when somebody looked."""
    options = Options(directory=journal, warning=1, critical=2)
    lines = command.run(["journalctl", "-o", "json", "-D", journal, *(f"-u{unit}" for unit in options.units)], looking().deadline)
    errors = [entry.at for entry in parse(lines.text.splitlines()) if entry.is_error and BEGIN - 60 <= entry.at <= BEGIN + 240]
    (reading,) = probe(options, looking(BEGIN + 240)).readings
    assert reading.began_at is not None
    assert reading.began_at.timestamp() in errors
    (later,) = probe(options, looking(BEGIN + 250, checkpoint=probe(options, looking(BEGIN + 240)).checkpoint)).readings
    assert later.began_at == reading.began_at
    assert probe(options, looking(BEGIN + 86400)).readings[0].began_at is None


def test_errors_leave_the_window(journal: str) -> None:
    """Errors leave the window after five minutes."""
    options = Options(directory=journal)
    first = probe(options, looking(BEGIN + 240))
    (reading,) = probe(options, looking(BEGIN + 500, checkpoint=first.checkpoint)).readings
    assert reading.facts["errors"] == 0
    assert "last_text" not in reading.facts


def test_unknown_position_is_given_up(journal: str) -> None:
    """A position that no journal knows is given up."""
    checkpoint = {"cursor": "nonsense", "at": BEGIN + 200, "counts": [[1, "nginx", 99]], "last": ""}
    (reading,) = probe(Options(directory=journal), looking(BEGIN + 240, checkpoint=checkpoint)).readings
    assert reading.facts["errors"] == 4


def test_absence_revives_no_errors(journal: str) -> None:
    """A long absence does not bring old errors back."""
    first = probe(Options(directory=journal), looking(BEGIN + 60))
    (reading,) = probe(Options(directory=journal), looking(BEGIN + 86400, checkpoint=first.checkpoint)).readings
    assert reading.facts["errors"] == 0


def test_clock_set_back_counts_afresh(journal: str) -> None:
    first = probe(Options(directory=journal), looking(BEGIN + 86400))
    (reading,) = probe(Options(directory=journal), looking(BEGIN + 240, checkpoint=first.checkpoint)).readings
    assert reading.facts["errors"] == 4


def test_flood_is_cut(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood is read only so far, and said to be cut."""
    monkeypatch.setattr(probe_journal, "MAX_BYTES", 1500)
    seen = probe(Options(directory=journal), looking(BEGIN + 240))
    assert seen.readings[0].facts["is_cut"] is True
    assert seen.checkpoint["cursor"] == ""


def test_systemd_lines_belong_to_unit(journal: str) -> None:
    """What systemd itself says of a unit belongs to the unit."""
    text = command.run(["journalctl", "-o", "json", "-D", journal, "-u", "gunicorn_flask"], looking().deadline).text
    entries = list(parse(text.splitlines()))
    assert entries[-1].message.endswith("Failed with result 'signal'.")
    assert entries[-1].unit == "gunicorn_flask"


def test_broken_lines_are_survived() -> None:
    """Lines that are binary, missing or cut off are survived."""
    time = '"__REALTIME_TIMESTAMP":"1764999082000000"'
    lines = [
        "{" + time + ',"MESSAGE":[69,82,82,79,82,255],"_SYSTEMD_UNIT":"nginx.service"}',
        "{" + time + ',"MESSAGE":null,"PRIORITY":"2"}',
        "{" + time + ',"MESSAGE":"ERROR: cut',
        "[]",
        "-- No entries --",
    ]
    assert [entry.is_error for entry in parse(lines)] == [True, True]


def test_similar_word_is_no_error() -> None:
    """A word that only contains ERROR is none."""
    line = '{"__REALTIME_TIMESTAMP":"1764999082000000","MESSAGE":"0 errors, TERRORS, Error"}'
    assert [entry.is_error for entry in parse([line])] == [False]


def test_missing_journal_is_probe_error(tmp_path: Path) -> None:
    """Where there is no journal, the probe could not look."""
    if not command.is_installed("journalctl"):
        pytest.skip("journalctl is not installed")
    with pytest.raises(ProbeError, match="there is no journal"):
        probe(Options(directory=str(tmp_path)), looking())
    assert not probe_journal.is_possible(Options(directory=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("message", "is_error"),
    [
        ("[2026-01-01 10:00:00] ERROR: database is locked", True),
        ("CRITICAL in app: no space left", True),
        ("WARNING Not Found: /ERROR/", False),
        ('"GET /a?level=ERROR HTTP/1.1" 404', False),
        ("a long line about something else entirely, at the end of which somebody has written ERROR", False),
    ],
)
def test_requested_text_is_no_level(message: str, is_error: bool) -> None:
    """What a visitor asks for is no level."""
    assert (probe_journal._LEVEL.search(message) is not None) is is_error


@pytest.mark.parametrize(
    ("message", "is_error"),
    [
        ("ERROR django.request Service Unavailable: /api/health/", False),
        ("[2026-01-01 10:00:00] ERROR: Internal Server Error: /api/health/", False),
        ("ERROR: Service Unavailable: /api/patients/", True),
        ("ERROR: Service Unavailable: /api/health/ status_code=503", False),
        ("ERROR: Service Unavailable: /api/health/patients", True),
        ("ERROR: /api/health/", True),
    ],
)
def test_own_questions_are_no_news(message: str, is_error: bool) -> None:
    """What Django says of the monitor's own health poll, the check that polls tells."""
    line = json.dumps({"__REALTIME_TIMESTAMP": "1764999082000000", "MESSAGE": message})
    assert [entry.is_error for entry in parse([line], {"/api/health/"})] == [is_error]
    assert [entry.is_error for entry in parse([line])] == [True]


@pytest.mark.parametrize(
    "unit",
    [
        UnitState("gunicorn_django.service", "loaded", "active", "running"),
        UnitState("site.service", "loaded", "active", "exited", members=(UnitState("gunicorn_django.service", "loaded"),)),
    ],
)
def test_alias_has_the_lines_of_its_unit(unit: UnitState, journal: str) -> None:
    """The journal has them under the unit's own name only."""
    (expected,) = probe(Options(directory=journal, units=("gunicorn_django",)), looking(BEGIN + 240)).readings
    context = looking(BEGIN + 240, units={"site": unit})
    (reading,) = probe(Options(directory=journal, units=("site",)), context).readings
    assert expected.value
    assert reading == expected
