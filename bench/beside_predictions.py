"""What it costs predictions that a long job runs beside them, or a silent trial.

    python -m bench.beside_predictions [RATE,...]

One server with two workers and the bundled model is asked: alone, with a long job of explained answers beside, and with the
same model on trial under another version, in many short turns. `wrk` must be on the PATH.

RATE is in requests per second; unless given, it is half of what the server can alone. That is the load that the figures are
for: one that leaves something of the processors over, as a server has it that is not too small for what it is asked. At
saturation (`hard`, instead of a rate) nothing is left over: there the rest between two requests is none, the latency is the time
in the queue, and what it costs to hand predictions on shows as requests per second. A rate is kept, about, by connections that
rest for so long, more or less by chance: an answer that is late holds up its own connection, and no other.

Latencies are told of all turns' requests together, which is what a percentile as rare as the 99th needs, and as ratios within
each turn. The time of the processor that the workers take for each request depends little on what else the machine does.
"""

import collections
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from bench.predict_vs_peer import CARD, FEATURES, KEY, Contender, lua, ours, start, stop, wait_until_answering
from ml_server import silent_trial
from ml_server.store import Store
from ml_server.trial_store import start_trial, stop_trial

NAME, VERSION, OTHER = CARD["name"], CARD["version"], "9.0.0"
PORT = 19031
TURNS, SECONDS, REST_S = 16, 3, 0.5
CONNECTIONS = 16
JOBS, ITEMS = 12, 10_000
ALONE, JOB, TRIAL = "alone", "long job", "silent trial"
# wrk has whole milliseconds only, for the rest, and tells each latency in microseconds.
REST = """
function delay() return math.random({}, {}) end
"""
DONE = """
function done(summary, latency, requests)
  for i = 1, #latency do
    local value, count = latency(i)
    io.write(string.format("LATENCY %d %d\\n", value, count))
  end
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("DONE %d %d %d\\n", summary.requests, summary.duration, failed))
end
"""


class Turn(NamedTuple):
    """What was measured: how often which latency in microseconds, and per request microseconds of processors and waits."""

    rps: float
    latencies: collections.Counter[int]
    workers_us: float
    switches: float
    beside_share: float


def percentile(latencies: collections.Counter[int], share: float) -> float:
    """In milliseconds."""
    wanted, so_far = share * latencies.total(), 0
    for value in sorted(latencies):
        so_far += latencies[value]
        if so_far >= wanted:
            return value / 1000
    raise SystemExit("no request was answered")


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
        self.counted: collections.Counter[str] = collections.Counter()

    def begin(self, what: str) -> None:
        if what == JOB:
            content = {"items": [{"features": FEATURES}] * ITEMS, "explain": True}
            path = f"/predict/{NAME}/async"
            self._tasks = [ask(self._base, "POST", path, content)["status_url"] for _ in range(JOBS)]
            while ask(self._base, "GET", self._tasks[0])["progress"]["rows_done"] == 0:
                time.sleep(0.05)
        elif what == TRIAL:
            start_trial(self._store, NAME, OTHER)
            while not self._against().get("compared"):
                ask(self._base, "POST", "/predict", {"features": FEATURES})
                time.sleep(0.005)
        time.sleep(REST_S)

    def end(self, what: str) -> None:
        if what == JOB:
            for task in self._tasks:
                ask(self._base, "DELETE", task)
        elif what == TRIAL:
            against = self._against()
            kinds = {"skipped": sum(against["skipped"].values()), "failed": sum(against["failed"].values())}
            counted = {name: against[name] for name in ("compared", "lost", "waiting")} | kinds
            assert against["predictions"] == sum(counted.values()), against
            self.counted.update(counted)
            stop_trial(self._store)
            while ask(self._base, "GET", "/trial")["trial"]["ended_at"] is None:
                time.sleep(0.1)
        time.sleep(REST_S)

    def _against(self) -> Any:
        trial = ask(self._base, "GET", "/trial")["trial"]
        return trial["against"][0] if trial and trial["is_running"] and trial["against"] else {}


class Server:
    """The processes of the server: what they have used so far."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def used(self) -> tuple[float, int, float]:
        """Seconds of processors and switches of the workers, and seconds of processors of whatever is beside."""
        workers_s = beside_s = 0.0
        switches = 0
        for process in self._process.children(recursive=True):
            times = process.cpu_times()
            if "-m" in process.cmdline():
                beside_s += times.user + times.system
            else:
                workers_s += times.user + times.system
                switches += process.num_ctx_switches().voluntary
        return workers_s, switches, beside_s


def measure(contender: Contender, server: Server, script: Path, rate: float | None, seconds: int = SECONDS) -> Turn:
    """Ask for so long, with so many requests per second, or with as many as there can be."""
    mean_ms = CONNECTIONS / rate * 1000 if rate else 0
    script.write_text(lua(contender) + (REST.format(round(mean_ms / 2), round(mean_ms * 1.5)) if rate else "") + DONE)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), contender.url]
    before = server.used()
    lines = [line.split() for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]
    workers_s, switches, beside_s = (after - was for after, was in zip(server.used(), before, strict=True))
    latencies = collections.Counter({int(line[1]): int(line[2]) for line in lines if line[:1] == ["LATENCY"]})
    requests, duration_us, failed = next(map(int, line[1:]) for line in lines if line[:1] == ["DONE"])
    if failed:
        raise SystemExit(f"{failed} requests failed")
    return Turn(
        requests / duration_us * 1e6,
        latencies,
        workers_s / requests * 1e6,
        switches / requests,
        beside_s / duration_us * 1e6,
    )


def main(rates: str = "") -> None:
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
        process = start(contender, work / "log")
        server = Server(process.pid)
        try:
            wait_until_answering(contender, work / "log")
            most = measure(contender, server, work / "post.lua", None).rps
            print(f"alone it answers {most:.0f} requests per second at most", flush=True)
            for rate in [None if rate == "hard" else float(rate) for rate in rates.split(",")] if rates else [most / 2]:
                turns(Beside(base, store), partial(measure, contender, server, work / "post.lua", rate), rate)
        finally:
            silent_trial.end_trial(store.model_dir)
            process.terminate()
            stop(process)


def turns(beside: Beside, measured: Callable[[], Turn], rate: float | None) -> None:
    found: dict[str, list[Turn]] = {ALONE: [], JOB: [], TRIAL: []}
    for turn in range(TURNS + 1):
        order = list(found)
        for what in order[turn % 3 :] + order[: turn % 3]:
            beside.begin(what)
            one = measured()
            beside.end(what)
            if turn:  # the first one warms up
                found[what].append(one)
    load = f"{rate:.0f} requests per second" if rate else "as hard as they can"
    print(f"{CONNECTIONS} connections, {load}, {TURNS} turns of {SECONDS} s:")
    for what, of in found.items():
        together = [sum((turn.latencies for turn in of), collections.Counter()), *(turn.latencies for turn in of)]
        alone = [
            sum((turn.latencies for turn in found[ALONE]), collections.Counter()),
            *(turn.latencies for turn in found[ALONE]),
        ]
        print(f"  {what}")
        for share in (0.5, 0.99):
            pooled, *ratios = (percentile(a, share) / percentile(b, share) for a, b in zip(together, alone, strict=True))
            print(
                f"    p{share * 100:.0f} {percentile(together[0], share):7.3f} ms, to alone {pooled:.2f} of all together,"
                f" {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of each turn"
            )
        for name, figure in FIGURES.items():
            values = [figure(turn) for turn in of]
            ratios = [figure(a) / figure(b) for a, b in zip(of, found[ALONE], strict=True)]
            print(f"    {name} {statistics.median(values):.1f}, to alone {statistics.median(ratios):.2f}")
        print(f"    processors taken beside {statistics.median(turn.beside_share for turn in of):.3f}", flush=True)
    print(f"  of the trial's predictions: {dict(beside.counted)}", flush=True)


FIGURES: dict[str, Callable[[Turn], float]] = {
    "requests per second": lambda turn: turn.rps,
    "workers' processor time per request, us": lambda turn: turn.workers_us,
    "workers' waits per request": lambda turn: turn.switches,
}


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.url}: {error.code} {error.read().decode()}") from error
