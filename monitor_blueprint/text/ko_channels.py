"""The Korean catalogue's lines of alert channels that do not take what they are sent."""

from __future__ import annotations

import re

from monitor_blueprint.domain.language import said

# What stands behind the reason: where it was to go, since when it does not, and what comes next.
TROUBLE = "{where}{reason}, {since}부터, 대기 {pending}건, {next}, 시험: sudo neuronova-monitor test-alert"
# The same in a result that is kept: how many wait and what comes next is soon otherwise.
TROUBLE_KEPT = "{where}{reason}, {since}부터, 시험: sudo neuronova-monitor test-alert"
NEXT, NEXT_NOW, NO_NEXT = "다음 시도 {at}", "곧 다시 시도", "새 알림이 생기면 다시 시도"
WHERE = "{server}: "
TEST_COMMAND = "sudo neuronova-monitor test-alert"
# A channel's answer, as far as it is no word of a protocol: those are looked up as they stand.
REASONS = {
    r"no answer within (\d+) s\b": r"\1초 안에 응답 없음",
    r"no connection within (\d+) s\b": r"\1초 안에 연결되지 않음",
    r"no end after (\d+) s\b": r"\1초가 지나도 전송이 끝나지 않음",
    r"(TimeoutError: |timeout: )?timed out": "제한 시간 안에 응답 없음",
    r"ConnectionRefusedError(: Connection refused)?": "연결 거부",
    r"ConnectionResetError: Connection reset by peer": "서버가 연결을 끊음",
    r"(SMTPServerDisconnected|RemoteDisconnected|IncompleteRead)(: .*)?": "서버가 연결을 끊음",
    r"BrokenPipeError(: Broken pipe)?": "서버가 연결을 끊음",
    r"gaierror: Temporary failure in name resolution": "주소를 찾을 수 없음 (DNS 응답 없음)",
    r"gaierror(: .*)?": "주소를 찾을 수 없음",
    r"OSError: Network is unreachable": "네트워크에 연결할 수 없음",
    r"OSError: No route to host": "호스트에 연결할 수 없음",
    r"SSLCertVerificationError(: .*)?": "인증서를 믿을 수 없음",
    r"SSL\w*Error(: .*)?": "TLS 연결 실패",
    r"PermissionError(: .*)?": "보낼 권한이 없음",
    r"the proxy refused: ": "프록시가 거부함: ",
    r"proxy: ": "프록시: ",
    r"(HTTP \d{3}.*), but not Slack's ok": r"\1, 그러나 Slack의 ok가 아님",
    r"STARTTLS failed: ": "STARTTLS 실패: ",
    r"the server offers no STARTTLS, and without it nothing is sent": "서버에 STARTTLS가 없어 보내지 않음",
    r"no SMTP_HOST is set, and no mail server listens on this machine": (
        "SMTP_HOST가 비어 있고, 이 서버에서 동작하는 메일 서버도 없음"
    ),
    r"unexpected (\w+)": r"예상하지 못한 오류 \1",
    r"cannot be sent: (\w+)": r"보낼 수 없는 주소 (\1)",
}


def reason(answer: str) -> str:
    """Return a channel's reason in words of ours, as far as there are any for it."""
    for pattern, sentence in REASONS.items():
        answer = re.sub(pattern, said(sentence), answer)
    return answer
