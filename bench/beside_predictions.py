"""What it costs predictions that a long job runs beside them, or a silent trial.

    python -m bench.beside_predictions [CONNECTIONS,...]

One server with two workers and the bundled model is loaded by connections that rest for 1 to 3 ms after each answer: alone,
with a long job of explained answers beside, and with the same model on trial under another version, in turns. `wrk` must be on
the PATH. The ratios are taken within each turn; of the trial it is told what it kept up with.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench.predict_vs_peer import CARD, FEATURES, KEY, Contender, measure, ours, start, stop, wait_until_answering
from ml_server import silent_trial
from ml_server.store import Store
from ml_server.trial_store import start_trial, stop_trial

NAME, VERSION, OTHER = CARD["name"], CARD["version"], "9.0.0"
PORT = 19031
TURNS = 7
JOBS, ITEMS = 12, 10_000


def models(directory: Path) -> Store:
    """The bundled model under two versions, the first of which is due."""
    source = Path(__file__).parent.parent / "ml_server" / "models" / NAME / VERSION
    for version in (VERSION, OTHER):
        shutil.copytree(source, directory / NAME / version)
        card = directory / NAME / version / "model.json"
        card.write_text(json.dumps({**json.loads(card.read_bytes()), "version": version}))
    store = Store(directory, lambda _: [])
    store.activate(NAME, VERSION)
    return store


def ask(base: str, method: str, path: str, content: Any = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json", "X-API-Key": KEY}
    with urllib.request.urlopen(urllib.request.Request(base + path, body, headers, method=method), timeout=60) as answer:
        return json.load(answer)


class Beside:
    """What is beside the predictions."""

    def __init__(self, base: str, store: Store) -> None:
        self._base = base
        self._store = store
        self._tasks: list[str] = []

    def begin(self, what: str) -> None:
        if what == "long job":
            content = {"items": [{"features": FEATURES}] * ITEMS, "explain": True}
            path = f"/predict/{NAME}/async"
            self._tasks = [ask(self._base, "POST", path, content)["status_url"] for _ in range(JOBS)]
            while ask(self._base, "GET", self._tasks[0])["progress"]["rows_done"] == 0:
                time.sleep(0.05)
        elif what == "silent trial":
            start_trial(self._store, NAME, OTHER)
            while not (self._against() or {}).get("compared"):
                ask(self._base, "POST", "/predict", {"features": FEATURES})

    def end(self, what: str) -> str:
        if what == "long job":
            states = [ask(self._base, "GET", task)["state"] for task in self._tasks]
            for task in self._tasks:
                ask(self._base, "DELETE", task)
            return f"{states.count('done')} of {JOBS} jobs done"
        if what == "silent trial":
            against = self._against()
            stop_trial(self._store)
            time.sleep(2)
            kinds = {"skipped": sum(against["skipped"].values()), "failed": sum(against["failed"].values())}
            counted = {name: against[name] for name in ("predictions", "compared", "lost", "waiting")} | kinds
            assert against["predictions"] == sum(counted.values()) - counted["predictions"], counted
            return str(counted)
        return ""

    def _against(self) -> Any:
        trial = ask(self._base, "GET", "/trial")["trial"]
        return trial["against"][0] if trial and trial["is_running"] and trial["against"] else None


def main(counts: str = "4,16") -> None:
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        store = models(work / "models")
        one = ours()
        base = f"http://127.0.0.1:{PORT}"
        environ = {
            **one.environ,
            "ML_BIND": f"127.0.0.1:{PORT}",
            "ML_MODEL_DIR": str(work / "models"),
            "ML_STATE_DIR": str(work / "state"),
        }
        contender = Contender(one.command, environ, f"{base}/predict", one.body, one.headers)
        server = start(contender, work / "log")
        try:
            wait_until_answering(contender, work / "log")
            for connections in map(int, counts.split(",")):
                turns(contender, base, store, connections, work)
        finally:
            silent_trial.end_trial(store.model_dir)
            server.terminate()
            stop(server)


def turns(contender: Contender, base: str, store: Store, connections: int, work: Path) -> None:
    found: dict[str, list[dict[str, float]]] = {"alone": [], "long job": [], "silent trial": []}
    beside = Beside(base, store)
    for turn in range(TURNS + 1):
        order = list(found)
        for what in order[turn % 3 :] + order[: turn % 3]:
            beside.begin(what)
            figures = measure(contender, connections, work / "post.lua", is_paced=True)
            told = beside.end(what)
            if turn:
                found[what].append(figures)
                if told:
                    print(f"    {what}: {told}", flush=True)
    print(f"{connections} connection(s), paced, {TURNS} turns, medians (least to most):")
    for what, all_figures in found.items():
        line = []
        for name in ("rps", "p50_ms", "p99_ms"):
            values = [each[name] for each in all_figures]
            ratios = [each[name] / alone[name] for each, alone in zip(all_figures, found["alone"], strict=True)]
            line.append(
                f"{name} {statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f}),"
                f" to alone {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            )
        print(f"  {what:12} " + "\n               ".join(line), flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.url}: {error.code} {error.read().decode()}") from error
