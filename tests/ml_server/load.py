"""Clients that ask for predictions without a pause, and remember everything that went wrong."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import requests

KEPT, FRESH = 6, 2
MANY = 200
DEADLINE_S = 60


class Load:
    """Concurrent load, as long as the `with` block runs: some clients keep their connection, some do not."""

    def __init__(self, url: str, content: Any) -> None:
        self._url = f"{url}/predict"
        self._content = content
        self._stop = threading.Event()
        self._more = threading.Condition()
        self.answered = 0
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._ask, args=client)
            for client in [("kept", requests.Session)] * KEPT + [("fresh", lambda: requests)] * FRESH
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def wait_for_more(self) -> None:
        """Until `MANY` more requests have been answered or have failed."""
        with self._more:
            goal = self.answered + len(self.failures) + MANY
            assert self._more.wait_for(lambda: self.answered + len(self.failures) >= goal, DEADLINE_S)

    def _ask(self, kind: str, new_client: Callable[[], Any]) -> None:
        client = new_client()
        while not self._stop.is_set():
            try:
                answer = client.post(self._url, json=self._content, timeout=DEADLINE_S)
                problem = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text}"
            except requests.RequestException as error:
                problem = repr(error)
            with self._more:
                if problem:
                    self.failures.append(f"{kind}: {problem}")
                else:
                    self.answered += 1
                self._more.notify_all()
