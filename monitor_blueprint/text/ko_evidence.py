"""The Korean catalogue's lines of what helps to understand a failure, in messages and in the history."""

from __future__ import annotations

TITLES = {
    "unit": "종료 원인",
    "exception": "애플리케이션 예외",
    "journal": "저널",
    "processes_cpu": "CPU 상위 프로세스",
    "processes_memory": "메모리 상위 프로세스",
    "oom": "메모리 부족(OOM) 종료",
    "nginx_5xx": "최근 5xx",
    "disk": "디스크 사용 내역",
    "threads": "스레드 상태",
    "answers": "이전 응답",
}
DISK_FREE = "여유 {free} / 전체 {total}"
DISK_UNSEEN = "권한이 없어 보지 못한 디렉터리 {count}개"
DISK_CUT = "시간이 모자라 일부만 봄. 전체: sudo du -xh -d2 {path} | sort -h | tail"
MORE_PROCESSES = "그 밖의 프로세스 {count}개"
NO_RECORDS = "이 시각 전후 기록 없음 ({begin} 이후)"
OWN_EXCEPTION = "앱이 정의한 예외"
RAISED_AT = "{line} - {place}"
EXCEPTIONS = "{at} 예외: {name} ×{count}"
SYSTEMD_LINE = "{at} systemd: {unit}: {said}"
LARGEST = "가장 많이 쓰는 프로세스: {who} ({share}%)"
KERNEL_LINE = "{at} 커널이 메모리 부족으로 프로세스를 종료함 ({who})"
# How often Nginx answered with which status.
STATUSES = "{counts} ({first} ~ {last})"
STATUS = "{status}: {count}건"

MAIN_PROCESS = "주 프로세스"
CONTROL_PROCESS = "제어 프로세스({command})"
RUN_ENDED = "{process} 종료: {how} · {at} · 자동 재시작 {restarts}회"
RUN_CODES = {"exited": "종료 코드 {status}", "killed": "신호 {status}", "dumped": "신호 {status} (코어 덤프)"}
# By what systemd calls the result; "exit-code" and "signal" say no more than the line above.
RUN_RESULTS = {
    "oom-kill": "메모리 부족으로 종료됨",
    "watchdog": "응답이 없어(watchdog) systemd가 종료함",
    "timeout": "제한 시간 안에 시작하거나 멈추지 못해 systemd가 종료함",
}
RUN_RESOURCES = "시작 준비 실패: 유닛이 읽는 파일이 있는지 확인 - {files}"
RUN_SETTINGS = "설정 오류: {files} 를 확인"
RUN_SETTINGS_SOMEWHERE = "설정 오류: 서비스의 설정 파일을 확인"
RUN_SETTINGS_COMMAND = "어느 설정이 틀렸는지 보기: {command}"
GUNICORN_CODES = {
    1: "gunicorn이 시작하지 못함: 설정이나 주소(포트)를 확인",
    3: "gunicorn이 워커를 띄우지 못함: 앱이 시작하다가 끝남",
    4: "gunicorn이 앱을 불러오지 못함",
}
EXIT_MEANINGS = {
    126: "유닛이 부른 명령을 실행할 권한이 없음",
    127: "유닛이 부른 명령이 없음",
    200: "작업 디렉터리에 들어갈 수 없음",
    203: "실행 파일이 없거나 실행할 수 없음: {program}",
    216: "유닛의 그룹이 없음",
    217: "유닛의 사용자가 없음",
    226: "유닛의 격리(네임스페이스) 준비 실패: 유닛이 쓰는 디렉터리가 있는지 확인",
    238: "상태 디렉터리를 만들 수 없음",
    240: "로그 디렉터리를 만들 수 없음",
}
