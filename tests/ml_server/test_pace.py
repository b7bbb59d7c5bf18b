from ml_server.pace import Pace


def test_nothing_is_known_first() -> None:
    assert Pace().seconds == 0


def test_one_late_run_is_no_slowness() -> None:
    """One run that the machine had no time for says nothing; most of them being slow does."""
    pace = Pace()
    for seconds in (0.1, 0.1, 0.1, 9.0, 0.1):
        pace.add(seconds)
    assert pace.seconds == 0.1
    for seconds in (9.0, 9.0):
        pace.add(seconds)
    assert pace.seconds == 9.0
