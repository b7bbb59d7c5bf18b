"""Inside the box: predictions without a pause, until its standard input is closed; then the count, as JSON.

The first line of its input says what to send: {"features": ..., "api_key": ...}. It says "running" when it is.
Half of the callers open a connection for every request, the other half keep theirs, as Django does, and ask once
more when a kept connection turns out to be closed. The number of requests and the time are bounded.
"""

import http.client
import json
import os
import sys
import threading
import time

CALLERS = 4
MOST_SECONDS = 180
ASKED = json.loads(sys.stdin.readline())
BODY = json.dumps({"features": ASKED["features"]})
HEADERS = {"Content-Type": "application/json", "X-API-Key": ASKED["api_key"]}


class Caller(threading.Thread):
    """One caller."""

    def __init__(self, *, is_keeping: bool) -> None:
        super().__init__(daemon=True)
        self.is_keeping = is_keeping
        self.answers: dict[str, int] = {}
        self.problems: list[str] = []
        self.slowest_s = 0.0

    def run(self) -> None:
        """Ask until told to stop."""
        connection = None
        while not stop.is_set():
            started = time.monotonic()
            is_reused = connection is not None
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", 9000, timeout=20)
                connection.request("POST", "/predict", BODY, HEADERS)
                response = connection.getresponse()
                text = response.read()
                outcome = str(response.status)
                if response.status != 200:
                    self.problems.append(f"{time.time():.3f} {outcome} {text[:200]!r}")
                if not self.is_keeping or response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                connection = None
                outcome = "closed meanwhile" if is_reused else type(error).__name__
                if not is_reused:
                    self.problems.append(f"{time.time():.3f} {error!r}")
            self.answers[outcome] = self.answers.get(outcome, 0) + 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
            stop.wait(0.005)


stop = threading.Event()
callers = [Caller(is_keeping=bool(number % 2)) for number in range(CALLERS)]
for caller in callers:
    caller.start()
threading.Timer(MOST_SECONDS, stop.set).start()
while not any(caller.answers for caller in callers):
    time.sleep(0.01)
sys.stdout.write("running\n")
sys.stdout.flush()
sys.stdin.read()
stop.set()
for caller in callers:
    caller.join(30)
totals: dict[str, int] = {}
for caller in callers:
    for outcome, count in caller.answers.items():
        totals[outcome] = totals.get(outcome, 0) + count
result = {
    "answers": totals,
    "problems": [problem for caller in callers for problem in caller.problems][:20],
    "slowest_s": round(max(caller.slowest_s for caller in callers), 3),
}
sys.stdout.write(json.dumps(result) + "\n")
sys.stdout.flush()
os._exit(0)
