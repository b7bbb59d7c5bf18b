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
    again, for_nothing, unmarked = report.repeats
    print(f"kills                      {report.kills}")
    print(f"incidents                  {report.incidents}")
    print(f"events x receivers         {report.told}")
    print(f"fates of the attempts      {report.fates}")
    print(f"wrong beliefs at the end   {report.wrong_beliefs or 'none'}")
    print(f"recoveries before opening  {len(report.recoveries_without_opening)}")
    print(f"receivers out of order     {len(report.out_of_order)}")
    print(f"lost                       {len(report.lost)} (and {report.never_arrived} in doubt, which had not arrived)")
    print(f"told again                 {again} ({again / report.told:.2%}), messages of which unmarked {unmarked}")
    print(f"  though acknowledged      {for_nothing} ({report.share_for_nothing:.2%})")
    print(f"other trouble              {report.trouble or 'none'}")
    print(f"seconds                    {time.monotonic() - start:.0f}")
    return 0 if not report.faults and report.share_for_nothing <= 0.02 else 1


if __name__ == "__main__":
    sys.exit(main())
