from __future__ import annotations

import traceback
from datetime import UTC, datetime

from monitor_blueprint.domain.tracebacks import Place, raised

AT = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
TRACEBACK = """ERROR:django.request:Internal Server Error: /api/predict/
Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
               ^^^^^^^^^^^^^^^^^^^^^
  File "/srv/clinic/views.py", line 42, in predict
    return answer(row["name"])
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
clinic.errors.NoAnswer: 홍길동"""
OWN = Place("/srv/clinic/views.py", 42, "predict")


def test_the_last_frame_of_its_own_counts() -> None:
    """Printed at once, or line by line."""
    for printed in ([(AT, "1", TRACEBACK)], [(AT, "1", line) for line in TRACEBACK.split("\n")]):
        (found,) = raised(printed)
        assert (found.name, found.class_name, found.place, found.at) == ("clinic.errors.NoAnswer", "NoAnswer", OWN, AT)


def test_two_processes_print_at_the_same_time() -> None:
    lines = TRACEBACK.split("\n")
    other = TRACEBACK.replace("views", "models").split("\n")
    printed = [(AT, pid, line) for pair in zip(lines, other, strict=True) for pid, line in zip("12", pair, strict=True)]
    assert [each.place and each.place.path for each in raised(printed)] == ["/srv/clinic/views.py", "/srv/clinic/models.py"]


def test_without_own_code_there_is_no_place() -> None:
    (found,) = raised([(AT, "1", TRACEBACK.replace("/srv/clinic", "/srv/venv/lib/python3.11/site-packages/x"))])
    assert found.place is None


def test_what_only_names_one_is_no_traceback() -> None:
    assert raised([(AT, "1", "KeyError: 1"), (AT, "1", 'File "/x.py", line 3')]) == []


def test_pythons_own_are_understood() -> None:
    try:
        int("missing")
    except ValueError:
        text = traceback.format_exc()
    (found,) = raised([(AT, "1", text)])
    assert (found.name, found.place and found.place.path) == ("ValueError", __file__)


def test_the_cause_of_an_exception_is_one_too() -> None:
    both = f"{TRACEBACK}\n\nDuring handling of the above exception, another exception occurred:\n\n{TRACEBACK}"
    assert len(raised([(AT, "1", both)])) == 2
