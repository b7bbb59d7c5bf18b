"""A client of long jobs, and the processes that answer them."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import requests

from ml_server.jobs.runner import MODULE
from tests.ml_server.server import DEADLINE_S, Server

Told = dict[str, Any]


def send(server: Server, content: Any, model: str = "alzheimer_biomarkers", **headers: str) -> requests.Response:
    return requests.post(f"{server.url}/predict/{model}/async", json=content, headers=headers, timeout=DEADLINE_S)


def look(server: Server, task: Told) -> Told:
    told: Told = requests.get(f"{server.url}{task['status_url']}", timeout=DEADLINE_S).json()
    return told


def wait_for(server: Server, task: Told, is_so: Callable[[Told], bool]) -> Told:
    """Ask until something is so, which no event tells a client."""
    end = time.monotonic() + DEADLINE_S
    while not is_so(told := look(server, task)):
        assert time.monotonic() < end, told
        assert told["ok"], told
        time.sleep(0.01)
    return told


def wait_until_over(server: Server, task: Told) -> Told:
    return wait_for(server, task, lambda told: told["state"] not in {"queued", "running"})


def runners(server: Server) -> list[int]:
    """The processes that answer long jobs, whoever started them."""
    return running(server, MODULE)


def running(server: Server, module: str) -> list[int]:
    """The processes of a server that run a module, whoever started them."""
    processes = [process for process in psutil.process_iter(["cmdline", "environ"]) if module in (process.info["cmdline"] or [])]
    return [process.pid for process in processes if (process.info["environ"] or {}).get("TMPDIR") == str(server.work)]


def kill_runner(server: Server, *, but: int = 0) -> int:
    """Kill the process that answers, once it works; `but` is one that was killed before."""
    end = time.monotonic() + DEADLINE_S
    while not (found := [pid for pid in runners(server) if pid != but and _works(pid)]):
        assert time.monotonic() < end
        time.sleep(0.01)
    (pid,) = found
    process = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    process.wait(DEADLINE_S)
    return pid


def _works(pid: int) -> bool:
    """Tell whether a process has got as far as to have a thread that steps back."""
    try:
        return any(os.sched_getscheduler(thread.id) == os.SCHED_IDLE for thread in psutil.Process(pid).threads())
    except (psutil.Error, OSError):
        return False
