"""Make the exports anew: `python -m tests.exports.make [FAMILY ...]`, in an environment with `requirements.txt` beside this.

A family is a module named `from_...` here, without that beginning; all of them are made unless some are named. The figures
are the same each time with the same releases, as every random choice is seeded.
"""

import importlib
import sys

from tests.exports.case import DIRECTORY, Case

FAMILIES = ("sklearn", "boosting", "torch", "readings", "keras", "hand")


def check(case: Case) -> None:
    """Say loudly that a case cannot show what it is for: an input or a class which does not matter, or too large a file."""
    if case.expected.get("task") == "classification":
        assert case.reference is not None
        chosen = set(case.reference.to_numpy().argmax(axis=1))
        assert len(chosen) == len(case.reference.columns), f"{case.name}: only the classes {chosen} are ever chosen"
    assert len(case.model) < 60_000, f"{case.name}: {len(case.model)} bytes"


def main(families: list[str]) -> None:
    """Write the folders of these families."""
    for family in families or FAMILIES:
        for case in importlib.import_module(f"tests.exports.from_{family}").cases():
            check(case)
            case.write(DIRECTORY)
            sys.stdout.write(f"{case.name}: {len(case.model)} bytes, {len(case.rows)} rows\n")


if __name__ == "__main__":
    main(sys.argv[1:])
