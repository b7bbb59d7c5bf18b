from __future__ import annotations

import math
import os

import pytest

from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.probes import inodes
from tests.monitor_blueprint.probes.looking import looking


def test_inode_usage_is_measured() -> None:
    """The share of used inodes is measured, and rounded up as df does."""
    (reading,) = inodes.probe(inodes.Options(path="/dev/shm"), looking()).readings
    found = os.statvfs("/dev/shm")
    assert reading.value == math.ceil(100 * (found.f_files - found.f_ffree) / found.f_files)
    assert reading.thresholds is not None
    assert (reading.thresholds.warning, reading.thresholds.critical) == (80, 90)


def test_missing_mount_point_is_probe_error() -> None:
    with pytest.raises(ProbeError, match="No such file"):
        inodes.probe(inodes.Options(path="/no/such/place"), looking())


def test_uncounted_inodes_are_probe_error() -> None:
    """A file system without a fixed number of inodes cannot be looked at."""
    options = inodes.Options(path="/proc")
    assert not inodes.is_possible(options)
    with pytest.raises(ProbeError, match="no fixed number"):
        inodes.probe(options, looking())


def test_possible_where_inodes_are_counted() -> None:
    assert inodes.is_possible(inodes.Options(path="/dev/shm"))
    assert not inodes.is_possible(inodes.Options(path="/no/such/place"))
