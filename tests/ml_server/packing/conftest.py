import numpy as np
import pytest

from tests.ml_server.packing.models import Case, linear


@pytest.fixture(scope="session")
def two_classes() -> Case:
    """Three measured columns, of which the second is sometimes missing in other tests; the answer are two probabilities."""
    return linear(np.array([[0.8, -1.1, 0.4]]), classes=("sick", "well"))
