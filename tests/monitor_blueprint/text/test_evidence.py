from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor_blueprint.domain.tracebacks import Place, Raised
from monitor_blueprint.text import evidence

AT = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
TIME = "12-06 14:35:01 KST"
UNITS = ("gunicorn_flask.service",)
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
pytestmark = pytest.mark.usefixtures("seoul")


def said(**fields: str) -> str | None:
    return evidence.of_systemd(AT, {"UNIT": UNITS[0], "MESSAGE": "환자 홍길동", **fields}, UNITS)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"MESSAGE_ID": EXITED, "EXIT_CODE": "exited", "EXIT_STATUS": "1"}, "Main process exited, code=exited, status=1/FAILURE"),
        ({"MESSAGE_ID": EXITED, "EXIT_CODE": "exited", "EXIT_STATUS": "3"}, "Main process exited, code=exited, status=3"),
        (
            {"MESSAGE_ID": EXITED, "COMMAND": "ExecStartPre", "EXIT_CODE": "exited", "EXIT_STATUS": "78"},
            "Control process (ExecStartPre) exited, code=exited, status=78/CONFIG",
        ),
        (
            {
                "MESSAGE_ID": EXITED,
                "COMMAND": "홍길동",
                "MESSAGE": "x.service: Control process exited, code",
                "EXIT_STATUS": "KILL",
            },
            "Control process exited, code=?, status=9/KILL",
        ),
        ({"MESSAGE_ID": EXITED, "EXIT_CODE": "killed", "EXIT_STATUS": "9"}, "Main process exited, code=killed, status=9/KILL"),
        ({"MESSAGE_ID": EXITED, "EXIT_CODE": "홍길동", "EXIT_STATUS": "9001011234567"}, "Main process exited, code=?, status=?"),
        ({"MESSAGE_ID": EXITED, "EXIT_STATUS": "９"}, "Main process exited, code=?, status=?"),
        ({"MESSAGE_ID": "d9b373ed55a64feb8242e02dbe79a49c", "UNIT_RESULT": "oom-kill"}, "Failed with result 'oom-kill'."),
        ({"MESSAGE_ID": "d9b373ed55a64feb8242e02dbe79a49c", "UNIT_RESULT": "홍길동"}, "Failed with result '?'."),
        ({"MESSAGE_ID": "be02cf6855d2428ba40df7e9d022f03d", "JOB_RESULT": "timeout"}, "Failed to start (timeout)."),
        (
            {"MESSAGE_ID": "5eb03494b6584870a536b337290809b3", "N_RESTARTS": "4"},
            "Scheduled restart job, restart counter is at 4.",
        ),
        (
            {"MESSAGE": "gunicorn_flask.service: Sent signal SIGSTOP to main process 1227 (홍길동) on client request."},
            "Sent signal SIGSTOP to main process on client request.",
        ),
        ({"MESSAGE": "gunicorn_flask.service: Start request repeated too quickly."}, "Start request repeated too quickly."),
    ],
)
def test_systemd_speaks_in_words_of_ours(fields: dict[str, str], sentence: str) -> None:
    """Put together from numbers, and from words of lists."""
    assert said(**fields) == f"12-06 14:35:01 KST systemd: gunicorn_flask.service: {sentence}"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"MESSAGE": "gunicorn_flask.service: 환자 홍길동"},
        {"MESSAGE_ID": "0" * 32},
        {"MESSAGE": "gunicorn_flask.service: Sent signal SIGHONG to main process 1227 (x) on client request."},
        {"UNIT": "another.service", "MESSAGE_ID": EXITED},
        {"UNIT": "홍길동", "MESSAGE_ID": EXITED},
    ],
)
def test_what_it_repeats_is_left_out(fields: dict[str, str]) -> None:
    """A description, what a service calls its state, and units of others."""
    assert said(**fields) is None


def test_the_kernel_says_who_was_killed() -> None:
    entries = [
        (AT, "oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/system.slice/gunicorn_flask.service,task=gunicorn,pid=900,uid=33"),
        (AT, "Out of memory: Killed process 900 (gunicorn) total-vm:812345kB, anon-rss:512000kB, file-rss:0kB"),
        (AT, "Memory cgroup out of memory: Killed process 901 (홍길동) total-vm:1kB, anon-rss:2048kB"),
        (AT, "Killed process 902 (a) total-vm:9kB, anon-rss:9999999kB) total-vm:1kB, anon-rss:1024kB"),
        (AT, "usb 1-1: Product: 홍길동"),
    ]
    assert evidence.of_kernel(entries, UNITS) == [
        "12-06 14:35:01 KST 커널이 메모리 부족으로 프로세스를 종료함 (gunicorn, PID 900, gunicorn_flask.service, 500 MB)",
        "12-06 14:35:01 KST 커널이 메모리 부족으로 프로세스를 종료함 (PID 901, 2 MB)",
        "12-06 14:35:01 KST 커널이 메모리 부족으로 프로세스를 종료함 (PID 902, 1 MB)",
    ]


def test_known_exceptions_are_named() -> None:
    """Each with when it came last, and how often; of any language."""
    later = AT + timedelta(seconds=9)
    messages = [
        (AT, "django.db.utils.OperationalError: x"),
        (AT, "ValueError: 홍길동"),
        (AT, "HongGildongError: y"),
        (AT, 'Exception in thread "main" java.lang.NullPointerException'),
        (AT, "panic: runtime error: 홍길동"),
        (AT, "thread 'main' panicked at src/main.rs:1"),
        (later, "ValueError: ValueError: z"),
        (later, "Error: connect ECONNREFUSED 127.0.0.1:5432"),
    ]
    assert [line for _, line in evidence.exceptions(messages)] == [
        "12-06 14:35:01 KST 예외: OperationalError ×1",
        "12-06 14:35:01 KST 예외: Exception ×1",
        "12-06 14:35:01 KST 예외: NullPointerException ×1",
        "12-06 14:35:01 KST 예외: panic ×1",
        "12-06 14:35:01 KST 예외: panicked ×1",
        "12-06 14:35:10 KST 예외: ValueError ×2",
        "12-06 14:35:10 KST 예외: ECONNREFUSED ×1",
    ]
    assert evidence.exceptions([(AT, "nothing")]) == []


def test_an_exception_has_its_place_in_the_code(tmp_path: Path) -> None:
    """Everybody may know a class that is known to be one, and the name of a file that is really there."""
    code = tmp_path / "views.py"
    code.touch()
    there, gone = Place(str(code), 42, "predict"), Place("/srv/hong.py", 3, "")
    found = [
        Raised(AT, "django.db.utils.OperationalError", there),
        Raised(AT, "django.db.utils.OperationalError", there),
        Raised(AT, "clinic.errors.PatientHong", gone),
        Raised(AT, "KeyError", None),
    ]
    assert [(public, whole) for _, public, whole in evidence.raised(found, os.path.isfile)] == [
        (
            f"{TIME} 예외: OperationalError ×2 - views.py:42",
            f"{TIME} 예외: django.db.utils.OperationalError ×2 - {code}:42 predict",
        ),
        (f"{TIME} 예외: 앱이 정의한 예외 ×1", f"{TIME} 예외: clinic.errors.PatientHong ×1 - /srv/hong.py:3"),
        (f"{TIME} 예외: KeyError ×1", f"{TIME} 예외: KeyError ×1"),
    ]


def test_a_name_that_is_no_code_is_not_told(tmp_path: Path) -> None:
    for name in ("홍길동.py", "hong gildong.py", "hong-900101.py", "views.pyc"):
        (tmp_path / name).touch()
        ((_, public, _),) = evidence.raised([Raised(AT, "KeyError", Place(str(tmp_path / name), 1, ""))], os.path.isfile)
        assert public.endswith("×1")


def test_what_is_known_better_is_left_out() -> None:
    messages = [(AT, "KeyError: 1"), (AT, "ValueError: 2")]
    assert [line for _, line in evidence.exceptions(messages, {"KeyError"})] == [f"{TIME} 예외: ValueError ×1"]
