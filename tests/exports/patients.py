"""The made-up people on whom every export is trained: the same numbers each time.

Figures are rounded as a laboratory rounds them, so that no split of a tree lies between a float64 and its float32.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

ROWS = 100
NUMBERS = ["age", "bmi", "systolic", "albumin", "log_crp"]
WORDS = ["sex", "ward"]
SEVERITIES = ["mild", "moderate", "severe"]
COMPLICATIONS = ["infection", "delirium", "fall"]
EPOCH = pd.Timestamp("1970-01-01")


def people(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Five measurements, two words, a truth and a day of each person; no value is missing."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(40, 95, rows),
            "bmi": rng.normal(26, 4, rows).round(1),
            "systolic": rng.integers(95, 190, rows),
            "albumin": rng.normal(4.0, 0.5, rows).round(2),
            "log_crp": rng.normal(0.0, 1.0, rows).round(2),
            "sex": rng.choice(["F", "M"], rows),
            "ward": rng.choice(["er", "general", "icu"], rows),
            "is_diabetic": rng.random(rows) < 0.35,
            "admitted": EPOCH + pd.to_timedelta(rng.integers(17_900, 19_700, rows), unit="D"),
        }
    )


def risk(frame: pd.DataFrame, seed: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A score to which everything about a person adds something, and chance the rest; mean 0, standard deviation 1."""
    rng = np.random.default_rng(seed)
    days = (frame["admitted"] - EPOCH).dt.days
    score = (
        0.06 * (frame["age"] - 67)
        + 0.15 * (frame["bmi"] - 26)
        + 0.02 * (frame["systolic"] - 140)
        - 1.2 * (frame["albumin"] - 4)
        + 0.8 * frame["log_crp"]
        + 0.7 * (frame["sex"] == "M")
        + frame["ward"].map({"er": 0.8, "general": -0.6, "icu": 1.6})
        + 0.9 * frame["is_diabetic"]
        + 0.0015 * (days - 18_800)
        + rng.normal(0, 0.4, len(frame))
    ).to_numpy()
    return np.asarray((score - score.mean()) / score.std())


def is_sick(frame: pd.DataFrame, seed: int) -> pd.Series:
    """Two classes, 0 and 1."""
    return pd.Series((risk(frame, seed) > 0).astype(int), name="is_sick")


def severity(frame: pd.DataFrame, seed: int) -> pd.Series:
    """Three classes, in words."""
    return pd.Series(pd.cut(risk(frame, seed), [-np.inf, -0.5, 0.5, np.inf], labels=SEVERITIES).astype(str), name="severity")


def stay(frame: pd.DataFrame, seed: int) -> pd.Series:
    """Days in hospital: a number to be regressed."""
    return pd.Series((7 + 3 * risk(frame, seed)).round(1), name="stay_days")


def stay_and_cost(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Two numbers to be regressed together."""
    cost = (12 + 2 * risk(frame, seed + 1) + 0.05 * (frame["age"] - 67)).round(2)
    return pd.DataFrame({"stay_days": stay(frame, seed), "cost": cost})


def complications(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Three labels, each 0 or 1, any of which may be true together."""
    return pd.DataFrame({name: (risk(frame, seed + i) > 0.3 * i - 0.3).astype(int) for i, name in enumerate(COMPLICATIONS)})


def without_some(frame: pd.DataFrame, columns: Sequence[str], seed: int, share: float = 0.15) -> pd.DataFrame:
    """The same people, with a share of the values of these columns missing."""
    rng = np.random.default_rng(seed)
    return frame.assign(**{name: frame[name].where(rng.random(len(frame)) >= share) for name in columns})


def days(column: pd.Series) -> pd.Series:
    """What a model reads of a date."""
    return (column - EPOCH).dt.days
