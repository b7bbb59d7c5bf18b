"""How soon `/health` and `/predict` are answered while others do their worst.

    python -m bench.health_under_load [--seconds 10]

Three servers of ours, two workers each: one with a model of about 30 ms, which 16 clients ask without a pause; one with
a model of about 3 s and 64 clients; one with the bundled model, 1,000 connections that say nothing and 50 that send a
byte of their request every two seconds. Meanwhile one more client asks, every 20 ms.
"""

import argparse
import contextlib
import json
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import requests

from bench.predict_vs_peer import CARD, FEATURES, KEY, Contender, lua, ours, start, stop, wait_until_answering
from ml_server.card import read_card
from ml_server.runtimes import load_runtime
from tests.ml_server.conftest import make_slow_model_dir, slow_model

PAUSE_S = 0.02
CASES = (
    ("30 ms model, 16 clients", 0.03, 16),
    ("3 s model, 64 clients", 3.0, 64),
    ("1,000 silent connections and 50 dripping ones", 0.0, 0),
)


def rounds_for(seconds: float) -> float:
    """How many rounds of the counting model take so long."""
    runtime = load_runtime(read_card(msgspec.json.encode(CARD)), slow_model())
    rounds = 1000.0
    while True:
        begun = time.perf_counter()
        runtime.run({"features": np.array([[rounds]], dtype=np.float32)}, "probabilities", 60)
        took = time.perf_counter() - begun
        if took > 0.02:
            return rounds * seconds / took
        rounds *= 2


def contender(model_dir: Path | None, rounds: float) -> Contender:
    one = ours()
    if model_dir is None:
        return one
    return one._replace(environ={**one.environ, "ML_MODEL_DIR": str(model_dir)}, body={"features": {"rounds": rounds}})


@contextlib.contextmanager
def asking(server: Contender, clients: int, script: Path) -> Iterator[None]:
    """Clients of another process that ask without a pause."""
    script.write_text(lua(server))
    command = ["wrk", "-t1", f"-c{clients}", "-d600s", "--timeout", "60s", "-s", str(script), server.url]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(1)
    yield
    process.kill()
    process.wait()


@contextlib.contextmanager
def besieging(server: Contender, silent: int, dripping: int) -> Iterator[None]:
    """Connections that say nothing, and some that say it very slowly."""
    address = server.url.split("/")[2].split(":")
    over = threading.Event()
    lines = [socket.create_connection((address[0], int(address[1]))) for _ in range(silent + dripping)]

    def drip() -> None:
        for byte in b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n":
            for number, line in enumerate(lines[silent:], silent):
                try:
                    line.sendall(bytes([byte]))
                except OSError:
                    lines[number] = socket.create_connection((address[0], int(address[1])))
            if over.wait(2):
                return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()
    for line in lines:
        line.close()


def latencies(url: str, body: dict[str, Any] | None, seconds: float) -> list[float]:
    """In milliseconds, of one client that rests in between; half of them by new connections."""
    taken: list[float] = []
    session = requests.Session()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client: Any = session if len(taken) % 2 else requests
        begun = time.perf_counter()
        method = "GET" if body is None else "POST"
        answer = client.request(method, url, json=body, headers={"X-API-Key": KEY}, timeout=60)
        taken.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, answer.text
        time.sleep(PAUSE_S)
    return taken


def show(what: str, taken: list[float]) -> None:
    ordered = sorted(taken)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(
        f"  {what}: p50 {statistics.median(taken):.1f}, p99 {p99:.1f}, most {ordered[-1]:.1f} ms, {len(taken)} times", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    card = read_card(msgspec.json.encode(CARD))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for title, run_s, clients in CASES:
            rounds = rounds_for(run_s) if run_s else 0
            models = make_slow_model_dir(work / str(clients), card, rounds) if run_s else None
            server = contender(models, rounds)
            log = work / "log"
            process = start(server, log)
            try:
                health = server.url.replace("/predict", "/health")
                if run_s:
                    while b"Ready" not in log.read_bytes():
                        time.sleep(0.1)
                else:
                    wait_until_answering(server, log)
                print(title, flush=True)
                with asking(server, clients, work / "lua") if run_s else besieging(server, 1000, 50):
                    show("/health", latencies(health, None, seconds))
                    if not run_s:
                        show("/predict", latencies(server.url, {"features": FEATURES}, seconds))
                statuses = Counter(re.findall(r"predict request_id=.* status=(\d+)", log.read_text()))
                print(f"  answered by status: {json.dumps(statuses)}", flush=True)
            finally:
                process.terminate()
                stop(process)


if __name__ == "__main__":
    main()
