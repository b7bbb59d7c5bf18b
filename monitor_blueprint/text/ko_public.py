"""The Korean catalogue: the public page and its badges."""

from __future__ import annotations

from monitor_blueprint.text.public_words import PublicWords

WORDS = PublicWords(
    title="서비스 상태",
    states={"OK": "정상", "WARNING": "경고", "CRITICAL": "장애", "UNKNOWN": "확인 불가", "LEFT_OUT": "제외"},
    whole={
        "OK": "모두 정상입니다",
        "WARNING": "일부에 주의가 필요합니다",
        "CRITICAL": "장애가 있습니다",
        "UNKNOWN": "지금은 상태를 알 수 없습니다",
    },
    stale={
        "stopped": "모니터가 실행되고 있지 않습니다",
        "first": "시작 후 첫 점검이 진행 중입니다",
        "stalled": "점검이 멈춰 있습니다",
    },
    stale_badge="점검 멈춤",
    checked_at="마지막 점검: {at}",
    never_checked="아직 점검하지 않았습니다",
    check="항목",
    state="상태",
)
