from __future__ import annotations

import pytest

from monitor_blueprint.text import ko_channels


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no answer within 300 s", "300초 안에 응답 없음"),
        ("no connection within 30 s", "30초 안에 연결되지 않음"),
        ("no end after 61 s", "61초가 지나도 전송이 끝나지 않음"),
        ("ConnectionRefusedError: Connection refused", "연결 거부"),
        ("ConnectionRefusedError", "연결 거부"),
        ("SMTPServerDisconnected: Connection unexpectedly closed", "서버가 연결을 끊음"),
        ("gaierror: Name or service not known", "주소를 찾을 수 없음"),
        ("OSError: Network is unreachable", "네트워크에 연결할 수 없음"),
        ("SSLCertVerificationError: … certificate verify failed …", "인증서를 믿을 수 없음"),
        ("the proxy refused: HTTP 403", "프록시가 거부함: HTTP 403"),
        ("proxy: ConnectionRefusedError: Connection refused", "프록시: 연결 거부"),
        ("HTTP 200, but not Slack's ok", "HTTP 200, 그러나 Slack의 ok가 아님"),
        ("HTTP 404 no_service", "HTTP 404 no_service"),
        ("… 550 no such user", "… 550 no such user"),
        ("", ""),
    ],
)
def test_reasons_are_told_in_korean(said: str, told: str) -> None:
    """The words of a protocol stay as they are: they are what one looks up."""
    assert ko_channels.reason(said) == told
