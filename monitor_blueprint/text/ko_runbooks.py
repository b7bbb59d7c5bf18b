"""The Korean catalogue: what to do next where a check fails, by its kind, what of it fails, and how."""

from __future__ import annotations

# Where the monitor could not look.
BLIND = "모니터가 확인하지 못했습니다. 대상이 고장 났다는 뜻은 아닙니다. 위의 이유를 해결한 뒤 다시 점검하십시오."

_FILE_SYSTEM = {
    "unmounted": "마운트가 풀렸습니다. 장치가 보이는지 확인한 뒤 다시 마운트하십시오. 그 전에는 그 경로에 새로 쓰지 마십시오.",
    "replaced": "다른 파일 시스템이 마운트되어 있습니다. 의도한 교체인지 확인하고, 아니면 원래 것을 다시 마운트하십시오.",
    "device": "장치가 사라졌습니다. 디스크와 연결 상태를 커널 로그에서 확인하십시오.",
    "access": "파일 시스템에 접근할 수 없습니다. 마운트 상태와 커널 로그의 입출력 오류를 확인하십시오.",
    "read_only": (
        "읽기 전용으로 바뀌었습니다. 커널 로그에서 디스크 오류를 먼저 확인하고, 없을 때만 쓰기 가능으로 다시 마운트하십시오."
    ),
}
_WORSE = "실제 결과와 예측이 어긋납니다. 최근 모델 교체와 입력 데이터의 변화를 확인하십시오."
_NOT_ASKED = "ML 서버에 물어볼 수 없었습니다. ML 서버가 응답하는지 먼저 확인하십시오."
_NOT_KEPT = "ML 서버가 더 이상 기록하지 않습니다. ML 서버의 ML_STATE_DIR 설정을 확인하십시오."
_FIGURES = (
    *("sensitivity", "specificity", "roc_auc", "accuracy", "brier", "calibration_slope", "calibration_intercept"),
    *("mae", "rmse", "coverage", "figures_worse"),
)
_NO_SUCH_ADDRESS = "서비스는 응답하지만 확인하는 주소가 없습니다. 모니터 설정의 url이 맞는지 먼저 확인하십시오."

# (kind, aspect), or (kind, aspect, how) where it depends on that: what is not here has no advice.
RUNBOOKS: dict[tuple[str, ...], str] = {
    ("service", "unit"): (
        "서비스가 왜 멈췄는지 로그에서 먼저 확인한 뒤 다시 시작하십시오. 바로 다시 멈추면 설정과 최근 배포를 되돌려 보십시오."
    ),
    ("service", "unit", "activating"): (
        "서비스가 시작을 마치지 못하고 있습니다. 무엇이 실패하는지 로그에서 확인하고, 설정이나 최근 배포를 되돌려 보십시오."
    ),
    ("service", "unit", "deactivating"): (
        "서비스가 정지하는 중입니다. 정지가 끝나지 않으면 무엇을 기다리는지 로그에서 확인하십시오."
    ),
    ("service", "unit", "not-found"): "그런 이름의 유닛이 없습니다. 모니터 설정의 unit과 서비스 설치 여부를 확인하십시오.",
    ("service", "unit", "masked"): "유닛이 시작하지 못하게 막혀 있습니다(mask). 왜 막았는지 확인한 뒤 풀고 시작하십시오.",
    ("service", "unit", "bad-setting"): "유닛 파일이 잘못되어 시작할 수 없습니다. 어느 줄인지 확인해 고치십시오.",
    ("service", "unit", "error"): "systemd가 유닛 파일을 읽지 못합니다. 파일이 있고 읽을 수 있는지 확인하십시오.",
    ("service", "http"): (
        "프로세스는 실행 중이지만 제대로 응답하지 않습니다. 무엇을 기다리는지 로그와 부하를 보고, 풀리지 않으면 재시작하십시오."
    ),
    ("service", "http", "status"): (
        "서비스는 실행 중이고 오류로 응답합니다. 로그에서 그 오류를 찾아 고치십시오. 최근에 배포했다면 되돌리는 것도 방법입니다."
    ),
    ("service", "http", "no_address"): _NO_SUCH_ADDRESS,
    ("http", "http"): "서비스가 살아 있는지, 그 앞의 Nginx가 올바른 곳으로 보내는지 차례로 확인하십시오.",
    ("http", "http", "status"): "주소가 오류로 응답합니다. 뒤의 서비스 로그에서 그 오류를 찾으십시오.",
    ("http", "http", "no_address"): _NO_SUCH_ADDRESS,
    ("golden", "answer"): "모델이 틀린 값을 내고 있을 수 있습니다. 어느 버전이 서비스 중인지 먼저 확인하십시오.",
    ("golden", "fallback"): (
        "예측은 맞지만 새 버전 대신 다른 버전이 서비스 중입니다. 되돌릴 필요는 없습니다. 새 버전을 읽지 못한 이유를 고치십시오."
    ),
    ("golden", "changed"): (
        "예측은 맞고 바뀌기 전의 모델이 서비스 중입니다. 파일을 누가 바꿨는지 확인하고, 새 모델이면 새 버전 번호로 추가하십시오."
    ),
    ("golden", "samples"): "예측을 대조할 표본이 없습니다. ML 서버의 표본이나 모니터 설정의 sample을 확인하십시오.",
    ("golden", "refused"): "예측 요청에 올바른 응답이 오지 않습니다. ML 서버의 상태와 로그를 확인하십시오.",
    ("golden", "latency"): "예측은 맞지만 느립니다. 서버의 부하와 요청량을 확인하십시오.",
    **{("feedback", name): _WORSE for name in _FIGURES},
    ("feedback", "off"): _NOT_KEPT,
    ("feedback", "refused"): _NOT_ASKED,
    ("drift", "drifted"): "들어오는 데이터가 학습 때와 다릅니다. 어떤 항목이 달라졌는지 보고 데이터 출처의 변경을 확인하십시오.",
    ("drift", "missing"): "비어 있는 항목의 비율이 학습 때와 다릅니다. 그 항목을 보내는 쪽의 변경을 확인하십시오.",
    ("drift", "answers"): "예측의 분포가 학습 때와 다릅니다. 입력의 변화와 최근 모델 교체를 함께 확인하십시오.",
    ("drift", "off"): _NOT_KEPT,
    ("drift", "refused"): _NOT_ASKED,
    ("disk", "usage"): "큰 파일을 찾아 지우거나 옮기십시오. 로그와 오래된 백업부터 보십시오.",
    ("disk_trend", "trend"): "이대로면 디스크가 찹니다. 무엇이 늘고 있는지 찾아 정리하거나 공간을 늘리십시오.",
    ("disk_trend", "full"): "디스크가 가득 찬 채로 있습니다. 큰 파일을 정리하거나 공간을 늘리십시오.",
    ("inodes", "usage"): "작은 파일이 너무 많습니다. 세션, 캐시, 임시 파일 디렉터리를 정리하십시오.",
    **{(kind, aspect): text for kind in ("disk", "inodes", "disk_trend") for aspect, text in _FILE_SYSTEM.items()},
    ("memory", "usage"): "메모리를 많이 쓰는 프로세스를 찾아 다시 시작하거나 줄이십시오.",
    ("swap", "usage"): "메모리가 모자라 스왑을 쓰고 있습니다. 메모리를 많이 쓰는 프로세스를 확인하십시오.",
    ("oom", "kills"): "메모리 부족으로 프로세스가 종료되었습니다. 어느 프로세스인지 보고 다시 살아났는지 확인하십시오.",
    ("cpu", "load"): "CPU를 많이 쓰는 프로세스를 찾으십시오. 일시적인 작업이면 끝나기를 기다리십시오.",
    ("restarts", "restarts"): "서비스가 되풀이해서 중단되고 있습니다. 종료 원인을 로그에서 찾으십시오.",
    ("journal", "errors"): "오류 로그가 늘었습니다. 처음 나타난 오류부터 읽으십시오.",
    ("nginx_log", "share"): "Nginx가 오류로 응답하고 있습니다. 뒤의 서비스가 응답하는지 함께 확인하십시오.",
    ("nginx_log", "errors"): "Nginx의 오류 로그가 늘었습니다. 어떤 오류인지 읽고 뒤의 서비스도 확인하십시오.",
    ("tls", "expiry"): "인증서가 곧 만료됩니다. 갱신한 뒤 Nginx를 다시 읽어 들이십시오.",
    ("tls", "expired"): (
        "인증서가 이미 만료되어 접속하는 사람에게 경고가 보입니다. 지금 갱신한 뒤 Nginx를 다시 읽어 들이십시오."
    ),
    ("tls", "not_yet_valid"): (
        "인증서의 유효 기간이 아직 시작되지 않았습니다. 서버의 시계를 확인하고, 맞다면 지금 유효한 인증서로 바꾸십시오."
    ),
    ("tls", "trust"): "인증서를 신뢰할 수 없습니다. 이름이 맞는지, 중간 인증서가 함께 설치되었는지 확인하십시오.",
    ("tls", "handshake"): "TLS 연결을 맺지 못합니다. 서버의 TLS 설정과 인증서 파일을 확인하십시오.",
    ("tls", "answer"): "TLS 주소에서 응답이 없습니다. 인증서 문제는 아닐 수 있으니 Nginx가 살아 있는지 먼저 확인하십시오.",
    ("backup", "age"): "새 백업이 없습니다. 백업 작업이 실행되었는지, 공간이 있는지 확인하십시오.",
    ("backup", "size"): "백업의 크기가 이전과 크게 다릅니다. 끝까지 쓰였는지, 내용이 온전한지 확인하십시오.",
    ("backup", "missing"): "백업 파일이 없습니다. 백업 작업이 실행되었는지, 모니터 설정의 경로가 맞는지 확인하십시오.",
    ("health_body", "status"): "사이트가 스스로 문제를 알리지만 무엇인지는 말하지 않습니다. 사이트의 로그를 확인하십시오.",
    ("health_body", "entries"): "사이트가 스스로 문제를 알리고 있습니다. 실패한 항목부터 확인하십시오.",
    ("health_body", "blamed"): "사이트가 연결된 서비스의 문제를 알리고 있습니다. 그 서비스부터 확인하십시오.",
    ("health_body", "answer"): "사이트의 상태 주소가 응답하지 않습니다. 사이트와 그 앞의 서비스가 살아 있는지 확인하십시오.",
    ("health_body", "answer", "body"): (
        "사이트는 응답하지만 상태 JSON이 아닙니다. 주소가 상태 확인 주소가 맞는지, 최근 배포로 응답이 바뀌었는지 확인하십시오."
    ),
    ("health_body", "answer", "status"): "상태 주소가 오류로 응답합니다. 사이트의 로그에서 그 오류를 찾으십시오.",
    ("health_body", "answer", "no_address"): _NO_SUCH_ADDRESS,
    ("updates", "pending"): "보안 업데이트가 밀려 있습니다. 한가한 시간에 설치하십시오.",
    ("updates", "lists"): "패키지 목록이 오래되어 업데이트가 있는지 알 수 없습니다. 목록을 갱신하십시오.",
    **{
        ("log_rotation", aspect): "로그가 회전되지 않습니다. logrotate 설정과 타이머를 확인하십시오."
        for aspect in ("rotated", "ran", "never")
    },
    ("monitor", "database"): "모니터가 기록을 저장하지 못합니다. 재시작하면 최근 기록을 잃을 수 있으니 이유를 먼저 해결하십시오.",
    ("monitor", "loss"): "기록이 새로 시작되었습니다. 옮겨 둔 파일을 보관하고 디스크 상태를 확인하십시오.",
    ("monitor", "log"): "모니터가 로그 파일에 쓰지 못합니다. 디스크 공간과 파일 권한을 확인하십시오.",
    ("monitor", "config"): (
        "모니터는 이전 설정으로 계속 감시하고 알립니다. 설정의 오류를 고치십시오. 그 전에 재시작하면 시작되지 않습니다."
    ),
    ("monitor", "channel"): (
        "이 채널로는 알림이 나가지 않습니다. 받는 쪽의 주소와 비밀번호, 네트워크를 확인한 뒤 시험 알림을 보내 보십시오."
    ),
    ("monitor", "trying"): "이 채널로 보내지 못해 다시 시도하고 있습니다. 오래 이어지면 받는 쪽과 네트워크를 확인하십시오.",
}
