"""The interval of a share."""

import pytest

from ml_server.intervals import wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (29, 29, 0.8830, 1.0),
        (0, 10, 0.0, 0.2775),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_is_as_published(hits: int, of: int, low: float, high: float) -> None:
    """The examples of Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, their mirrors, and the ends."""
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)
