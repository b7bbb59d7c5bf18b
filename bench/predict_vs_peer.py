"""`/predict` against a peer that serves the same model: throughput and latency, as ratios.

    python bench/predict_vs_peer.py PEER PEER_PYTHON

PEER is `fastapi`, `fastapi-equal` (with the duties of ours), `granian` (bare Flask on it) or `mlserver`; PEER_PYTHON is an
interpreter of an environment that has onnxruntime and, for the first two, fastapi, uvicorn[standard] and prometheus-client,
for the others flask and granian, or mlserver. `wrk` must be on the PATH. Both servers have two worker processes and are
loaded in turn, several times, so that a machine's drift meets both alike, and the ratio is taken within each turn.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
CARD = json.loads((ROOT / "ml_server/models/alzheimer_biomarkers/1.0.0/model.json").read_bytes())
FEATURES = CARD["golden_samples"][1]["features"]
TURNS = 7
SECONDS = 5
CONNECTIONS = (1, 4, 16, 64)
KEY = "0123456789abcdef"
WORKERS = 2
PORTS = (19001, 19002)
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class Contender(NamedTuple):
    command: list[str]
    environ: dict[str, str]
    url: str
    body: dict[str, Any]
    headers: dict[str, str] = {"Content-Type": "application/json"}  # noqa: RUF012


def ours() -> Contender:
    gunicorn = str(Path(sys.executable).parent / "gunicorn")
    return Contender(
        [sys.executable, gunicorn, "-c", "python:ml_server.gunicorn_conf", "wsgi:app"],
        {"ML_BIND": f"127.0.0.1:{PORTS[0]}", "ML_WORKERS": str(WORKERS), "ML_API_KEY": KEY},
        f"http://127.0.0.1:{PORTS[0]}/predict",
        {"features": FEATURES},
        {"Content-Type": "application/json", "X-API-Key": KEY},
    )


def fastapi(python: str, _work: Path) -> Contender:
    options = ["--port", str(PORTS[1]), "--workers", str(WORKERS), "--no-access-log", "--log-level", "warning"]
    return Contender(
        [python, "-m", "uvicorn", "--app-dir", "bench", "predict_peer_fastapi:app", *options],
        {},
        f"http://127.0.0.1:{PORTS[1]}/predict",
        {"features": FEATURES},
    )


def fastapi_equal(python: str, work: Path) -> Contender:
    peer = fastapi(python, work)
    (work / "metrics").mkdir()
    return peer._replace(
        command=[word.replace("predict_peer_fastapi:", "predict_peer_fastapi_equal:") for word in peer.command],
        environ={"PROMETHEUS_MULTIPROC_DIR": str(work / "metrics"), "ML_API_KEY": KEY},
        headers={**peer.headers, "X-API-Key": KEY},
    )


def granian(python: str, _work: Path) -> Contender:
    options = ["--interface", "wsgi", "--port", str(PORTS[1]), "--workers", str(WORKERS), "--log-level", "warning"]
    return Contender(
        [python, str(Path(python).parent / "granian"), *options, "--working-dir", "bench", "predict_peer_flask:app"],
        {"PYTHONPATH": str(ROOT / "bench")},
        f"http://127.0.0.1:{PORTS[1]}/predict",
        {"features": FEATURES},
    )


def mlserver(python: str, work: Path) -> Contender:
    server = {"host": "127.0.0.1", "http_port": PORTS[1], "grpc_port": PORTS[1] + 1, "metrics_port": PORTS[1] + 2}
    (work / "settings.json").write_text(json.dumps({**server, "parallel_workers": WORKERS}))
    model = {"name": "alzheimer", "implementation": "predict_peer_mlserver.Alzheimer"}
    (work / "model-settings.json").write_text(json.dumps(model))
    row = [FEATURES[wanted["name"]] for wanted in CARD["inputs"]]
    tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
    return Contender(
        [python, str(Path(python).parent / "mlserver"), "start", str(work)],
        {"PYTHONPATH": str(ROOT / "bench")},
        f"http://127.0.0.1:{PORTS[1]}/v2/models/alzheimer/infer",
        {"inputs": [tensor]},
    )


PEERS = {"fastapi": fastapi, "fastapi-equal": fastapi_equal, "granian": granian, "mlserver": mlserver}


def start(contender: Contender, log: Path) -> subprocess.Popen[bytes]:
    environ = {**os.environ, **contender.environ}
    with log.open("wb") as output:
        return subprocess.Popen(contender.command, cwd=ROOT, env=environ, stdout=output, stderr=output, start_new_session=True)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Wait for the end; MLServer does not always come to it by itself."""
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_until_answering(contender: Contender, log: Path) -> None:
    body = json.dumps(contender.body).encode()
    for _ in range(300):
        try:
            request = urllib.request.Request(contender.url, body, contender.headers)
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert str(CARD["golden_samples"][1]["expected"]["Impaired"])[:5] in answer.read().decode()
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"{contender.url} does not answer: {log.read_text()}")


def lua(contender: Contender) -> str:
    """What wrk shall ask."""
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in contender.headers.items())
    return f"wrk.method = 'POST'\nwrk.body = '{json.dumps(contender.body)}'\n{headers}"


def measure(contender: Contender, connections: int, script: Path) -> dict[str, float]:
    """Requests per second, and the 50th and 99th percentile of latency in milliseconds."""
    script.write_text(lua(contender))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(script), contender.url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    figures = {"rps": float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0])}
    for percentile in ("50", "99"):
        value, unit = re.findall(rf"{percentile}%\s+([\d.]+)(us|ms|s)", text)[0]
        figures[f"p{percentile}_ms"] = float(value) * UNITS[unit]
    return figures


def show(figure: str, mine: list[float], peers: list[float]) -> None:
    ratios = [one / other for one, other in zip(mine, peers, strict=True)]
    print(
        f"  {figure:7} ours {statistics.median(mine):8.2f}  peer {statistics.median(peers):8.2f}  "
        f"ratio {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )


def main(peer_name: str, peer_python: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        contenders = (ours(), PEERS[peer_name](peer_python, work))
        logs = (work / "ours", work / "peer")
        servers = [start(contender, log) for contender, log in zip(contenders, logs, strict=True)]
        try:
            for contender, log in zip(contenders, logs, strict=True):
                wait_until_answering(contender, log)
            for connections in CONNECTIONS:
                turns: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
                for turn in range(TURNS + 1):
                    # Who begins changes each turn; the first turn warms up and is not counted.
                    for side in (0, 1) if turn % 2 else (1, 0):
                        figures = measure(contenders[side], connections, work / "post.lua")
                        if turn:
                            turns[side].append(figures)
                print(f"{peer_name}, {connections} connection(s), {WORKERS} workers, {TURNS} x {SECONDS} s, medians:")
                for figure in ("rps", "p50_ms", "p99_ms"):
                    show(figure, *([one[figure] for one in side_turns] for side_turns in turns))
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                stop(server)


if __name__ == "__main__":
    main(*sys.argv[1:])
