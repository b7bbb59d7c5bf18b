from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.file_names import without_named_files
from monitor_blueprint.domain.sanitize import redact
from monitor_blueprint.text import ko, ko_resources, ko_services

NAMED = [
    ("/srv/uploads/홍길동_CT.dcm", "/srv/uploads/***.dcm"),
    ("/srv/uploads/CT-홍길동.dcm", "/srv/uploads/***.dcm"),
    ("홍길동.dcm", "***.dcm"),
    ("홍길동_900101_M.dcm", "***.dcm"),
    ("김민수.pdf을 저장", "***.pdf을 저장"),
    ("남궁민수-mri.nii", "***.nii"),
    ("uploads/홍길동/CT.dcm", "uploads/***/CT.dcm"),
    ("/srv/환자자료/홍길동/CT.dcm 없음", "/srv/환자***/***/CT.dcm 없음"),
    ("/srv/uploads/홍 길동 CT.dcm missing", "/srv/uploads/***.dcm missing"),
    ("/srv/uploads/홍 길동", "/srv/uploads/***"),
    ("/srv/uploads/홍 길동/1.png", "/srv/uploads/*** ***/1.png"),
    ("9.0M  '/srv/uploads/Hong 홍길동'", "9.0M  ***"),
    ("C:\\Users\\홍길동\\CT.dcm", "C:\\Users\\***\\CT.dcm"),
    ("No space left: '/srv/uploads/홍길동_CT.dcm'", "No space left: '/srv/uploads/***.dcm'"),
    ("/srv/%ED%99%8D%EA%B8%B8%EB%8F%99_CT.dcm", "/srv/***"),
    ("/srv/%25ED%2599%258D_CT.dcm", "/srv/***"),
    ("b'/srv/\\xed\\x99\\x8d_CT.dcm'", "b'/srv/***'"),
    ('"\\355\\231\\215_CT.dcm"', '"***"'),
    ('{"path": "/srv/\\ud64d\\uae38_CT.dcm"}', '{"path": "/srv/***"}'),
    ("/srv/&#54861;&#44600;_CT.dcm", "/srv/***"),
    ("/srv/\\x{d64d}\\x{ae38}.dcm", "/srv/***"),
    ("name <U+D64D><U+AE38> CT", "name *** CT"),
    ("attached =?UTF-8?B?7ZmN6ri464+Z?= once", "attached =?UTF-8?*** once"),
    ("/srv/洪吉童_CT.dcm", "/srv/***.dcm"),
    ("/srv/ㅎㄱㄷ_CT.dcm", "/srv/***.dcm"),
    ("/srv/홍길동CT.dcm", "/srv/***.dcm"),
    ("/srv/홍*동_CT.dcm", "/srv/***.dcm"),
    (unicodedata.normalize("NFD", "/srv/홍길동_CT.dcm"), "/srv/***.dcm"),
    ("\\\\nas\\scan\\홍길동\\1.png", "\\\\nas\\scan\\***\\1.png"),
    ("/data/900101-1234567.dcm", "/data/***-***.dcm"),
    ("/data/900101_1234567_CT.dcm", "/data/***_***_CT.dcm"),
    ("/data/850302_CT.dcm", "/data/***_CT.dcm"),
    ("/srv/1985_03_02_CT.dcm", "/srv/***_CT.dcm"),
    ("/srv/2001-05-03_CT.dcm", "/srv/***_CT.dcm"),
    ("/charts/1234567.pdf", "/charts/***.pdf"),
    ("/srv/uploads/CT_12345.dcm", "/srv/uploads/CT_***.dcm"),
    ("/srv/patient_kim_minsu/ct.dcm", "/srv/patient_***/ct.dcm"),
    ("/srv/pt-hong-gildong.dcm", "/srv/pt-***.dcm"),
    ("patient_scan_kim.dcm", "patient_***.dcm"),
    ("/srv/PatientHong.dcm", "/srv/Patient***.dcm"),
]
KEPT = [
    "/var/log/nginx/error.log",
    "/var/log/nginx/error.log를 확인",
    "/var/log/neuronova/health_check.log",
    "/opt/neuronova/current/venv/bin/python -m ml_server.check",
    "/srv/백업/db-2026-11-28.sql.gz",
    "/srv/backup/nightly.tar.gz",
    "http://127.0.0.1:50051/health",
    'File "/srv/app/patient_api/views.py", line 12345',
    "/srv/app/patient_records/migrations/0002_patient_age.py",
    "/usr/lib/x86_64-linux-gnu/mac80211/2018-05-10/x.so",
    "Nginx 5xx 비율: 100% (150/150건, 위험)",
    "/srv/backup/11월/3차.log",
    "patient_list.csv",
    "pt_BR.UTF-8 pt-query-digest",
    "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0",
    "경고/위험 CPU/메모리 3-5분 남/여 1.8/분",
    "gunicorn_flask가 gunicorn_django.service는",
    "06/Dec/2025:14:31:02 +0900 502 GET /api/predict",
]


@pytest.mark.parametrize(("text", "shown"), NAMED)
def test_nobody_is_in_a_file_name(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("text", KEPT)
def test_ordinary_paths_stay(text: str) -> None:
    assert redact(text) == text


@given(
    name=st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=3, max_size=4),
    form=st.sampled_from(["/srv/{}_CT.dcm", "{}-CT.nii", "CT_{}.dcm", "/u/{}/1.png", "x/{}.pdf", "D:\\{}\\a.zip", "20260101_{}"]),
)
def test_any_name_is_taken_out(name: str, form: str) -> None:
    assert name not in redact(f"saved {form.format(name)} at once")


def test_our_own_words_are_nobody() -> None:
    """What the evidence holds of our own sentences is no name of a file."""
    for line in {line for module in (ko, ko_services, ko_resources) for line in sentences(vars(module).values())}:
        filled = re.sub(r"\{\w*\}", "12", line)
        assert without_named_files(filled) == filled


def sentences(values: object) -> Iterator[str]:
    if isinstance(values, str):
        yield from values.split("\n")
    elif isinstance(values, dict):
        yield from sentences(list(values.values()))
    elif isinstance(values, list | tuple) or type(values).__name__ == "dict_values":
        for each in values:  # type: ignore[attr-defined]
            if not isinstance(each, dict) or "__name__" not in each:
                yield from sentences(each)
