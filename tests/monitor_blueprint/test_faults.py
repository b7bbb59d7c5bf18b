from __future__ import annotations

import errno
import logging
import ssl

import pytest

from monitor_blueprint.domain.text import Public
from monitor_blueprint.faults import detail_of, reason_of
from monitor_blueprint.log import Log


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "홍길동", "/홍길동"), "Permission denied"),
        (OSError("홍길동"), "OSError"),
        (OSError(99999, "홍길동"), "OSError"),
        (ssl.SSLError(1, "홍길동"), "SSLError"),
        (ValueError("홍길동"), "ValueError"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "Connection refused"),
    ],
)
def test_a_number_has_the_systems_words(error: Exception, told: str) -> None:
    assert reason_of(error) == told


def test_the_detail_is_private() -> None:
    assert "Hong" in detail_of(ValueError("Hong")).text
    assert detail_of(ValueError()).text == "ValueError"


def fail() -> None:
    raise ValueError("홍길동") from KeyError("홍길동")


def test_a_log_line_has_no_exceptions_text(caplog: pytest.LogCaptureFixture) -> None:
    log = Log("monitor_blueprint.test")
    with caplog.at_level(logging.INFO):
        log.info(Public("all is well: %s"))
        try:
            fail()
        except ValueError as error:
            log.warning(Public("one"), error)
            log.error(Public("two"), error)
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "all is well: %s"
    assert messages[1].startswith("one: ValueError, from KeyError (test_faults.py:")
    assert "홍길동" not in caplog.text
