"""`/predict` against a peer that serves the same model: throughput and latency, as ratios.

    python bench/predict_vs_peer.py PEER PEER_PYTHON [CONNECTIONS,...]

PEER is `fastapi`, `fastapi-equal` (with the duties of ours), `granian` (bare Flask on it), `keeping` (ours with ML_STATE_DIR,
against ours without), `litserve`, `bentoml` or `mlserver`; PEER_PYTHON is an interpreter of an environment that has onnxruntime
and, for the first two, fastapi, uvicorn[standard] and prometheus-client, for `granian` flask and granian, for the others what
they are named after. `wrk` must be on the PATH. Both servers have two worker processes and are loaded in turn, several times,
so that a machine's drift meets both alike, and the ratio is taken within each turn: first as hard as the connections can, and
then by connections that rest for 1 to 3 ms after each answer (`paced`). `worst turn` is the least of the requests per second
as a share of their median: it is low where the connections are not shared fairly among the workers.
"""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
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


def litserve(python: str, work: Path) -> Contender:
    return Contender(
        [python, "bench/predict_peer_litserve.py", str(PORTS[1]), str(WORKERS)],
        {"PROMETHEUS_MULTIPROC_DIR": str(work)},
        f"http://127.0.0.1:{PORTS[1]}/predict",
        {"features": FEATURES},
    )


def bentoml(python: str, work: Path) -> Contender:
    options = ["--host", "127.0.0.1", "--port", str(PORTS[1]), "--working-dir", "bench"]
    return Contender(
        [python, str(Path(python).parent / "bentoml"), "serve", "predict_peer_bentoml:Alzheimer", *options],
        {"BENTOML_HOME": str(work / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"},
        f"http://127.0.0.1:{PORTS[1]}/predict",
        {"features": FEATURES},
    )


def keeping(_python: str, work: Path) -> Contender:
    """Ours, with what it keeps of its answers."""
    own = ours()
    bind = f"127.0.0.1:{PORTS[1]}"
    environ = {**own.environ, "ML_BIND": bind, "ML_STATE_DIR": str(work / "state")}
    return own._replace(environ=environ, url=f"http://{bind}/predict")


_PEERS = (fastapi, fastapi_equal, granian, keeping, litserve, bentoml, mlserver)
PEERS = {each.__name__.replace("_", "-"): each for each in _PEERS}


def start(contender: Contender, log: Path) -> subprocess.Popen[bytes]:
    host, _, port = contender.url.split("/")[2].partition(":")
    with socket.socket() as probe:
        if probe.connect_ex((host, int(port))) == 0:
            raise SystemExit(f"somebody else listens at {host}:{port}")
    environ = {**os.environ, **contender.environ}
    with log.open("wb") as output:
        return subprocess.Popen(contender.command, cwd=ROOT, env=environ, stdout=output, stderr=output, start_new_session=True)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Wait for the end, and make it: not all peers come to it by themselves, or with all their processes."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(20)
    with contextlib.suppress(ProcessLookupError):
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


def lua(contender: Contender, *, is_paced: bool = False) -> str:
    """What wrk shall ask, and whether each connection rests for 1 to 3 ms before."""
    rest = "function delay() return math.random(1, 3) end\n" if is_paced else ""
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in contender.headers.items())
    return f"wrk.method = 'POST'\nwrk.body = '{json.dumps(contender.body)}'\n{headers}{rest}"


def measure(contender: Contender, connections: int, script: Path, *, is_paced: bool = False) -> dict[str, float]:
    """Requests per second, and the 50th and 99th percentile of latency in milliseconds."""
    script.write_text(lua(contender, is_paced=is_paced))
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
        f"ratio {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        + f"  worst turn {min(mine) / statistics.median(mine):.2f}"
        * (figure == "rps"),
        flush=True,
    )


def main(peer_name: str, peer_python: str, counts: str = "1,4,16,64") -> None:
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        contenders = (ours(), PEERS[peer_name](peer_python, work))
        logs = (work / "ours", work / "peer")
        servers = [start(contender, log) for contender, log in zip(contenders, logs, strict=True)]
        try:
            for contender, log in zip(contenders, logs, strict=True):
                wait_until_answering(contender, log)
            for connections, is_paced in itertools.product(map(int, counts.split(",")), (False, True)):
                turns: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
                for turn in range(TURNS + 1):
                    # Who begins changes each turn; the first turn warms up and is not counted.
                    for side in (0, 1) if turn % 2 else (1, 0):
                        figures = measure(contenders[side], connections, work / "post.lua", is_paced=is_paced)
                        if turn:
                            turns[side].append(figures)
                load = "paced" if is_paced else "as hard as they can"
                print(f"{peer_name}, {connections} connection(s), {load}, {WORKERS} workers, {TURNS} x {SECONDS} s, medians:")
                for figure in ("rps", "p50_ms", "p99_ms"):
                    show(figure, *([one[figure] for one in side_turns] for side_turns in turns))
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                stop(server)


if __name__ == "__main__":
    main(*sys.argv[1:])
