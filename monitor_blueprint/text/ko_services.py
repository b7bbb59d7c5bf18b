"""The Korean catalogue's lines of services, sites, logs and certificates, and of the monitor itself."""

from __future__ import annotations

from monitor_blueprint.text.texts import Texts

LINES: dict[tuple[str, str], Texts] = {
    ("service", "unit"): Texts("{name}: 정상 실행 중{real_unit}", bad="{name}: {how} ({state}{real_state}{result})"),
    ("service", "exited"): Texts(
        "{name}: 시작 작업만 끝남 ({unit}, {state}) - 실행 중인 프로세스가 없어 서비스가 살아 있는지는 알 수 없음."
        " 실제 유닛이나 url을 설정하십시오"
    ),
    ("service", "http"): Texts("{name} API: 응답 정상 (HTTP {http_status})", bad="{name} API: 응답 이상 ({reason})"),
    ("service", "absent"): Texts("{name}: systemd 유닛 {unit} 없음 (점검 제외)"),
    ("service", "no_unit"): Texts("{name}: systemd 유닛 {unit} 없음 (주소만 점검)"),
    ("http", "http"): Texts("{name}: 응답 정상 (HTTP {http_status})", bad="{name}: 응답 이상 ({reason}){at_address}"),
    ("health_body", "status"): Texts("Django 상태 본문: {body_status}", bad="Django 상태 본문: {body_status}"),
    ("health_body", "entries"): Texts("Django 자체 점검: {count}개 항목 정상", bad="Django 자체 점검 실패: {entries}"),
    ("health_body", "blamed"): Texts(bad="Django가 보고한 연결 서비스 장애: {entries}"),
    ("health_body", "answer"): Texts(bad="Django 상태 본문: {kind_of_answer} ({reason})"),
    ("golden", "answer"): Texts(
        "ML 예측 검증: 표본 {samples}개 모두 일치 (버전 {model_version}{digest})",
        bad="ML 예측 검증: {wrong} ({of_model}표본 {sample}{of_file}, {field}: {got}, 기대값 {expected}){at_address}",
    ),
    ("golden", "fallback"): Texts(
        bad="ML 모델: 제공해야 할 버전 {due_version} 대신 버전 {model_version} 제공 중 (이유: sudo neuronova-model status)"
    ),
    ("golden", "changed"): Texts(
        bad="ML 모델: 버전 {model_version}의 파일이 로드 후 바뀜, 바뀌기 전 모델 제공 중 (새 파일에는 새 버전 번호 지정)"
    ),
    ("golden", "samples"): Texts(bad="ML 예측 검증: 표본을 받을 수 없음 ({reason}){at_address}"),
    ("golden", "refused"): Texts(bad="ML 예측 검증: 응답 이상 ({reason}){at_address}"),
    ("golden", "latency"): Texts(
        "ML 응답 시간: {value}ms (정상)", "ML 응답 시간: {value}ms (경고)", "ML 응답 시간: {value}ms (위험)"
    ),
    ("restarts", "steady"): Texts("서비스 재시작: 최근 {minutes}분간 없음"),
    ("restarts", "restarts"): Texts(
        "서비스 재시작: {units} (최근 {minutes}분)",
        bad="서비스가 자주 중단됨: {units} (최근 {minutes}분)",
        limit="{most}회 초과",
    ),
    ("restarts", "renewed"): Texts("{units}: 수동으로 재시작됨"),
    ("restarts", "workers"): Texts("작업 프로세스 교체: {workers}"),
    ("oom", "kills"): Texts(
        "메모리 부족(OOM) 종료: 최근 {minutes}분간 {kills}건",
        bad="메모리 부족(OOM) 종료: 최근 {minutes}분간 {kills}건 ({names})",
        limit="{at}건",
    ),
    ("journal", "errors"): Texts(
        "오류 로그: 최근 {minutes}분간 {errors}건 ({rate:g}/분)",
        bad="오류 로그 급증: 최근 {minutes}분간 {errors}건 ({rate:g}/분, {unit}), 자세히: journalctl -u {unit}",
    ),
    ("nginx_log", "share"): Texts(
        "Nginx 5xx 비율: {value}% (최근 {minutes}분간 {failed}/{requests}건, 정상)",
        "Nginx 5xx 비율: {value}% (최근 {minutes}분간 {failed}/{requests}건, 경고){codes}",
        "Nginx 5xx 비율: {value}% (최근 {minutes}분간 {failed}/{requests}건, 위험){codes}",
    ),
    ("nginx_log", "quiet"): Texts("Nginx 5xx 비율: 요청 {requests}건으로 판정하지 않음"),
    ("nginx_log", "errors"): Texts(
        "Nginx 오류 로그: 최근 {minutes}분간 {lines}건",
        bad="Nginx 오류 로그: 최근 {minutes}분간 {lines}건 ({level}), 자세히: /var/log/nginx/error.log",
        limit="{limit_min:g}분간 {most}건",
    ),
    ("tls", "expiry"): Texts(
        "TLS 인증서: {days}일 남음 ({where}{place}, {until}까지)",
        bad="TLS 인증서: {in_days} 만료 ({where}{place}, {until}까지{issued_by})",
        limit="{limit_days:g}일",
    ),
    ("tls", "expired"): Texts(bad="TLS 인증서: {until} 만료됨 ({where}{place}{issued_by})"),
    ("tls", "not_yet_valid"): Texts(bad="TLS 인증서: 아직 유효하지 않음 ({where}{place})"),
    ("tls", "trust"): Texts("TLS 인증서 신뢰: 정상 ({server})", bad="TLS 인증서 신뢰: 확인 실패 ({server}, {reason})"),
    ("tls", "handshake"): Texts(bad="TLS 연결: 실패 ({server}, {reason})"),
    ("tls", "answer"): Texts(bad="TLS 연결: 응답 없음 ({server}, {reason})"),
    ("backup", "age"): Texts(
        "백업: {ago} ({file})", bad="백업: {hours}시간 동안 새 백업 없음 ({file}, 마지막 {at})", limit="{limit_h:g}시간"
    ),
    ("backup", "size"): Texts(
        "백업 크기: {size} (정상)",
        bad="백업 크기: {size}, 이전 백업의 {percent}% ({file})",
        limit="이전 백업의 {limit_percent:g}% 미만",
    ),
    ("backup", "missing"): Texts(bad="백업: 파일 없음 ({pattern})"),
    ("updates", "pending"): Texts(
        "보안 업데이트: 대기 {count}개", bad="보안 업데이트: {count}개 대기 (apt list --upgradable)", limit="{most}개"
    ),
    ("updates", "lists"): Texts(
        "패키지 목록: {days_ago} 갱신", bad="패키지 목록: {days}일 동안 갱신되지 않음", limit="{limit_days:g}일"
    ),
    ("log_rotation", "rotated"): Texts(
        "로그 로테이션: {at} 실행됨",
        bad="로그 로테이션: {days}일 동안 실행되지 않음 ({path}, 마지막 {at})",
        limit="{limit_days:g}일",
    ),
    ("log_rotation", "ran"): Texts(
        "로그 로테이션: {at} 실행됨", bad="로그 로테이션: {days}일 동안 실행되지 않음 (마지막 {at})", limit="{limit_days:g}일"
    ),
    ("log_rotation", "never"): Texts(bad="로그 로테이션: 실행 기록 없음 ({path})"),
    ("monitor", "database"): Texts("데이터베이스: 정상", bad="데이터베이스: 사용 불가, 메모리에 기록 중 ({reason})"),
    ("monitor", "loss"): Texts(
        bad="데이터베이스: 손상되어 새로 시작함, 이전 기록과 진행 중이던 장애가 사라졌을 수 있음 ({file})"
    ),
    ("monitor", "log"): Texts("로그 파일: 정상", bad="로그 파일: 기록 불가 ({reason})"),
    ("monitor", "config"): Texts("설정: 정상", "설정: {reason}", "설정: 변경된 설정에 오류가 있어 이전 설정 사용 중 ({reason})"),
    ("monitor", "channel_slack"): Texts("Slack 알림: 정상", bad="Slack 알림: 전송 실패 ({reason})"),
    ("monitor", "trying_slack"): Texts(bad="Slack 알림: 전송 실패, 재시도 중 ({reason})"),
    ("monitor", "trying_email"): Texts(bad="이메일 알림: 전송 실패, 재시도 중 ({reason})"),
    ("monitor", "channel_email"): Texts("이메일 알림: 정상", bad="이메일 알림: 전송 실패 ({reason})"),
}

# Which model the samples are of, and which file they are from where it is not the server itself.
OF_MODEL, OF_FILE = "버전 {model_version}, ", " ({file})"

# Who has issued a certificate: who has to renew it knows by that with what.
ISSUED_BY = ", 발급 {issuer}"
# Which of the statuses it was, and how often each.
CODES = " · HTTP {codes}"

# A unit that is down, and one that is on its way there; one that did not come up, and one that has not yet.
STOPPED, STOPPING = "중지됨", "정지하는 중"
NOT_STARTED, STARTING = "시작되지 않음", "시작이 끝나지 않음"
# What was asked has said something that is not right, or nothing.
ANSWERED, NOT_ANSWERED = "응답 이상", "응답 없음"
# What systemd's words for a state mean, by how they begin; of a failed unit its result says that.
STATES = {
    "inactive/dead": "systemctl stop 등으로 오류 없이 정지됨",
    "deactivating/": "아직 멈추지 않음",
    "activating/auto-restart": "다시 시작하기를 기다리는 중",
    "activating/": "시작하는 중",
}
# Why systemd says that a unit is down (systemd.exec(5), $SERVICE_RESULT), where that says more than its state.
RESULTS = {
    "exit-code": "오류 코드로 종료됨",
    "signal": "강제 종료됨(signal)",
    "core-dump": "비정상 종료, 코어 덤프",
    "oom-kill": "메모리 부족으로 종료됨",
    "timeout": "유닛의 제한 시간(TimeoutStartSec, TimeoutStopSec) 초과",
    "watchdog": "응답이 없어 watchdog이 종료함",
    "start-limit-hit": "재시작 횟수 초과",
    "resources": "자원 부족",
    "protocol": "시작 방식 오류",
    "dependency": "필요한 유닛이 시작되지 않음",
    "exec-condition": "시작 조건 불충족",
}

# By the field of the answer that is not what it must be; all others are of the prediction itself.
WRONG = {
    "body": "응답을 읽을 수 없음",
    "ok": "예측이 거부됨",
    "model_name": "다른 모델이 응답함",
    "model_version": "다른 버전의 모델이 응답함",
}
WRONG_PREDICTION = "예측이 틀림"

REASONS = {
    "refused": "연결 거부",
    "timeout": "시간 초과",
    "reset": "연결 끊김",
    "certificate": "인증서 오류",
    "name": "주소를 찾을 수 없음",
    "no_socket": "소켓 파일 없음",
    "permission": "소켓에 접속할 권한이 없음. systemctl edit gunicorn_monitor 로 SupplementaryGroups= 에 소켓의 그룹 추가",
    "unreachable": "호스트에 연결할 수 없음",
    "tls": "TLS 연결 실패",
    "no_http": "HTTP 응답이 아님",
    "status": "HTTP {http_status}",
    "certificates": "읽을 수 없는 인증서 {count}개: {why_text}",
    "no_address": "HTTP {http_status}: 없는 주소. {config}에서 {name}의 url을 고치십시오",
    "text": "예상한 내용 없음",
    "no_json": "JSON이 아님",
    "json": "{field} 값이 {expected}과(와) 다름",
    "body": "HTTP {http_status}이지만 상태 JSON이 아님",
    "no_samples": "ML 서버가 표본을 제공하지 않음, HTTP {http_status}. {config}에서 {name}의 sample에 표본 파일을 지정하십시오",
    "lost_samples": "응답하는 서버가 더 이상 표본을 제공하지 않음, HTTP {http_status}",
    "key": "ML_API_KEY가 ML 서버와 다름, HTTP {http_status}",
}

# Where it is known how long an answer was waited for.
TIMEOUT_WITHIN = "{within_s:g}초 안에 응답 없음"
# What a program or a probe of ours has not done in its time; all else stays as the program says it.
LATE = {
    r"([\w./-]+) did not end in time \((\d+) s\)": r"\1 명령이 \2초 안에 끝나지 않음",
    r"no answer from the probe for (\d+) s": r"점검이 \1초가 지나도 끝나지 않음",
    r"not reached before the deadline of the round": "앞선 점검이 오래 걸려 이번 차례에 점검하지 못함",
    r"systemd did not answer: TimeoutError within ([\d.]+) s": r"systemd가 \1초 안에 응답하지 않음",
}

# Why a health check runs, or does not.
RUN_REASONS = {
    "schedule": "정기 점검",
    "manual": "직접 실행",
    "systemd": "systemd 상태 변경",
    "grace": "대기 시간 후 재확인",
    "again": "점검 중의 변경 재확인",
    "overdue": "점검이 늦어짐",
    "missed": "제때 시작하지 못함",
    "previous run has not ended": "이전 점검이 끝나지 않음",
}

# What has replaced a key of an earlier version, by the channel and the key.
REPLACED = {
    ("email", "sendmail"): "메일은 SMTP_HOST로, 없으면 이 서버의 메일 서버(localhost:25)로 보냅니다.",
}
