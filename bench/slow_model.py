"""A slow model behind the server against the same model without any server: what is lost on the way.

    python -m bench.slow_model [--turns 7] [--seconds 5]

A model of about 30 ms; the server has two workers and 16 clients without a pause, the peer is two processes that call
onnxruntime in a loop. They run in turn; what the server refuses for want of time is not counted.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from bench.health_under_load import asking, contender, rounds_for
from bench.predict_vs_peer import CARD, WORKERS, show, start, stop
from ml_server.card import read_card
from ml_server.runtimes import load_runtime
from tests.ml_server.conftest import make_slow_model_dir, slow_model

MODEL_S = 0.03
CLIENTS = 16


def call_in_a_loop(rounds: float, seconds: float) -> int:
    """How many predictions one process makes by itself."""
    runtime = load_runtime(read_card(msgspec.json.encode(CARD)), slow_model())
    runtime.run({"features": np.array([[rounds]], dtype=np.float32)}, "probabilities", 60)
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        runtime.run({"features": np.array([[rounds]], dtype=np.float32)}, "probabilities", 60)
        done += 1
    return done


def answered(log: Path) -> int:
    """How many predictions the server has logged as made."""
    return log.read_text().count(" status=200 ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    rounds = rounds_for(MODEL_S)
    mine: list[float] = []
    peers: list[float] = []
    with tempfile.TemporaryDirectory() as name, multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        work = Path(name)
        server = contender(make_slow_model_dir(work / "models", read_card(msgspec.json.encode(CARD)), rounds), rounds)
        log = work / "log"
        process = start(server, log)
        try:
            while b"Ready" not in log.read_bytes():
                time.sleep(0.1)
            for turn in range(options.turns + 1):
                with asking(server, CLIENTS, work / "lua"):
                    before, begun = answered(log), time.perf_counter()
                    time.sleep(options.seconds)
                    made = (answered(log) - before) / (time.perf_counter() - begun)
                alone = sum(pool.starmap(call_in_a_loop, [(rounds, options.seconds)] * WORKERS)) / options.seconds
                if turn:
                    mine.append(made)
                    peers.append(alone)
            print(f"a model of 30 ms, {WORKERS} workers, {CLIENTS} clients, {options.turns} x {options.seconds:g} s, medians:")
            show("rps", mine, peers)
        finally:
            process.terminate()
            stop(process)


if __name__ == "__main__":
    main()
