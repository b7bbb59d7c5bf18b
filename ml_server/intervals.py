"""How sure one can be of a share."""

import math

# Of the normal distribution, for an interval of 95 %.
Z = 1.959963984540054


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the interval of 95 % of a share (Wilson 1927, without the correction for continuity); (0, 1) of none."""
    if not of:
        return 0.0, 1.0
    share, weight = hits / of, Z * Z / of
    middle = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    return (max(0.0, middle - half) if hits else 0.0), (min(1.0, middle + half) if hits < of else 1.0)
