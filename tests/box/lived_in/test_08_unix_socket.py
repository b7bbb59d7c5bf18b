"""A Django that listens on a unix socket is found and watched there."""

import pytest

from tests.box.box import Box
from tests.box.lived_in.conftest import SETUP, failures
from tests.box.lived_in.server import use_unix_socket

pytestmark = pytest.mark.box


def test_unix_socket_is_watched(lived_in: Box) -> None:
    use_unix_socket(lived_in)
    output = lived_in.run(SETUP, timeout_s=400).output
    assert "SUCCESS: Django API: 응답 정상 (HTTP 200)" in output, output
    assert failures(output) == []
    assert 'url = "http+unix://%2Frun%2Fdjango%2Fgunicorn.sock/api/v1/health/"' in lived_in.output(
        "cat /etc/neuronova/monitor.toml"
    )
