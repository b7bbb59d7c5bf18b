"""One server of each kind for all that leaves it as it was, and servers of one's own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.serving.server import Server

StartServer = Callable[..., Server]


@pytest.fixture(scope="session", params=["AsyncioWorker", "UvloopWorker"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("serving"), worker_class=f"tests.serving.app.{request.param}")
    yield running
    running.stop()


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    running: list[Server] = []

    def start(**settings: Any) -> Server:
        running.append(Server(tmp_path_factory.mktemp("serving"), **settings))
        return running[-1]

    yield start
    for each in running:
        each.stop()
