from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from monitor_blueprint.domain import sanitize
from monitor_blueprint.domain.sanitize import MASK, clean, redact

ALPHANUMERIC = string.ascii_letters + string.digits
tokens = st.text(ALPHANUMERIC, min_size=12, max_size=60)
# A name as a person types it: words, apostrophes, hyphens, Hangul.
names = st.lists(
    st.text(
        st.one_of(st.sampled_from("abcdefghijklmnopqrstuvwxyz'-"), st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)),
        min_size=2,
        max_size=8,
    ).map(lambda word: "Q" + word + "Z"),
    min_size=1,
    max_size=4,
).map(" ".join)
# What stands around it in the log: anything, a quotation mark and a line break included.
anything = st.text(st.characters(codec="utf-8", exclude_characters="QZ"), max_size=60)

SECRET_FORMS = [
    "Authorization: Bearer {}",
    "authorization='Basic {}'",
    "Bearer {}",
    "X-API-Key: {}",
    '{{"api_key": "{}"}}',
    "{{'access_token': '{}'}}",
    "DB_PASSWORD={}",
    "password: {}",
    "DB_PASS: {}",
    "{{'pass': '{}'}}",
    "pass={}",
    "X-Auth-Token: {}",
    "curl -s -u admin:{} http://127.0.0.1/",
    "mysqldump -uclinic -p{} clinic",
    "passwd={}&x=1",
    "postgres://clinic:{}@127.0.0.1/db",
    "amqp://:{}@127.0.0.1/",
    "GET /x?token={}&y=2 HTTP/1.1",
    "https://hooks.slack.com/services/T000/B000/{}",
    "https://hc-ping.com/{}",
    "SLACK_WEBHOOK=https://example.org/{}",
    "Cookie: sessionid={}; csrftoken=abc",
    "Set-Cookie: sid={}",
    "AKIAIOSF{}",
    "ghp_{}",
    "xoxb-{}",
    "sk-{}",
    "client_secret => '{}'",
    '\\"password\\": \\"{}\\"',
]
BOUNDS = "must be a whole number from 1024 to"
PATIENT_FORMS = [
    "patient_name={}",
    "patient_name: {}",
    '{{"patient_name": "{}", "age": 70}}',
    "{{'doctor_name': '{}', 'ok': True}}",
    '{{"name": "{}"}}',
    "name={} age=71",
    "{{'patient': ['{}', 'x']}}",
    "patientName={}, ward=3",
    '"first_name":"{}"',
    '\\"patient_name\\": \\"{}\\"',
    '{{"name": "\\"{}\\" (called)"}}',
    "GET /patients?name={}",
    "\ud658\uc790\uba85: {}",
    "\uc774\ub984={}",
]


@pytest.mark.parametrize(
    "line", ["(02) 123-4567", "02)123-4567", "0507-1234-5678", "050 1234 5678", "4111-1111-1111-1111", "4111 1111 1111 1111"]
)
def test_number_in_groups_is_taken_out(line: str) -> None:
    assert redact(f"paid by {line}, thanks") == f"paid by {MASK}, thanks"


@pytest.mark.parametrize(
    "line",
    [
        "5 pass: 3 fail",
        "auth: failed",
        "proxy_pass http://127.0.0.1:8000;",
        "mysqld -port 3306",
        "pid 1234 5678 9012 ended",
        "systemctl -u nginx:x",
    ],
)
def test_what_only_looks_like_it_stays(line: str) -> None:
    assert redact(line) == line


@given(before=anything, secret=tokens, after=anything, form=st.sampled_from(SECRET_FORMS))
def test_a_planted_secret_never_comes_out(before: str, secret: str, after: str, form: str) -> None:
    text = f"{before} {form.format(secret)} {after}"
    assume(secret not in before + after)
    assert secret not in redact(text)


@given(before=anything, name=names, after=anything, form=st.sampled_from(PATIENT_FORMS))
@example(before="", name="QkimZ QminZ", after="", form="patient_name={}")
def test_a_planted_name_never_comes_out(before: str, name: str, after: str, form: str) -> None:
    if form.startswith("GET"):
        name = name.replace(" ", "+")
    if "'" in name and "'{}'" in form:
        name = name.replace("'", "")
    redacted = redact(f"{before} {form.format(name)} {after}")
    assert "Q" not in redacted
    assert "Z" not in redacted


@given(st.dictionaries(st.sampled_from(["patient_name", "mrn", "birth_date", "phone", "password"]), names, min_size=1))
def test_json_keeps_only_its_keys(data: dict[str, str]) -> None:
    """JSON with patient data keeps only its keys."""
    redacted = redact(json.dumps(data, ensure_ascii=False))
    assert json.loads(redacted.replace(MASK, '"x"')).keys() == data.keys()
    assert "Q" not in redacted


@given(names)
def test_json_within_json_keeps_nothing(name: str) -> None:
    assert "Q" not in redact(json.dumps({"body": json.dumps({"patient_name": name})}, ensure_ascii=False))


@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 31), st.integers(1, 8), st.integers(0, 999_999), anything)
def test_resident_registration_number_is_redacted(year: int, month: int, day: int, sex: int, rest: int, before: str) -> None:
    number = f"{year:02}{month:02}{day:02}-{sex}{rest:06}"
    for form in (number, number.replace("-", ""), number.replace("-", " - ")):
        assert form not in redact(f"{before} {form}.")


@pytest.mark.parametrize(
    "phone",
    [
        *("010-1234-5678", "01012345678", "010 1234 5678", "011-234-5678", "02-123-4567", "031-1234-5678"),
        *("+82-10-1234-5678", "+821012345678", "+82 2 123 4567", "+1 (202) 555-0143", "+44 20 7946 0958"),
    ],
)
def test_a_telephone_number_never_comes_out(phone: str) -> None:
    assert redact(f"called {phone} twice") == f"called {MASK} twice"


@pytest.mark.parametrize("number", ["12345678", "1234567890123", "078-05-1120", "1948-03-07", "1948.3.7", "1948/03/07"])
def test_personal_numbers_are_redacted(number: str) -> None:
    """Numbers of people and dates of birth never come out."""
    assert redact(f"no {number} found") == f"no {MASK} found"


def test_an_email_address_never_comes_out() -> None:
    assert redact("mail to <minsu.kim+x@clinic.example.kr> bounced") == f"mail to <{MASK}> bounced"


def test_private_key_is_redacted() -> None:
    """A private key never comes out, even without its end."""
    begin = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\nAwEHoUQD\n"
    assert redact(f"x {begin}-----END EC PRIVATE KEY----- y") == f"x {MASK} y"
    assert "AwEH" not in redact(f"x {begin}")


def test_json_web_token_is_redacted() -> None:
    assert redact("got eyJhbGciOi.eyJzdWIi.SflKxw now") == f"got {MASK} now"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Key (name)=(홍길동) already exists.", "Key (name)=(***"),
        ("Failing row contains (12, 홍길동, 2001-03-02).", "Failing row contains (***"),
        ("INSERT INTO visit VALUES (1, '홍길동')", "INSERT INTO visit VALUES ***"),
        ("Duplicate entry '홍길동' for key 'visit.name'", "Duplicate entry ***"),
        ('invalid input syntax for type integer: "홍길동"', "invalid input syntax for type integer: ***"),
        ("환자 홍길동 님", "환자 *** 님"),
        ("KeyError: '홍길동'", "KeyError: ***"),
        ("psycopg.errors.UniqueViolation: 홍길동", "psycopg.errors.UniqueViolation: ***"),
        ("수신자: 홍길동", "수신자: ***"),
        ("홍길동(남/45) 저장 실패", "***(***) 저장 실패"),
        ("계좌 110-123-456789", "***"),
        ("환자(홍길동) 저장 실패", "환자(***) 저장 실패"),
        ("보호자: 홍길순", "보호자: ***"),
        ("홍길동 님의 결과", "***님의 결과"),
        ("홍길동 교수", "***교수"),
        ("홍길동 환자", "***환자"),
        ("성명 홍길동", "성명 ***"),
        ("이름은 홍길동", "이름은 ***"),
        ("patient Hong Gildong not found", "patient *** not found"),
        ("patient name is Hong Gildong", "patient name is ***"),
        ("Dr. Hong Gildong", "Dr. ***"),
        ("GET /patients/hong-gildong/results", "GET /patients/***"),
        ("/api/환자/홍길동/", "/api/환자/***"),
        ("등록번호 1234567", "***"),
        ("환자번호: A-1234", "환자번호: ***"),
        ("병록번호는 99881", "***"),
        ("MRN 123456", "***"),
        ("chart no. 4711", "***"),
        ("900101 1234567", "***"),
        ("900101-1******", "***"),
        ("900101-1", "***"),
        ("９００１０１－１２３４５６７", "***"),
        ("900101 – 1234567", "***"),
        ("０１０－１２３４－５６７８", "***"),
        ("1985년 3월 2일", "***"),
        ("85년생", "***"),
        ("2001년 12월 3일 출생", "***"),
        ("생년월일 010302", "생년월일 ***"),
        ("born 2001-03-02", "born ***"),
        ("2 March 1985", "***"),
        ("seen 02/03/1985", "seen ***"),
        ("(남/67)", "(***)"),
        ("67세", "***"),
        ("ALTER ROLE clinic PASSWORD 'hunter2'", "ALTER ROLE clinic PASSWORD ***"),
        ('IDENTIFIED BY "hunter2"', "IDENTIFIED BY ***"),
        ("비밀번호는 hunter2", "비밀번호는 ***"),
        ("mysql --password hunter2 -h x", "mysql --password *** -h x"),
        ("http://ping.local/0f8fad5b-d9cb-469f-a165-70867728950e", "http://ping.local/***"),
        ("환\u200b자 홍길동", "환자 ***"),
    ],
)
def test_ordinary_sentence_about_person(text: str, shown: str) -> None:
    """How people are written down in ordinary sentences: the words stay, the person does not."""
    assert redact(text) == shown


@given(name=st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=2, max_size=4), before=anything)
def test_title_hides_any_name(name: str, before: str) -> None:
    """Whatever the name: after the word for a patient, or before one that is said of people."""
    assume(name not in before and name not in "환자성명이름님씨" and "번호" not in name)
    for form in ("환자 {}", "환자 {} 님", "성명 {}", "{} 환자", "/patients/{}/"):
        assert name not in redact(f"{before} {form.format(name)} .").replace("환자", "").replace("성명", "")


@pytest.mark.parametrize(
    "line",
    [
        "[2025-12-06 14:31:10 +0900] [812] [CRITICAL] WORKER TIMEOUT (pid:900)",
        "predict request_id=0f8fad5b-d9cb-469f-a165-70867728950e model=alzheimer_biomarkers version=1.0.0 ms=2.1",
        "Out of memory: Killed process 900 (gunicorn) total-vm:812345kB, anon-rss:512000kB",
        "connect() failed (111: Connection refused) while connecting to upstream",
        "gunicorn_flask.service: Main process exited, code=killed, status=9/KILL",
        'File "/opt/neuronova/current/venv/lib/python3.11/site-packages/django/core/handlers/exception.py", line 55',
        "NameError: name 'x' is not defined",
        "django.db.utils.OperationalError: could not connect to server: Connection refused",
        "06/Dec/2025:14:31:02 +0900 502 POST /api/predict",
        "2025/12/06 14:35:01 [error] 123#123: *1 upstream timed out",
        "worker 127.0.0.1:9000 exited; model_name=alzheimer_biomarkers",
        "no patient was found, 3 patients with records are in the table",
        "데이터베이스 연결 실패: 시간 초과",
        "2026년 11월 28일 03시 15분에 다시 시작했습니다",
        "UNIQUE constraint failed: visit.number",
        "disk usage 91% on /var/lib/mysql (12/20 GB)",
    ],
)
def test_helpful_line_stays_unchanged(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize("path", ["/api/patients/1234567/", "/by-name/%EA%B9%80%EB%AF%BC", "/x/Kim%20Minsu/scan"])
def test_path_is_kept_without_person(path: str) -> None:
    """A path is kept, without whom it is about."""
    redacted = redact(f"Internal Server Error: {path}")
    assert redacted.startswith(f"Internal Server Error: /{path.split('/')[1]}/")
    assert not {"1234567", "%EA", "Kim", "Minsu"} & set(redacted.replace("/", " ").split())
    assert MASK in redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("502 GET /patient/MRN12345/hongkildong/19850302", "502 GET /patient/***"),
        ("502 GET /patient/kim/hongkildong/MRN123456?q=x", "502 GET /patient/***"),
        ('"GET /api/pt/4711/hong/kildong/ HTTP/1.1" 502', '"GET /api/pt/*** HTTP/1.1" 502'),
        ("/api/환자/4711/hongkildong 502", "/api/환자/*** 502"),
        ("/persons/o'brien/pat", "/persons/***"),
        ("'/person/kim/min'", "'/person/***'"),
        ('{\\"path\\": \\"/patients/kim/min\\"}', '{\\"path\\": \\"/patients/***\\"}'),
        ("/patient-records/kim/min.su.pdf", "/patient-records/***.pdf"),
        ("/patients/***/kim", "/patients/***"),
        ("GET /patients/ HTTP/1.1", "GET /patients/ HTTP/1.1"),
        ("GET /api/apt/list", "GET /api/apt/list"),
    ],
)
def test_path_ends_with_the_person(text: str, shown: str) -> None:
    """Whatever comes after the word for somebody: a name may be of several parts."""
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"ML_MAX_BODY_BYTES {BOUNDS} 1073741824", f"ML_MAX_BODY_BYTES {BOUNDS} 1073741824"),
        ("x must be a number from 0.5 to 10000000.", "x must be a number from 0.5 to 10000000."),
        (f"{BOUNDS} 9001011234567", f"{BOUNDS} ***"),
        (f"{BOUNDS} 01012345678", f"{BOUNDS} ***"),
        (f"{BOUNDS} 1073741824, not 19850302", f"{BOUNDS} 1073741824, not ***"),
        ("moved from 1024 to 1073741824", "moved from 1024 to ***"),
        ("patient must be moved to 12345678", "patient must be moved to ***"),
    ],
)
def test_bounds_of_a_setting_stay(text: str, shown: str) -> None:
    """What a message says that a setting may be at most; never another number of that length."""
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("a1" * 14, MASK),
        ("1-" * 13 + "1a", MASK),
        # In these other forms see somebody's number, and would leave the rest.
        ("92979b09c7604bf11e9334701771650a", MASK),
        ("01ba15f6ba6088907293808e2aa99160", MASK),
        ("a1" * 13 + "b", "a1" * 13 + "b"),
        ("Arbeiterunfallversicherungsgesetz", "Arbeiterunfallversicherungsgesetz"),
        ("=" * 40, "=" * 40),
    ],
)
def test_long_run_with_letters_and_digits_key(word: str, shown: str) -> None:
    assert redact(f"got {word} from it") == f"got {shown} from it"


def test_endless_line_is_shortened() -> None:
    """An endless line is shortened between words."""
    redacted = redact("word " * 1000 + "password=" + "s3cr" * 1000)
    assert len(redacted) < 4100
    assert "s3cr" not in redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" a\r\n\x1b[2Jb\t", "a b"),
        ("a\u202eb\udcffc", "a b c"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_outside_text_is_one_short_line(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_line_may_be_shorter() -> None:
    assert (clean("가나다", 3), clean("가나다라", 3)) == ("가나다", "가나…")


def cost(line: str) -> float:
    """Return the processor's time for lines of the greatest length that is looked at."""
    found = []
    for _ in range(3):
        start = time.thread_time()
        redact("\n".join([line[: sanitize._MAX_LINE]] * 15))
        found.append(time.thread_time() - start)
    return min(found)


@pytest.mark.parametrize(
    "evil",
    [
        "name=" + " " * sanitize._MAX_LINE,
        "name=" + "a " * sanitize._MAX_LINE,
        "a." * sanitize._MAX_LINE,
        "1-" * sanitize._MAX_LINE,
        '\\"' * sanitize._MAX_LINE,
        "\\" * sanitize._MAX_LINE,
        "(" * sanitize._MAX_LINE,
        "=" * sanitize._MAX_LINE,
        "환자 " * sanitize._MAX_LINE,
        "가" * sanitize._MAX_LINE,
        "patient " * sanitize._MAX_LINE,
        "/가 " * sanitize._MAX_LINE,
        "/가" * sanitize._MAX_LINE,
        "patient_" * sanitize._MAX_LINE,
        "\\xed" * sanitize._MAX_LINE,
        "\x1b[" * sanitize._MAX_LINE,
        "[0;" * sanitize._MAX_LINE,
        ".dcm" * sanitize._MAX_LINE,
        "select " * sanitize._MAX_LINE,
        "/patients/" * sanitize._MAX_LINE,
        "/patients/" + ".pdf" * sanitize._MAX_LINE,
        "must be a number from 1 to " * sanitize._MAX_LINE,
        "9" * sanitize._MAX_LINE,
        "85년 " * sanitize._MAX_LINE,
        "born " * sanitize._MAX_LINE,
    ],
)
def test_no_line_takes_long(evil: str) -> None:
    """Held against an ordinary line, so that it does not matter how fast the machine is."""
    assert cost(evil) < 5 * cost("a line of a log with nothing in it; " * sanitize._MAX_LINE)


@pytest.mark.parametrize(
    "text",
    [
        "서울특별시 강남구 역삼동 123-4번지",
        "경기도 성남시 분당구 정자일로 95",
        "강남구 테헤란로 152 3층",
        "역삼동 12번지",
        "101동 1202호",
        "03-Mar-2001 born",
        "2001/3/3 (born",
        "03-Mar-1985",
        "홍 길 동",
        "hong@localhost",
        "lee@mailhost",
    ],
)
def test_who_somebody_is_and_where_he_lives(text: str) -> None:
    assert redact(f"saved: {text}") == f"saved: {MASK}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("환자: 홍 길 동", "환자: ***"),
        ("홍 길동 님", "홍 ***님"),
        ("born on March 3, 2001", "born on ***"),
        ("postgres://clinic:pa/ss@db/x", "postgres://***@db/x"),
        ("2026-03-01 12:00:00 worker born", "2026-03-01 12:00:00 worker born"),
        ("서비스를 다시 구동 중", "서비스를 다시 구동 중"),
        ("경로 12 오류", "경로 12 오류"),
    ],
)
def test_ordinary_words_stay(text: str, kept: str) -> None:
    assert redact(text) == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[0;93mslow\x1b[m", "slow"),
        ("[0;93mslow [m", "slow "),
        ("^[[31mred^[[0m", "red"),
        ("#033[1mbold#033[0m", "bold"),
        ("\\u001b[31mred\\u001b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x9b1mbold", "bold"),
        ("환자 홍\x1b[1m길동", "환자 ***"),
        ("rate(x[5m]) [km] [K8s]", "rate(x[5m]) [km] [K8s]"),
    ],
)
def test_no_colour_is_kept(text: str, shown: str) -> None:
    """Neither with its escape character nor what is left of it without that."""
    assert redact(text) == shown
    assert clean(redact(text)) == shown.strip()


def test_a_line_does_not_swallow_the_next() -> None:
    lines = ["for client Kim", "Nov 28 12:57:39 started", "name:", "stopped"]
    assert sanitize.redact_lines("\n".join(lines)).split("\n") == ["for client ***", *lines[1:]]
    assert sanitize.redact_lines("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nx") == "***\nx"
