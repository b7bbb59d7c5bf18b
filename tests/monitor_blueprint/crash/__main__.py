"""The long form: `python -m tests.monitor_blueprint.crash --kills 200`."""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.monitor_blueprint.crash.harness import run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--incidents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", help="where the database is; the system's temporary one by default")
    chosen = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as directory:
        report = run(Path(directory) / "monitor.db", chosen.kills, chosen.incidents, chosen.seed)
    deliveries = len(report.expected) * len(report.arrivals)
    print(f"kills                      {report.kills}")
    print(f"incidents                  {report.incidents}")
    print(f"events x channels          {deliveries}")
    print(f"requests to the channels   {report.requests}, of which failed on purpose {report.failures}")
    print(f"lost                       {len(report.lost)}")
    print(f"channels out of order      {len(report.out_of_order)}")
    print(f"sent twice by a kill       {len(report.twice)} ({report.share_twice:.2%})")
    print(f"per kill                   {len(report.twice) / report.kills:.3f}")
    print(f"other trouble              {report.trouble or 'none'}")
    print(f"seconds                    {time.monotonic() - start:.0f}")
    is_good = not report.lost and not report.out_of_order and not report.trouble and report.share_twice <= 0.02
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
