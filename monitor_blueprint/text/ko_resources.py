"""The Korean catalogue's lines of what a machine has: file systems, memory, processors."""

from __future__ import annotations

from monitor_blueprint.text.texts import Texts

_USAGE = Texts("{value}% (정상)", "{value}% (경고){room}", "{value}% (위험){room}")
ROOM = ", 여유 {free}"
# Less than one of a unit is said in words.
AGO, AGO_SHORT = "{hours}시간 전", "1시간 이내"
IN_DAYS, IN_DAYS_SHORT = "{days}일 후", "하루 안에"
IN_HOURS, IN_HOURS_SHORT = "{hours}시간 후", "1시간 안에"
DAYS_AGO, DAYS_AGO_SHORT = "{days}일 전", "오늘"
BYTES = "{count}바이트"
# Of every kind of check that looks at a file system.
_FILE_SYSTEM = {
    "unmounted": Texts(
        bad="파일 시스템 {target}: 마운트되어 있지 않음 (이전: {source}, {was})",
        more="의도한 것이면 설정에서 {name} 점검을 지우십시오",
    ),
    "replaced": Texts(
        bad="파일 시스템 {target}: 다른 파일 시스템이 마운트됨 ({was} 대신 {type})",
        more="의도한 것이면 설정에서 {name} 점검의 이름을 바꾸십시오",
    ),
    "device": Texts(bad="파일 시스템 {target}: 장치가 사라짐 ({source})"),
    "access": Texts(bad="파일 시스템 {target}: 접근할 수 없음 ({reason})"),
    "read_only": Texts(bad="파일 시스템 {target}: 읽기 전용으로 바뀜 ({source})"),
}

LINES: dict[tuple[str, str], Texts] = {
    **{(kind, aspect): texts for kind in ("disk", "inodes", "disk_trend") for aspect, texts in _FILE_SYSTEM.items()},
    ("disk", "usage"): _USAGE.labelled("디스크 사용량{disk}"),
    ("inodes", "usage"): _USAGE.labelled("아이노드 사용량{disk}"),
    ("memory", "usage"): _USAGE.labelled("메모리 사용량"),
    ("swap", "usage"): _USAGE.labelled("스왑 사용량"),
    ("cpu", "load"): Texts(
        "CPU 로드: {load:.2f} ({value}% of {cores} cores)",
        "CPU 로드: {load:.2f} ({value}% of {cores} cores, 경고)",
        "CPU 로드: {load:.2f} ({value}% of {cores} cores, 위험)",
    ),
    ("disk_trend", "trend"): Texts(
        "디스크 증가 추세{disk}: 정상 (여유 {free_percent}%)",
        bad="디스크 증가 추세{disk}: {in_hours} 가득 참 (여유 {free_percent}%)",
        limit="{limit_h:g}시간 안, 여유 {limit_free_percent:g}% 미만",
    ),
    ("disk_trend", "full"): Texts(bad="디스크 증가 추세{disk}: 더 늘지 않지만 아직 빈 공간이 없음 (여유 {free_percent}%)"),
}
REASONS = {
    "ENOENT": "경로가 없음",
    "ENOTDIR": "경로가 없음",
    "ESTALE": "원격 파일 시스템이 바뀜 (ESTALE)",
    "EIO": "입출력 오류 (EIO)",
    "ENXIO": "장치 없음 (ENXIO)",
    "ENODEV": "장치 없음 (ENODEV)",
    "ENOTCONN": "파일 시스템 프로그램이 죽음 (ENOTCONN)",
    "ETIMEDOUT": "원격 파일 시스템이 응답하지 않음 (ETIMEDOUT)",
    "EHOSTDOWN": "원격 서버 꺼짐 (EHOSTDOWN)",
    "no_descriptors": "모니터가 열 수 있는 파일 수를 다 씀 (EMFILE). 조치: systemctl restart gunicorn_monitor",
    "no_descriptors_left": "서버가 열 수 있는 파일 수를 다 씀 (ENFILE). 조치: cat /proc/sys/fs/file-nr",
    "no_memory": "모니터에 메모리 부족 (ENOMEM). 조치: free -h, systemctl status gunicorn_monitor",
    "no_threads": "모니터가 만들 수 있는 스레드 수를 다 씀. 조치: systemctl status gunicorn_monitor (Tasks)",
}
