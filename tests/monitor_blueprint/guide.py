"""The user's guide, word for word: what the log, the alert and the answers have to look like."""

LOG = """\
[2025-12-06 14:35:01] INFO: =========================================
[2025-12-06 14:35:01] INFO: NeuroNova 헬스 체크 시작
[2025-12-06 14:35:01] INFO: =========================================
[2025-12-06 14:35:01] INFO: 1. Nginx 상태 확인 중...
[2025-12-06 14:35:01] SUCCESS: Nginx: 정상 실행 중
[2025-12-06 14:35:01] INFO: 2. Django 상태 확인 중...
[2025-12-06 14:35:01] SUCCESS: Django: 정상 실행 중
[2025-12-06 14:35:02] SUCCESS: Django API: 응답 정상 (HTTP 200)
[2025-12-06 14:35:02] INFO: 3. Flask ML 서버 상태 확인 중...
[2025-12-06 14:35:02] SUCCESS: Flask: 정상 실행 중
[2025-12-06 14:35:02] SUCCESS: Flask API: 응답 정상 (HTTP 200)
[2025-12-06 14:35:02] INFO: 4. 디스크 사용량 확인 중...
[2025-12-06 14:35:02] SUCCESS: 디스크 사용량: 45% (정상)
[2025-12-06 14:35:02] INFO: 5. 메모리 사용량 확인 중...
[2025-12-06 14:35:02] SUCCESS: 메모리 사용량: 62% (정상)
[2025-12-06 14:35:02] INFO: 6. CPU 로드 확인 중...
[2025-12-06 14:35:02] SUCCESS: CPU 로드: 0.45 (28% of 4 cores)
[2025-12-06 14:35:02] INFO: =========================================
[2025-12-06 14:35:02] INFO: 헬스 체크 완료: OK
[2025-12-06 14:35:02] INFO: =========================================
""".splitlines()

ALERT = """\
[CRITICAL] NeuroNova 서비스 장애 발생!
실패한 서비스: Django Flask
시각: 2025-12-06 14:35:01
""".splitlines()

STATS = """\
{
  "cpu": {
    "percent": 28.5,
    "count": 4,
    "load_avg": [0.45, 0.52, 0.48]
  },
  "memory": {
    "total": 8589934592,
    "available": 3221225472,
    "percent": 62.5
  },
  "disk": {
    "total": 107374182400,
    "used": 48318382080,
    "free": 59055800320,
    "percent": 45.0
  }
}
"""


def without_time(line: str) -> str:
    """A line of the log without its moment: "[2025-12-06 14:35:01] INFO: ..." is "INFO: ..."."""
    assert (line[0], line[20:22]) == ("[", "] "), line
    return line[22:]
