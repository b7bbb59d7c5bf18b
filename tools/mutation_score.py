"""Print what a mutation run has found, by module: `mutmut results --all true | python tools/mutation_score.py`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

# What has run out of time has noticed the mutant: nothing in these tests takes that long.
NOTICED = ("killed", "timeout")


def statuses(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Return how often each status occurs, by module, from lines such as "a.b.x_function__mutmut_1: killed"."""
    found: dict[str, Counter[str]] = {}
    for line in lines:
        name, _, status = line.strip().rpartition(": ")
        if "__mutmut_" in name:
            found.setdefault(name.rpartition(".")[0], Counter())[status] += 1
    return found


def table(found: dict[str, Counter[str]]) -> list[str]:
    """Return the lines of a table, the sum of all last."""
    rows = [f"{'module':<42}{'mutants':>8}{'noticed':>8}{'score':>8}"]
    for module, counts in [*sorted(found.items()), ("all", sum(found.values(), Counter[str]()))]:
        noticed = sum(counts[status] for status in NOTICED)
        others = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()) if status not in NOTICED)
        rows.append(f"{module:<42}{counts.total():>8}{noticed:>8}{noticed / counts.total():>8.1%}  {others}".rstrip())
    return rows


if __name__ == "__main__":
    results = statuses(sys.stdin)
    if not results:
        sys.exit("there are no results: run `make mutants`")
    sys.stdout.write("\n".join(table(results)) + "\n")
