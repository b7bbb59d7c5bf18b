"""How many requests a worker takes with it when it is killed: the server's own worker and gunicorn's, in turn.

    python -m bench.killed_worker [--kills 15] [--clients 8] [--pause-ms 0]

The clients ask without a pause unless told otherwise, keep their connection (`requests.Session`), and never ask again:
whatever went wrong counts as lost.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import requests

from bench.predict_vs_peer import Contender, ours, start, stop, wait_until_answering

WORKERS = ("ml_server.worker.Worker", "gthread")
DEADLINE_S = 30


class Clients:
    """Clients that ask until the `with` block ends."""

    def __init__(self, contender: Contender, count: int, pause_s: float) -> None:
        self.answered, self.lost = 0, 0
        self._contender, self._pause_s = contender, pause_s
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers(self, count: int) -> None:
        """Until so many more were answered."""
        goal = self.answered + count
        while self.answered < goal:
            time.sleep(0.01)

    def _ask(self) -> None:
        session = requests.Session()
        while not self._stop.is_set():
            try:
                is_answered = (
                    session.post(
                        self._contender.url, json=self._contender.body, headers=self._contender.headers, timeout=DEADLINE_S
                    ).status_code
                    == 200
                )
            except requests.RequestException:
                is_answered = False
            with self._counting:
                self.answered += is_answered
                self.lost += not is_answered
            if self._pause_s:
                self._stop.wait(random.uniform(0, 2 * self._pause_s))


def children(master: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def kill_one(master: int, clients: Clients) -> int:
    """Requests that were lost by killing a worker, after all workers are there again."""
    before = children(master)
    lost = clients.lost
    os.kill(random.choice(before), signal.SIGKILL)
    while len(set(children(master)) - set(before)) < 1:
        time.sleep(0.01)
    clients.wait_for_answers(300)
    return clients.lost - lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause-ms", type=float, default=0)
    options = parser.parse_args()
    for worker in WORKERS:
        contender = ours()
        contender = contender._replace(command=[*contender.command, "--worker-class", worker])
        with tempfile.TemporaryDirectory() as work:
            log = Path(work) / "log"
            server = start(contender, log)
            try:
                wait_until_answering(contender, log)
                with Clients(contender, options.clients, options.pause_ms / 1000) as clients:
                    clients.wait_for_answers(300)
                    lost = Counter(kill_one(server.pid, clients) for _ in range(options.kills))
            finally:
                server.terminate()
                stop(server)
        print(f"{worker}: requests lost by a kill, and in how many kills: {json.dumps(dict(sorted(lost.items())))}", flush=True)


if __name__ == "__main__":
    main()
